"""Loggers that are added to those of a spec."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from tinynet import registry
from tinynet.errors import SpecError
from tinynet.spec.models import Spec
from tinynet.spec.training_spec import LoggerReference


def with_loggers(spec: Spec, loggers: Iterable[str | Mapping[str, Any]]) -> Spec:
    """Return a spec with more loggers: names, or objects as in a spec.

    A name that the spec has already, and an object that it has with the same options, is not added.

    Raises:
        SpecError: for a logger or an option that does not exist.
    """
    present = list(spec.training.loggers or ())
    for added in loggers:
        logger = _validated(added)
        if isinstance(added, str):
            own = _entry(logger)
            if any(_entry(other) == own for other in present):
                continue
        if logger not in present:
            present.append(logger)
    if len(present) == len(spec.training.loggers or ()):
        return spec
    training = spec.training.model_copy(update={"loggers": tuple(present)})
    return spec.model_copy(update={"training": training})


def _validated(logger: str | Mapping[str, Any]) -> LoggerReference:
    context = registry.default().validation_context()
    raw = logger if isinstance(logger, str) else dict(logger)
    try:
        return LoggerReference.model_validate(raw, context=context)
    except ValidationError as error:
        name = raw if isinstance(raw, str) else raw.get("type", "")
        lines = [
            ": ".join([*map(str, line["loc"]), line["msg"]])
            for line in error.errors(include_url=False)
            if line["loc"] != ("type",)
        ]
        message = "; ".join(lines) or error.errors()[0]["msg"]
        raise SpecError(f"logger {name}: {message}" if lines else message) from error


def _entry(logger: LoggerReference) -> registry.Entry:
    return registry.default().resolve(logger)
