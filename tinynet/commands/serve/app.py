"""The web application: predictions, a description of the model, and a page to try it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from typing import Any

from tinynet import __version__
from tinynet.commands.serve.answers import Answer, error_answer, error_content
from tinynet.commands.serve.body import read_job
from tinynet.commands.serve.description import describe
from tinynet.commands.serve.limits import Limits, RequestError
from tinynet.commands.serve.openapi import predict_operation, responses
from tinynet.commands.serve.page import page_of
from tinynet.commands.serve.worker_process import WorkerProcess, retry_after
from tinynet.extras import importing
from tinynet.prediction.model import Model
from tinynet.text.wording import quote

Log = Callable[[str], None]

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
    worker = WorkerProcess(model, limits, threads)
    facts = {
        **description.to_json(),
        "source": source,
        "tinynet": __version__,
        "limits": {name: getattr(limits, name) for name in _SHOWN},
    }
    page = page_of(description, limits, source)

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
            async with worker.reading():
                job = await read_job(request, limits)
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
        return Response(page, media_type="text/html")

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
        "openapi_extra": predict_operation(description),
        "responses": responses(limits),
    }
    app.add_api_route("/predict", predict, methods=["POST"], summary="Predict samples", **options)
    app.add_api_route("/model", show_model, summary="Inputs, outputs and limits")
    app.add_api_route("/health", health, summary="Ready to predict")
    app.add_api_route("/", show_page, include_in_schema=False)
    app.add_middleware(_Guard, hosts=hosts, log=log)
    return app


class _Guard:
    """ASGI middleware: refuses other host names, and logs each request."""

    def __init__(self, app: Any, hosts: Collection[str] | None, log: Log | None) -> None:
        self._app, self._hosts, self._log = app, hosts, log

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, status = time.monotonic(), 0

        async def watched(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            name = _host(scope["headers"])
            if self._hosts is not None and name not in self._hosts:
                await _refuse(name, watched)
            else:
                await self._app(scope, receive, watched)
        finally:
            if self._log is not None:
                milliseconds = 1000 * (time.monotonic() - start)
                self._log(f"{scope['method']} {scope['path']} {status} {milliseconds:,.0f} ms")


def _host(headers: Any) -> str:
    """Return the name of the server in a request, without the port."""
    value = next((value for name, value in headers if name == b"host"), b"")
    name: str = value.decode("latin-1").lower()
    if name.startswith("["):
        return name[1:].partition("]")[0]
    return name.partition(":")[0]


async def _refuse(name: str, send: Any) -> None:
    error = RequestError(
        400, f"this server is not named {quote(name)}; open it as http://127.0.0.1, with its port"
    )
    result = error_answer(error)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(result.content)).encode()),
    ]
    await send({"type": "http.response.start", "status": result.status, "headers": headers})
    await send({"type": "http.response.body", "body": result.content})
