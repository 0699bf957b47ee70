"""The web application: predictions, a description of the model, and a page to try it."""

import asyncio
import html
import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from tinynet import __version__
from tinynet.commands.serve.answers import Answer, error_answer, error_content
from tinynet.commands.serve.body import declared_length, read_job
from tinynet.commands.serve.description import describe
from tinynet.commands.serve.guard import Guard, Log
from tinynet.commands.serve.limits import Limits, RequestError
from tinynet.commands.serve.openapi import model_responses, predict_operation, responses
from tinynet.commands.serve.page import page_of
from tinynet.commands.serve.readers import Readers
from tinynet.commands.serve.worker_process import WorkerProcess, retry_after
from tinynet.extras import importing
from tinynet.prediction.model import Model

_SHOWN = ("max_size", "max_rows", "max_values", "timeout")
_PATHS = ("/", "/predict", "/model", "/health", "/openapi.json")


def create_app(
    model: Model,
    *,
    limits: Limits | None = None,
    threads: int | None = None,
    source: str = "",
    hosts: Collection[str] | None = None,
    log: Log | None = None,
) -> Any:
    """Return a FastAPI application that predicts with a model.

    The model computes in a process of its own, which starts with the application.

    Args:
        model: The model.
        limits: The limits of requests.
        threads: The number of threads, by default one for each core.
        source: The checkpoint, as `/model` and the page name it.
        hosts: The names of this server that requests may use; None allows any. A server on
            loopback should have some, so that no web page can reach it by a name of its own.
        log: Called with a line for each request.

    Raises:
        MissingPackageError: if a package of the extra ``serve`` is not installed.
    """
    with importing("serve", "tinynet serve"):
        import jinja2  # noqa: F401
        import python_multipart  # noqa: F401
        from fastapi import FastAPI, Request, Response
        from starlette.exceptions import HTTPException
        from starlette.requests import ClientDisconnect

    limits = limits or Limits()
    description = describe(model)
    worker, readers = WorkerProcess(model, limits, threads), Readers(limits)
    facts = {
        **description.to_json(),
        "source": source,
        "tinynet": __version__,
        "limits": {name: getattr(limits, name) for name in _SHOWN},
    }
    page = page_of(description, limits, source)
    policy = {"Content-Security-Policy": _policy(page)}

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        await worker.start()
        yield
        await worker.stop()

    def respond(result: Answer) -> Any:
        headers = {"Retry-After": retry_after(limits)} if result.status == 503 else {}
        return Response(result.content, result.status, headers, "application/json")

    async def predict(request: Request) -> Any:
        try:
            async with readers.place(declared_length(request)):
                job = await read_job(request, limits, description.types)
            async with worker.slot():
                return respond(await worker.predict(job))
        except ClientDisconnect:  # The answer reaches no client; the log shows the status.
            return Response(status_code=499)
        except asyncio.CancelledError:  # by uvicorn, some seconds after the signal
            return respond(error_answer(RequestError(503, "the server has ended")))
        except Exception as error:
            return respond(error_answer(error))

    async def crashed(_: Any, error: Exception) -> Any:
        return respond(error_answer(error))

    async def show_model() -> dict[str, Any]:
        return facts

    async def health() -> dict[str, str]:
        return {"status": "ok"}

    async def show_page() -> Any:
        return Response(page, 200, policy, "text/html")

    async def failed(_: Any, error: Any) -> Any:
        message = str(error.detail)
        if error.status_code == 404:
            message = f"there is no such page; available: {', '.join(_PATHS)}"
        elif error.status_code == 405:
            message = "another method is needed here: POST for /predict, GET for everything else"
        content = error_content("RequestError", message)
        return Response(content, error.status_code, error.headers, "application/json")

    app = FastAPI(
        title=f"tinynet: {description.name}",
        version=__version__,
        docs_url=None,  # these load scripts from other hosts
        redoc_url=None,
        lifespan=lifespan,
        exception_handlers={HTTPException: failed, Exception: crashed},
    )
    options: dict[str, Any] = {
        "openapi_extra": predict_operation(description, limits),
        "responses": responses(model, limits),
    }
    app.add_api_route("/predict", predict, methods=["POST"], summary="Predict samples", **options)
    app.add_api_route(
        "/model", show_model, summary="Inputs, outputs and limits", responses=model_responses()
    )
    app.add_api_route("/health", health, summary="Ready to predict")
    app.add_api_route("/", show_page, include_in_schema=False)
    app.add_middleware(Guard, hosts=hosts, log=log)
    return app


def _policy(page: str) -> str:
    """Return the security policy of a page as a header, which may also refuse frames."""
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert found is not None
    return f"{html.unescape(found[1])}; frame-ancestors 'none'"
