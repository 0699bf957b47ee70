"""Answers to requests: predictions as JSON, or an error."""

import json
import math
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tinynet.commands.serve.booleans import refuse_booleans
from tinynet.commands.serve.json_body import parse_json
from tinynet.commands.serve.json_inputs import json_inputs
from tinynet.commands.serve.limits import Limits, RequestError, too_many_samples
from tinynet.commands.serve.uploads import Names, Upload, as_files
from tinynet.commands.serve.wording import of_request
from tinynet.errors import DataError, TinynetError
from tinynet.prediction.model import Model
from tinynet.prediction.predictions import Predictions
from tinynet.prediction.raw_inputs import TooManySamplesError
from tinynet.text.printing import counted


@dataclass(frozen=True)
class Job:
    """A request for predictions.

    Attributes:
        content: A JSON document, or uploaded files.
        resize: Resize images.
        records: Answer with a record for each sample.
    """

    content: bytes | Sequence[Upload]
    resize: bool = False
    records: bool = False


@dataclass(frozen=True)
class Answer:
    """The status and the JSON document of an answer."""

    status: int
    content: bytes


def answer(model: Model, job: Job, limits: Limits, threads: int | None = None) -> Answer:
    """Predict the samples of a request; no exception leaves this function."""
    warnings: list[str] = []
    model = replace(model, warn=lambda text: warnings.append(of_request(text)))
    try:
        result = _predicted(model, job, limits, threads, warnings)
        return Answer(200, json.dumps(result, allow_nan=False).encode())
    except Exception as error:
        return error_answer(error)


def error_answer(error: BaseException) -> Answer:
    """Return the answer for an error; one that is not a user's is printed on stderr."""
    message, status = of_request(str(error)), 422
    if isinstance(error, RequestError):
        status = error.status
    elif isinstance(error, TooManySamplesError):
        status = 413
    elif isinstance(error, MemoryError):
        status, message = 503, "not enough memory for this request; send fewer samples at a time"
    elif not isinstance(error, TinynetError):
        traceback.print_exception(error, file=sys.stderr)
        status, message = 500, "an unexpected error, which the server printed on its stderr"
    return Answer(status, error_content(type(error).__name__, message))


def error_content(kind: str, message: str) -> bytes:
    """Return the JSON document of an error, as commands print it with ``--json``."""
    return json.dumps({"error": {"type": kind, "message": message}}).encode()


def _predicted(
    model: Model, job: Job, limits: Limits, threads: int | None, warnings: list[str]
) -> dict[str, Any]:
    values = max(1, sum(map(math.prod, model.network.out_shapes.values())))
    most = limits.max_values // values

    def predict(x: Any) -> Predictions:
        samples = min(limits.max_rows, most)
        try:
            return model.predict(x, resize=job.resize, threads=threads, max_samples=samples)
        except TooManySamplesError as error:
            if most >= limits.max_rows:
                raise too_many_samples(limits) from error
            raise RequestError(413, _too_large(values, limits)) from error

    if isinstance(job.content, bytes):
        x = json_inputs(model, parse_json(job.content))
        refuse_booleans(model, x)
        predictions = predict(x)
        return _as_json(predictions, job.records, warnings)
    with as_files(model, job.content) as (paths, names):
        try:
            predictions = predict(paths)
        except MemoryError as error:
            raise DataError("the files need more memory than there is") from error
        finally:
            warnings[:] = map(names.message, warnings)
        return _as_json(_renamed(predictions, names), job.records, warnings)


def _too_large(values: int, limits: Limits) -> str:
    remedy = "the operator of the server can raise --max-values"
    if values <= limits.max_values:
        most = counted(limits.max_values // values, "sample")
        remedy = f"send at most {most} at a time ({remedy})"
    return (
        f"the answer would have more than {limits.max_values:,} values, at {values:,} for each"
        f" sample; {remedy}"
    )


def _renamed(predictions: Predictions, names: Names) -> Predictions:
    files = (replace(file, name=names.shown(file.name)) for file in predictions.files)
    return replace(predictions, files=tuple(files))


def _as_json(predictions: Predictions, records: bool, warnings: list[str]) -> dict[str, Any]:
    notes = {"warnings": warnings} if warnings else {}
    if not records:
        return {**predictions.to_json(), **notes}
    rows = [*predictions.records()]
    columns = [*rows[0]] if rows else []
    return {"samples": len(predictions), "columns": columns, "records": rows, **notes}
