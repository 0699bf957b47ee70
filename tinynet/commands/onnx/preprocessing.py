"""The preprocessing of a model as operators of ONNX, as far as there are some."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from tinynet.commands.onnx.graph import GraphBuilder
from tinynet.data.preprocessing import Preprocessing, no_random
from tinynet.data.stages import Stage
from tinynet.dataset import TEXT, Field
from tinynet.prediction.model import Model
from tinynet.transform import ExportableTransform
from tinynet.types import Array


@dataclass(frozen=True)
class ModelInput:
    """An input of the exported model.

    Attributes:
        name: Its name, that of the data.
        field: The array that the model takes.
        first: The index of the first stage of the preprocessing that the model computes.
        left_out: The types of the transforms before it, which ONNX cannot compute.
    """

    name: str
    field: Field
    first: int
    left_out: tuple[str, ...]


def plan_input(model: Model, name: str) -> ModelInput:
    """Return the input that the exported model has for an input of the data.

    Stages up to the last that cannot be exported are left out.
    """
    preprocessing, data = model.preprocessing, model.spec.data
    types = [part.type.removeprefix("tinynet-core:") for part in data.transforms] if data else []
    field, first, left_out = model.inputs[name], 0, list[str]()
    passed = list[str]()
    for index, stage in enumerate(preprocessing.stages):
        if stage.on != name:
            continue
        passed.append(types[stage.position])
        if not _is_exportable(preprocessing, stage):
            field, first, left_out = stage.result, index + 1, list(passed)
    return ModelInput(name, field, first, tuple(left_out))


def add_preprocessing(graph: GraphBuilder, preprocessing: Preprocessing, part: ModelInput) -> str:
    """Add an input of the model and its preprocessing, and return the preprocessed value.

    Raises:
        PluginError: if a transform fails.
    """
    value = graph.input(part.name, part.field.shape, np.dtype(part.field.dtype))
    for stage in preprocessing.stages[part.first :]:
        if stage.on == part.name:
            made = _add_stage(graph, preprocessing, stage, value)
            assert made is not None
            value = made
    return value


def preprocess(
    preprocessing: Preprocessing, inputs: Iterable[ModelInput], arrays: Mapping[str, Array]
) -> dict[str, Array]:
    """Return the arrays that the network takes, from those that the exported model takes."""
    first = {part.name: part.first for part in inputs}
    changed = dict(arrays)
    for index, stage in enumerate(preprocessing.stages):
        if stage.on in changed and index >= first[stage.on]:
            state, batch = preprocessing.state_of(stage), changed[stage.on]
            changed[stage.on] = stage.apply(state, batch, no_random(stage), False)
    return changed


def _is_exportable(preprocessing: Preprocessing, stage: Stage) -> bool:
    if stage.field.dtype == TEXT or not isinstance(stage.transform, ExportableTransform):
        return False
    trial = GraphBuilder()
    x = trial.input(stage.on, stage.field.shape, np.dtype(stage.field.dtype))
    return _add_stage(trial, preprocessing, stage, x) is not None


def _add_stage(
    graph: GraphBuilder, preprocessing: Preprocessing, stage: Stage, x: str
) -> str | None:
    assert isinstance(stage.transform, ExportableTransform)
    with graph.scope(stage.label), stage.errors("to_onnx"):
        value = stage.transform.to_onnx(graph, preprocessing.state_of(stage), stage.field, x)
    if value is None:
        return None
    shape = graph.shape_of(value) if value in graph else None
    if shape != stage.result.shape or graph.dtype_of(value) != np.dtype(stage.result.dtype):
        raise stage.error(
            f"to_onnx must return the name of an array of {stage.result.dtype} of the shape"
            f" {stage.result.shape}, or None; it returned {value!r}"
        )
    return value
