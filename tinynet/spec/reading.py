"""Loading of a spec from a file or a dict: a `Spec`, or all mistakes with their places.

The order: overrides edit the values of the file, variables and blocks are expanded, defaults apply,
and everything is validated.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import JsonValue, ValidationError

from tinynet import registry
from tinynet.config import Patience
from tinynet.errors import Problem, SpecError, UsageError
from tinynet.files.nearby import ends_in, names_in, suggest_path
from tinynet.files.strict import kind_of
from tinynet.spec import consistency
from tinynet.spec.expansion.expand import OUTPUTS, all_strings, expand
from tinynet.spec.expansion.flattening import LAYERS
from tinynet.spec.expansion.misspelled_vars_and_blocks import correct_keys
from tinynet.spec.expansion.sources import Trace
from tinynet.spec.expansion.state import Expansion
from tinynet.spec.graph import build_graph
from tinynet.spec.models import Spec
from tinynet.spec.network_spec import NetworkSpec
from tinynet.spec.origin import Origin
from tinynet.spec.overrides import apply_overrides
from tinynet.spec.parts import SpecModel
from tinynet.spec.versions import migrate
from tinynet.text.document import Document, plain, with_integers
from tinynet.text.mistakes import problems, spec_or_plugin_error
from tinynet.text.places import MAX_BYTES, MAX_COUNTED, PlacedText
from tinynet.text.wording import format_list
from tinynet.text.yaml_document import ENDINGS as YAML_ENDINGS
from tinynet.text.yaml_document import YamlDocument

ENDINGS = (".json", *YAML_ENDINGS)
"""Endings of the names of specs, in lower case."""


class _NetworkPart(SpecModel):
    """A spec of a network alone."""

    network: NetworkSpec


Model = TypeVar("Model", Spec, _NetworkPart)


def load_spec(
    source: str | Path | Mapping[str, Any], overrides: Mapping[str, Any] | None = None
) -> Spec:
    """Load and validate a spec.

    Args:
        source: A file, or the content of one as a dict.
        overrides: JSON values by dotted path, applied first:
            ``{"training.epochs": 3, "network.layers.conv2d_1.filters": 8}``.

    Returns:
        The spec, with all defaults.

    Raises:
        SpecError: listing every mistake, with place and remedy.
        PluginError: if the only mistakes are missing or broken plugins.
        UsageError: for arguments of another type.
    """
    if fault := source_fault(source):
        raise UsageError(f"load_spec(): source={source!r} {fault}")
    if overrides is not None and (fault := overrides_fault(overrides)):
        raise UsageError(f"load_spec(): overrides={overrides!r} {fault}")
    return load_recorded_spec(source, overrides)


def load_recorded_spec(
    source: str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    recorded: Mapping[str, str] | None = None,
) -> Spec:
    """Load and validate a spec whose types a checkpoint recorded; see `load_spec`.

    `recorded` has the qualified names that the checkpoint recorded, by ``group:name``.
    """
    origin, value = _open(source)
    value = with_integers(_without_comments(value))
    if isinstance(value, dict):
        value.pop("$schema", None)
    strings = all_strings(value)
    applied = apply_overrides(value, overrides or {})
    if overrides:
        value = _without_comments(value)
    value, migrations = migrate(value)
    origin = replace(origin, overrides=tuple(applied.pointers), traces=tuple(migrations))
    origin, expansion = _expand(value, origin, strings)
    spec = _validate(Spec, origin, expansion, recorded)
    spec._origin = replace(origin, notes=tuple(applied.notes))
    return spec


def declared_part(source: str | Path | Mapping[str, Any], key: str) -> JsonValue:
    """Return a part of a spec, such as ``data``, as it is in its file or dict, or None."""
    _, value = _open(source)
    return value.get(key) if isinstance(value, dict) else None


def open_document(source: str | Path | Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return a spec as it is in its file or dict, without comments.

    Raises:
        SpecError: if it cannot be read, or is no object.
    """
    value = _without_comments(_open(source)[1])
    if not isinstance(value, dict):
        raise SpecError(f"a spec is a JSON object, and {source} is not")
    return value


def source_fault(source: Any) -> str | None:
    """Return the reason why a value is neither a file nor a dict, or None."""
    if isinstance(source, str | os.PathLike | Mapping):
        return None
    return "must be the path of a spec or a dict like one"


def overrides_fault(overrides: Any) -> str | None:
    """Return the reason why a value is not a dict by dotted path, or None."""
    if isinstance(overrides, Mapping) and all(isinstance(path, str) for path in overrides):
        return None
    return 'must be a dict of JSON values by dotted path, such as {"training.epochs": 2}'


