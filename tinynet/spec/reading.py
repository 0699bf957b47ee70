"""A JSON file, or a dict like one -> a `Spec`; or every mistake in it, each with its place.

One order, so that nobody has to guess: overrides edit the JSON as it was written, then defaults
apply, then everything is checked.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError

from tinynet import registry
from tinynet.config import Patience
from tinynet.errors import Problem, SpecError
from tinynet.spec.graph import wire
from tinynet.spec.models import Spec
from tinynet.spec.network_spec import NetworkSpec
from tinynet.spec.origin import Origin
from tinynet.spec.overrides import override
from tinynet.text.document import MAX_BYTES, MAX_COUNTED, Document, plain
from tinynet.text.mistakes import problems
from tinynet.text.wording import quoted, suggest


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
    origin, value = _open(source)
    value = _without_comments(value)
    if isinstance(value, dict):
        value.pop("$schema", None)
    touched = tuple((override(value, path, new), path) for path, new in (overrides or {}).items())
    origin = replace(origin, overrides=touched)
    try:
        spec = _validate(value)
    except SpecError as error:
        raise origin.place(error) from None
    spec._origin = origin
    return spec


def parse_network(source: Mapping[str, Any]) -> NetworkSpec:
    """The ``network`` part of a spec alone, from a dict.

    Raises:
        SpecError: listing every mistake.
    """
    if not isinstance(source, Mapping):
        raise SpecError(
            "a network is a dict like the 'network' part of a spec, or that part of one"
            f" (spec.network), not {type(source).__name__}"
        )
    value = _without_comments(plain(dict(source)))
    try:
        network = NetworkSpec.model_validate(value, context=_context())
    except ValidationError as error:
        raise SpecError(problems(error, value)) from None
    wire(network)
    return network


def _open(source: str | Path | Mapping[str, Any]) -> tuple[Origin, JsonValue]:
    if isinstance(source, Mapping):
        return Origin(), plain(dict(source))
    path = Path(source)
    document = _read(path)
    return Origin(document, folder=path.resolve().parent), document.value


def _read(path: Path) -> Document:
    try:
        if not path.is_file():
            kind = "is a folder" if path.is_dir() else "is no file" if path.exists() else None
            raise SpecError(f"{path} {kind}" if kind else f"no such file: {path}")
        with path.open("rb") as file:
            return Document(file.read(MAX_BYTES + 1), str(path))
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror}") from error


def _without_comments(value: JsonValue) -> JsonValue:
    """A copy without the ``"comment"`` that every object may have."""
    if isinstance(value, list):
        return [_without_comments(item) for item in value]
    if isinstance(value, dict):
        return {k: _without_comments(v) for k, v in value.items() if k != "comment"}
    return value


def _context() -> dict[str, Any]:
    return {"configure": registry.default().configure, "patience": Patience(MAX_COUNTED)}


def _validate(value: JsonValue) -> Spec:
    try:
        spec = Spec.model_validate(value, context=_context())
    except ValidationError as error:
        raise SpecError(problems(error, value)) from None
    found = list(_figure_problems(spec))
    try:
        wire(spec.network)
    except SpecError as error:
        found += error.problems
    if found:
        raise SpecError(found)
    return spec


def _figure_problems(spec: Spec) -> Iterator[Problem]:
    """Figures that cannot be told apart, or that nothing reports."""
    training = spec.training
    labels = [metric.label for metric in training.metrics]
    for index, label in enumerate(labels):
        if label in labels[:index] or label == "loss":
            message = f"two figures would be called {quoted(label)}; give this one a 'name'"
            yield Problem(message, f"/training/metrics/{index}")
    known = [f"{split}/{figure}" for split in ("train", "val") for figure in ("loss", *labels)]
    for pointer, watcher in (
        ("/training/early_stopping/metric", training.early_stopping),
        ("/training/checkpoint/keep_best/metric", training.checkpoint.keep_best),
    ):
        if watcher is not None and watcher.metric not in known:
            message = f"nothing reports {quoted(watcher.metric)}; {suggest(watcher.metric, known)}"
            yield Problem(message, pointer)
