"""The predictions of a model as outputs of ONNX: probabilities, values and labels."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from tinynet.commands.onnx.graph import GraphBuilder
from tinynet.engine import losses
from tinynet.engine.losses import OutputLoss
from tinynet.loss import ExportableLoss
from tinynet.prediction.model import Model
from tinynet.prediction.output_predictions import OutputPredictions
from tinynet.transform import ExportableInverse, Invertible
from tinynet.types import Array


@dataclass
class ModelOutputs:
    """The outputs of the exported model.

    Attributes:
        values: The value of each output in the graph, by the output's name.
        names: The names of classes, or of values, by the name of the network's output.
        notes: Facts about the outputs that a user must know.
    """

    values: dict[str, str] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def add_outputs(graph: GraphBuilder, model: Model, values: Mapping[str, str]) -> ModelOutputs:
    """Add the computation of predictions from the outputs of the network.

    Args:
        graph: The graph.
        model: The model.
        values: The value of each output of the network, by the output's name.

    Returns:
        Outputs with the names that `tinynet.prediction.predictions.Predictions.arrays` has.

    Raises:
        PluginError: if a loss or a transform cannot be exported.
    """
    made = ModelOutputs()
    for output, value in values.items():
        with graph.scope(f"predictions/{output}"):
            parts = _add_output(graph, model, output, value, made)
        made.values |= {named(model, output, part): value for part, value in parts.items()}
    return made


def named(model: Model, output: str, part: str) -> str:
    """Return the name of a part of the predictions of an output."""
    name = part if len(model.network.outputs) == 1 else f"{output}/{part}"
    return f"predicted/{name}" if name in model.inputs else name


def expected_outputs(model: Model, ready: Mapping[str, Array]) -> dict[str, Array]:
    """Return what the exported model must compute, from preprocessed inputs."""
    expected = {}
    for output, values in model.values_of(ready).items():
        parts = model.explained(output, values)
        for part, array in _arrays_of(parts).items():
            expected[named(model, output, part)] = array
    return expected


def _arrays_of(parts: OutputPredictions) -> dict[str, Array]:
    """Return the parts of predictions that a model computes."""
    return {
        name: array
        for name, array in parts.arrays.items()
        if name != "labels" or not parts.is_multi_label
    }


def _add_output(
    graph: GraphBuilder, model: Model, output: str, value: str, made: ModelOutputs
) -> dict[str, str]:
    """Return the values of the parts of the predictions of one output, by name."""
    for part in model.network.losses:
        if part.name == output:
            value = _predicted(graph, part, value)
    value = _in_units(graph, model, output, value)
    shape = model.network.out_shapes[output]
    example = model.explained(output, np.zeros((1, *shape), model.network.dtype))
    if names := example.classes or example.names:
        made.names[output] = [*names]
    if example.labels is None or example.classes is None:
        return {"outputs": value}
    if example.is_multi_label:
        made.notes.append(
            f"the output {output!r} has any number of labels for each sample, so the model gives"
            " their probabilities alone; a label applies where its probability is above 0.5"
        )
        return {"probabilities": value}
    return _labels(graph, example, value)


def _labels(graph: GraphBuilder, example: OutputPredictions, value: str) -> dict[str, str]:
    assert example.labels is not None
    names = graph.constant(np.array(example.classes), "classes")
    if example.probabilities is not None and example.probabilities.shape != example.values.shape:
        # One unit is the probability of the second of two classes.
        positive = graph.reshape(value, example.labels.shape[1:])
        index = graph.cast(graph.node("Greater", positive, graph.constant(0.5)), np.int64)
        last = graph.reshape(positive, (*example.labels.shape[1:], 1))
        negative = graph.node("Sub", graph.constant(1.0), last)
        probabilities = graph.node("Concat", negative, last, axis=-1)
        return {"labels": graph.node("Gather", names, index), "probabilities": probabilities}
    index = graph.node("ArgMax", value, axis=-1, keepdims=0)
    scores = "outputs" if example.probabilities is None else "probabilities"
    return {"labels": graph.node("Gather", names, index), scores: value}


def _predicted(graph: GraphBuilder, part: OutputLoss, value: str) -> str:
    """Return the predictions of a loss, such as probabilities."""
    if isinstance(part.loss, ExportableLoss):
        with part.errors("to_onnx"):
            made = part.loss.to_onnx(graph, value)
        if made not in graph:
            raise part.error(f"to_onnx must return the name of a value, not {made!r}")
        return made
    shape = (16, *part.out_shapes[0])
    numbers = np.random.default_rng(0).normal(0, 10, shape).astype(np.float32)
    if not np.array_equal(losses.predict(part, numbers), numbers):
        raise part.error(
            "the loss changes outputs into predictions, but it has no method to_onnx(self, graph,"
            " outputs), so the model cannot be exported to ONNX; see 'Export to ONNX' in"
            " plugins/README.md"
        )
    return value


def _in_units(graph: GraphBuilder, model: Model, output: str, value: str) -> str:
    """Return values in the units of the data; see `Model.outputs`."""
    target, preprocessing = model.target_of_output.get(output), model.preprocessing
    if target is None or preprocessing.fields[target].classes is not None:
        return value
    for stage in reversed([stage for stage in preprocessing.stages if stage.on == target]):
        if not isinstance(stage.transform, Invertible):
            break
        if not isinstance(stage.transform, ExportableInverse):
            raise stage.error(
                "the transform of a target is undone in predictions, but it has no method"
                " inverse_to_onnx(self, graph, state, x), so the model cannot be exported to ONNX;"
                " see 'Export to ONNX' in plugins/README.md"
            )
        with stage.errors("inverse_to_onnx"):
            state = preprocessing.state_of(stage)
            value = stage.transform.inverse_to_onnx(graph, state, value)
    return value
