"""The spec that an estimator trains: its own one, completed by what the data determine."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
from pydantic import JsonValue

from tinynet.errors import UsageError
from tinynet.spec.models import Spec
from tinynet.spec.reading import declared_part

Source: TypeAlias = Spec | str | Path | Mapping[str, Any] | Sequence[Any] | None
"""A spec, its file, a dict of its content (which may be incomplete), a list of layers, or None."""

Completed: TypeAlias = tuple[Spec | str | Path | dict[str, Any], dict[str, JsonValue]]
"""A spec, and the overrides that the data require."""

Task: TypeAlias = Literal["classification", "multilabel", "regression"]

OUTPUTS = "outputs"
"""The variable of a spec that an estimator sets to the number of classes or targets."""

_TRAINING: dict[Task, dict[str, JsonValue]] = {
    "classification": {"loss": "softmax_cross_entropy", "metrics": ["accuracy"]},
    "multilabel": {"loss": "binary_cross_entropy", "metrics": ["binary_accuracy"]},
    "regression": {"loss": "mse", "metrics": ["mae"]},
}

_DEFAULTS: dict[str, JsonValue] = {
    "epochs": 100,
    "optimizer": {"type": "adam", "learning_rate": 0.003},
}

HIDDEN_LAYER_SIZES = (100,)
"""Units of the hidden layers by default."""

_WORD_WEIGHTS: JsonValue = {"type": "tfidf", "max_size": 5000}
"""The transform of texts, if the spec has none."""

_UNDIVIDED: dict[str, JsonValue] = {"validation": 0, "test": 0}
"""The split of a spec that has none: an estimator trains on all samples that it gets."""


def complete(
    source: Source,
    task: Task,
    outputs: int,
    hidden_layer_sizes: int | Sequence[int],
    samples: int,
    *,
    texts: bool,
) -> Completed:
    """Return a spec with everything it lacks, and the overrides that the data require.

    Args:
        source: The estimator's spec.
        task: The kind of targets.
        outputs: The number of classes, or of targets.
        hidden_layer_sizes: Units of the hidden layers where the source has no network.
        samples: The number of samples.
        texts: True if the inputs are texts.

    Raises:
        UsageError: for a source of another type, and for hidden layers beside a network.
    """
    if source is not None and not isinstance(source, Spec | str | Path | Mapping | list | tuple):
        raise UsageError(
            f"spec={source!r} must be a list of layers, a dict of a spec, its file, or a Spec"
        )
    has_network = source is not None and (not isinstance(source, Mapping) or "network" in source)
    if has_network and hidden_layer_sizes != HIDDEN_LAYER_SIZES:
        raise UsageError(
            f"hidden_layer_sizes={hidden_layer_sizes!r} has no effect, since spec has a network;"
            ' use a variable of the spec: overrides={"vars.width": 32}'
        )
    if isinstance(source, Spec):
        return source, {}
    if isinstance(source, str | Path):
        declared = declared_part(source, "vars")
        own: dict[str, JsonValue] = {}
        if isinstance(declared, Mapping) and OUTPUTS in declared:
            own[f"vars.{OUTPUTS}"] = outputs
        if not _has_split(declared_part(source, "data")):
            own["data.split"] = _UNDIVIDED
        return source, own
    if source is None or isinstance(source, Mapping):
        spec = dict(source or {})
    else:
        spec = {"network": {"layers": [*source]}}
    if "network" not in spec:
        spec["network"] = {"layers": _dense_layers(hidden_layer_sizes)}
        spec["data"] = {"transforms": _transforms(task, texts=texts), **spec.get("data", {})}
    if not _has_split(spec.get("data")):
        spec["data"] = {**spec.get("data", {}), "split": _UNDIVIDED}
    size = {"batch_size": min(max(samples // 40, 32), 200)}
    training = {**_TRAINING[task], **_DEFAULTS, **size, **spec.get("training", {})}
    if "steps" in spec.get("training", {}):
        del training["epochs"]
    variables = {**spec.get("vars", {}), OUTPUTS: outputs}
    if not _uses_outputs(spec):
        del variables[OUTPUTS]
    completed = {"tinynet": 1, "name": "estimator", **spec, "training": training}
    return {**completed, "vars": variables} if variables else completed, {}


def _dense_layers(sizes: int | Sequence[int]) -> list[JsonValue]:
    layers: list[JsonValue] = [{"type": "flatten"}]
    for units in np.atleast_1d(sizes).tolist():
        layers += [{"type": "dense", "units": units}, {"type": "relu"}]
    return [*layers, {"type": "dense", "units": f"${OUTPUTS}"}]


def _has_split(data: Any) -> bool:
    return isinstance(data, Mapping) and "split" in data


def _transforms(task: Task, *, texts: bool) -> list[JsonValue]:
    """Return transforms that scale numbers and turn texts into numbers."""
    transforms: list[JsonValue] = [_WORD_WEIGHTS] if texts else []
    scaled: list[JsonValue] = [] if texts else ["input"]
    if task == "regression":
        scaled.append("target")
    return [*transforms, {"type": "standardize", "on": scaled}] if scaled else transforms


def _uses_outputs(value: Any) -> bool:
    """Return True if a part of a spec has the value ``"$outputs"``."""
    if isinstance(value, Mapping):
        return any(map(_uses_outputs, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_uses_outputs, value))
    return isinstance(value, str) and value == f"${OUTPUTS}"
