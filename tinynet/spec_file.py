"""A JSON file, or a dict like one -> a `Spec`; or every mistake in it, each with its place.

One order, so that nobody has to guess: overrides edit the JSON as it was written, then defaults
apply, then everything is checked.
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError
from pydantic_core import ErrorDetails, to_json

from tinynet import registry
from tinynet.config import suggest
from tinynet.document import Document, join_pointer
from tinynet.errors import LocatedError, Problem, SpecError
from tinynet.graph import node_names, wire
from tinynet.spec import NetworkSpec, Spec, located

MAX_PROBLEMS = 100
"""How many mistakes are told at once."""


def load_spec(
    source: str | Path | Mapping[str, Any], overrides: Mapping[str, Any] | None = None
) -> Spec:
    """Read and check a spec.

    Args:
        source: A file, or what such a file says as a dict.
        overrides: JSON values by dotted path, applied before anything is checked:
            ``{"training.epochs": 3, "network.layers.conv2d_1.filters": 8}``.

    Returns:
        The spec, every default filled in.

    Raises:
        SpecError: listing every mistake, each with its place and what would be right.
        PluginError: if a plugin that the spec names is broken.
    """
    document, folder = _open(source)
    value = _without_comments(document.value)
    touched = [_override(value, path, new) for path, new in (overrides or {}).items()]
    try:
        spec = _validate(value)
    except SpecError as error:
        raise _placed(error, document, touched) from None
    spec._document, spec._folder = document, folder
    return spec


def parse_network(value: Mapping[str, Any]) -> NetworkSpec:
    """The ``network`` part of a spec alone, from a dict.

    Raises:
        SpecError: listing every mistake.
    """
    document = Document(to_json(dict(value)))
    context = {"configure": registry.default().configure}
    try:
        network = NetworkSpec.model_validate(_without_comments(document.value), context=context)
    except ValidationError as error:
        raise SpecError(_problems(error, document.value)) from None
    wire(network)
    return network


def _open(source: str | Path | Mapping[str, Any]) -> tuple[Document, Path | None]:
    if isinstance(source, Mapping):
        try:
            return Document(json.dumps(source, allow_nan=False)), None
        except (TypeError, ValueError, RecursionError) as error:
            raise SpecError(f"the spec is not JSON data: {error}") from error
    path = Path(source)
    try:
        if not path.is_file():
            kind = "is a folder" if path.is_dir() else "is no file" if path.exists() else None
            raise SpecError(f"{path} {kind}" if kind else f"no such file: {path}")
        return Document(path.read_bytes(), str(path)), path.resolve().parent
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise SpecError(f"cannot read {path!r}: {error}") from error


def _without_comments(value: Any) -> Any:
    """A copy without ``"comment"`` keys, which every object may have, and without ``$schema``."""
    if isinstance(value, list):
        return [_without_comments(item) for item in value]
    if isinstance(value, dict):
        dropped = ("comment", "$schema")
        return {k: _without_comments(v) for k, v in value.items() if k not in dropped}
    return value


def _override(value: Any, path: str, new: Any) -> tuple[str, str]:
    """Edit ``value`` in place; returns the pointer that was set and the path that said so."""
    parts = path.split(".")
    pointer: list[str] = []
    for index, part in enumerate(parts):
        last = index == len(parts) - 1
        if isinstance(value, list):
            key: Any = _list_index(value, part, path)
        elif isinstance(value, dict):
            key = part
            if not last and key not in value:
                value[key] = {}
        else:
            where = ".".join(parts[:index])
            raise SpecError(f"cannot set {path!r}: {where!r} is {_show(value)}, which has no parts")
        pointer.append(str(key))
        if last:
            value[key] = json.loads(json.dumps(new))
        else:
            value = value[key]
    return join_pointer(pointer), path


def _list_index(items: list[Any], part: str, path: str) -> int:
    if re.fullmatch(r"\d{1,9}", part) and int(part) < len(items):
        return int(part)
    nodes = [item if isinstance(item, dict) else {} for item in items]
    names = node_names((str(n.get("type", "")), _text(n.get("name"))) for n in nodes)
    if part in names:
        return names.index(part)
    raise SpecError(f"cannot set {path!r}: there is no {part!r}; {suggest(part, names)}")


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _validate(value: Any) -> Spec:
    try:
        spec = Spec.model_validate(value, context={"configure": registry.default().configure})
    except ValidationError as error:
        raise SpecError(_problems(error, value)) from None
    problems = [*_metric_problems(spec)]
    try:
        wire(spec.network)
    except SpecError as error:
        problems += error.problems
    if problems:
        raise SpecError(problems)
    return spec


def _metric_problems(spec: Spec) -> Iterable[Problem]:
    """Figures that nothing reports."""
    training = spec.training
    labels = [metric.label for metric in training.metrics]
    for index, label in enumerate(labels):
        if label in labels[:index] or label == "loss":
            message = f"two figures would be called {label!r}; give this one a 'name'"
            yield Problem(message, f"/training/metrics/{index}")
    known = [f"{split}/{figure}" for split in ("train", "val") for figure in ("loss", *labels)]
    watched = {"/training/early_stopping/metric": training.early_stopping}
    watched["/training/checkpoint/keep_best/metric"] = training.checkpoint.keep_best  # type: ignore[assignment]
    for pointer, watcher in watched.items():
        if watcher is not None and watcher.metric not in known:
            message = f"nothing reports {watcher.metric!r}; {suggest(watcher.metric, known)}"
            yield Problem(message, pointer)


def _problems(error: ValidationError, value: JsonValue) -> list[Problem]:
    """One problem for each place, in the order of the document's structure."""
    found: dict[str, list[ErrorDetails]] = {}
    for line in error.errors():
        found.setdefault(_pointer(line, value), []).append(line)
    return [
        Problem(_message(lines), _holder(pointer) if lines[0]["type"] == "missing" else pointer)
        for pointer, lines in found.items()
    ]


