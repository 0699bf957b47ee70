"""Bodies of requests: read within limits, and split into files."""

from collections.abc import AsyncIterator, Collection
from typing import Any

from tinynet.commands.serve.answers import Job
from tinynet.commands.serve.charsets import charset_of, require_utf8
from tinynet.commands.serve.formats import ALIASES, FORM, JSON
from tinynet.commands.serve.limits import Limits, RequestError, size_text, too_many_samples
from tinynet.commands.serve.uploads import Upload
from tinynet.text.wording import quote

_OPTIONS = ("resize", "form")


async def read_job(request: Any, limits: Limits, types: Collection[str]) -> Job:
    """Return the job of a request; ``types`` are the media types that the model reads.

    Raises:
        RequestError: for a body that is too long, of a type that is not accepted, or damaged, and
            for unknown parameters.
    """
    resize, records = _options(request.query_params)
    content_type = request.headers.get("content-type", "")
    kind, charset = content_type.partition(";")[0].strip().lower(), charset_of(content_type)
    if kind in ("", JSON, "text/json", "application/x-www-form-urlencoded") or kind.endswith(
        "+json"
    ):
        # curl --data sends the type of a form unless another one is given.
        require_utf8(charset)
        return Job(await _body(request, limits), resize, records)
    if kind == FORM and FORM in types:
        uploads = await _files(request, await _body(request, limits), limits)
        return Job(uploads, resize, records)
    if ALIASES.get(kind, kind) in types:
        upload = Upload("", kind, await _body(request, limits), charset)
        return Job([upload], resize, records)
    raise RequestError(
        415, f"bodies of type {quote(kind)} are not accepted by this model; send {', '.join(types)}"
    )


def _options(parameters: Any) -> tuple[bool, bool]:
    for name in parameters:
        if name not in _OPTIONS:
            raise RequestError(
                400, f"unknown parameter {quote(name)}; available: {', '.join(_OPTIONS)}"
            )
    resize = parameters.get("resize", "false")
    form = parameters.get("form", "columns")
    if resize not in ("true", "false"):
        raise RequestError(400, f"resize is true or false, not {quote(resize)}")
    if form not in ("columns", "records"):
        raise RequestError(400, f"form is columns or records, not {quote(form)}")
    return resize == "true", form == "records"


def declared_length(request: Any) -> int | None:
    """Return the length that a request gives for its body, or None."""
    declared = request.headers.get("content-length", "")
    return int(declared[:20]) if declared.isascii() and declared.isdigit() else None


async def _body(request: Any, limits: Limits) -> bytes:
    """Return the body; its length is counted while it arrives, since a client may not give it."""
    declared = declared_length(request)
    if declared is not None and declared > limits.max_size:
        raise _too_long(limits)
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limits.max_size:
            raise _too_long(limits)
        parts.append(part)
    return b"".join(parts)


def _too_long(limits: Limits) -> RequestError:
    size = size_text(limits.max_size)
    return RequestError(
        413,
        f"the body is longer than {size}; send fewer samples at a time (the operator of the server"
        " can raise --max-size)",
    )


async def _files(request: Any, body: bytes, limits: Limits) -> list[Upload]:
    """Return the files of a form."""
    from starlette.formparsers import MultiPartException, MultiPartParser

    async def stream() -> AsyncIterator[bytes]:
        yield body
        yield b""

    most = limits.max_rows
    parser = MultiPartParser(request.headers, stream(), max_files=most, max_fields=16)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        if error.message.startswith("Too many files"):
            raise too_many_samples(limits) from error
        raise RequestError(400, f"the form cannot be read: {error.message}") from error
    except (KeyError, ValueError, UnicodeError) as error:
        raise RequestError(400, "the form cannot be read: it has no boundary") from error
    try:
        return [await _upload(name, value) for name, value in form.multi_items()]
    finally:
        await form.close()


async def _upload(name: str, value: Any) -> Upload:
    if isinstance(value, str):
        raise RequestError(
            400, f"the form has the unknown field {quote(name)}; send files, or JSON instead"
        )
    content_type = value.content_type or ""
    kind = content_type.partition(";")[0].strip().lower()
    return Upload(value.filename or "", kind, await value.read(), charset_of(content_type))