def parse_network(source: Mapping[str, Any]) -> NetworkSpec:
    """Validate the ``network`` part of a spec, from a dict.

    Raises:
        SpecError: listing every mistake.
        PluginError: if the only mistakes are missing or broken plugins.
    """
    if not isinstance(source, Mapping):
        raise SpecError(
            "the network must be the 'network' part of a spec, as a dict or as spec.network, not"
            f" {type(source).__name__}"
        )
    value: JsonValue = {"network": with_integers(_without_comments(plain(dict(source))))}
    origin, expansion = _expand(value, Origin())
    return _validate(_NetworkPart, origin, expansion).network


def _open(source: str | Path | Mapping[str, Any]) -> tuple[Origin, JsonValue]:
    if isinstance(source, Mapping):
        return Origin(), plain(dict(source))
    path = Path(source)
    document = read_document(path)
    return Origin(document, folder=path.resolve().parent), document.value


def read_document(path: Path) -> PlacedText:
    """Read the text of a spec, JSON or YAML by the ending of its name.

    Raises:
        SpecError: if it cannot be read, or is neither; with line and column.
        MissingPackageError: for YAML, if ruamel.yaml is not installed.
    """
    try:
        if not path.is_file():
            raise SpecError(_no_spec(path))
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpecError(f"cannot read {path}: {error.strerror}") from error
    if path.suffix.lower() in YAML_ENDINGS:
        return YamlDocument(data, str(path))
    return Document(data, str(path))


def _no_spec(path: Path) -> str:
    """Return the message about a path that is not a file, with similar specs."""
    specs = ends_in(*ENDINGS)
    if not os.path.lexists(path):
        return f"no such file: {path}{suggest_path(path, 'specs', specs)}"
    names = names_in(path, specs)
    return f"{path} is {kind_of(path)}, not a spec" + (
        f"; specs in it: {format_list(names)}" if names else ""
    )


def _without_comments(value: JsonValue) -> JsonValue:
    """Return a copy without the ``"comment"`` of objects."""
    if isinstance(value, list):
        return [_without_comments(item) for item in value]
    if isinstance(value, dict):
        return {k: _without_comments(v) for k, v in value.items() if k != "comment"}
    return value


def _expand(
    value: JsonValue, origin: Origin, strings: Iterable[str] = ()
) -> tuple[Origin, Expansion]:
    value, corrections, misspelled = correct_keys(value)
    origin = replace(origin, traces=(Trace(), corrections, *origin.traces))
    try:
        expansion = expand(value, strings)
    except SpecError as error:
        raise origin.with_positions(error, [*misspelled, *error.problems]) from None
    expansion.problems[:0] = misspelled
    traces = (expansion.sources, *origin.traces[1:])
    return replace(origin, traces=traces, expanded=expansion.value), expansion


def _validate(
    model: type[Model],
    origin: Origin,
    expansion: Expansion,
    recorded: Mapping[str, str] | None = None,
) -> Model:
    """Return the model of an expanded spec; the types in it are those that were recorded.

    Raises:
        SpecError: listing every mistake.
        PluginError: if all that is wrong is that plugins are missing or broken.
    """
    context = registry.default().validation_context(recorded)
    context["patience"] = Patience(MAX_COUNTED)
    reported = list(expansion.problems)
    try:
        made = model.model_validate(expansion.value, context=context)
    except ValidationError as error:
        wrong = map(origin.before_expansion, problems(error, expansion.value))
        reported += _without_consequences(expansion.problems, wrong)
    else:
        if not reported:
            reported = (
                expansion.reference_problems
                or list(map(origin.before_expansion, _problems_of_valid(made)))
                or expansion.unused_problems
            )
    if reported:
        raise origin.with_positions(spec_or_plugin_error(reported), reported)
    return made


def _without_consequences(causes: list[Problem], consequences: Iterable[Problem]) -> list[Problem]:
    """Return the problems that do not follow from mistakes in the expansion."""
    places = {place for problem in causes for place in _affected(problem.pointer)}
    if places:
        places.add(LAYERS)  # it lacks the nodes that could not be expanded
    return [problem for problem in consequences if problem.pointer not in places]


def _affected(pointer: str) -> Iterator[str]:
    """Yield the pointer to a mistake, and those to the lists that contain it."""
    yield pointer
    while (parts := pointer.rpartition("/"))[2].isdecimal():
        pointer = parts[0]
        yield pointer


def _problems_of_valid(spec: Spec | _NetworkPart) -> list[Problem]:
    """Return the problems that can be detected only if every value is valid alone."""
    graph_problems: list[Problem] = []
    try:
        build_graph(spec.network)
    except SpecError as error:
        graph_problems = error.problems
    # Missing outputs cannot be checked further.
    if isinstance(spec, _NetworkPart) or any(p.pointer.startswith(OUTPUTS) for p in graph_problems):
        return graph_problems
    return [*consistency.problems_of(spec), *graph_problems]