def _pointer(line: ErrorDetails, value: Any) -> str:
    """The longest part of pydantic's location that the document has: tags of unions go."""
    path: list[int | str] = []
    for part in line["loc"]:
        try:
            value = value[part]
        except (LookupError, TypeError):
            if line["type"] == "missing" and part == line["loc"][-1]:
                path.append(part)
            break
        path.append(part)
    return join_pointer(path)


def _holder(pointer: str) -> str:
    return pointer.rpartition("/")[0]


def _message(lines: list[ErrorDetails]) -> str:
    kind, value = lines[0]["type"], lines[0]["input"]
    if kind == "missing":
        return f"{str(lines[0]['loc'][-1])!r} is required"
    if kind == "extra_forbidden":
        return f"unknown key {str(lines[0]['loc'][-1])!r}"
    wanted = [line["msg"].removeprefix("Input ").removeprefix("Value error, ") for line in lines]
    message = " or ".join(dict.fromkeys(wanted))
    if kind in ("unknown_key", "type_name", "shares", "node", "length"):
        return message
    if "valid dictionary or" in message or "valid dictionary" in message:
        message = message.replace("valid dictionary", "JSON object")
    return f"{message}, not {_show(value)}"


def _show(value: Any) -> str:
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else f"a list of {len(value)}"
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "..."


def _placed(error: LocatedError, document: Document, touched: list[tuple[str, str]]) -> SpecError:
    """The error with line and column, or with the override that said it."""
    placed = []
    for problem in error.problems[:MAX_PROBLEMS]:
        setter = next(
            (path for p, path in touched if (problem.pointer + "/").startswith(p + "/")), None
        )
        if setter is not None:
            placed.append(Problem(f"{problem.message} (set by {setter})", problem.pointer))
        else:
            key = problem.message.startswith("unknown key")
            placed.append(located(problem, document, key=key))
    rest = len(error.problems) - MAX_PROBLEMS
    placed.sort(key=lambda problem: (problem.line or 0, problem.column or 0))
    if rest > 0:
        placed.append(Problem(f"and {rest} more"))
    return SpecError(placed, document.source)
