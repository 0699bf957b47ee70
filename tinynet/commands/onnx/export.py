"""`tinynet export RUN -o model.onnx`: a trained model for runtimes of ONNX."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tinynet import __version__
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.commands.onnx.assembly import assemble
from tinynet.commands.onnx.check import (
    NOT_INSTALLED,
    Comparison,
    compare,
    open_session,
)
from tinynet.commands.onnx.graph import OPSET, GraphBuilder
from tinynet.commands.onnx.network import add_network
from tinynet.commands.onnx.outputs import ModelOutputs, add_outputs
from tinynet.commands.onnx.preprocessing import (
    ModelInput,
    add_preprocessing,
    plan_input,
)
from tinynet.commands.onnx.samples import Samples, find_samples
from tinynet.engine.inputs import own_name
from tinynet.errors import DataError, explaining_io
from tinynet.files.atomic import replacing_output
from tinynet.prediction.model import Model
from tinynet.run.models import open_run
from tinynet.run.options import Settings
from tinynet.text.wording import format_list
from tinynet.training.events import RunEvent, Warned
from tinynet.types import Array


@dataclass(frozen=True)
class ExportedModel:
    """The result of an export.

    Attributes:
        path: The file.
        checkpoint: The checkpoint that was exported.
        step: Its step.
        opset: The version of ONNX's operators.
        operators: The number of operators.
        bytes: The size of the file.
        inputs: Dtype, shape and preprocessing that is left out, of each input, by name.
        outputs: Dtype and shape of each output, by name.
        notes: Facts that a user must know, a sentence each.
        comparison: The comparison with the network; None if there was none.
    """

    path: Path
    checkpoint: Path
    step: int
    opset: int
    operators: int
    bytes: int
    inputs: dict[str, dict[str, Any]]
    outputs: dict[str, dict[str, Any]]
    notes: list[str] = field(default_factory=list)
    comparison: Comparison | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the result as plain data."""
        plain = {**vars(self), "comparison": None}
        if self.comparison is not None:
            plain["comparison"] = {**asdict(self.comparison), "largest": self.comparison.largest}
        return plain


def export_onnx(
    source: str | Path,
    path: str | Path,
    *,
    checkpoint: str | None = None,
    check: bool = True,
    data_root: str | Path | None = None,
    warn: Callable[[str], None],
) -> ExportedModel:
    """Write a trained model, with its preprocessing and its predictions, as an ONNX model.

    Args:
        source: A run folder, or a checkpoint.
        path: The file; one that exists is replaced atomically.
        checkpoint: ``"best"``, ``"last"``, or a file; see `find_checkpoint`.
        check: True to compare the model with the network, on samples of the run's data.
        data_root: The folder where paths of the data start; by default the recorded one.
        warn: Called with each warning.

    Raises:
        CheckpointError: if the checkpoint cannot be read.
        PluginError: for a layer, a loss or a transform that cannot be exported.
        ShapeError: for a layer that cannot be exported with its config.
        DifferentModelError: if the exported model computes something else than the network.
        MissingPackageError: if the package `onnx` is not installed.
        CheckpointIOError: if the file cannot be written.
    """

    def report(event: RunEvent) -> None:
        if isinstance(event, Warned):
            warn(event.message)

    settings: Settings = {"observer": report, "data_root": data_root}
    file, state, model = open_run(source, checkpoint, settings, report)
    inputs, outputs, exported = _build(model, state)
    serialized = exported.SerializeToString()
    notes = [*_notes(model, inputs), *outputs.notes]
    comparison = None
    if check:
        run = open_session(serialized)
        if run is None:
            notes.append(NOT_INSTALLED)
        else:
            samples = find_samples(settings, file, state, model, inputs)
            comparison = _compared(model, inputs, samples, run, notes)
    with explaining_io(Path(path)), replacing_output(Path(path)) as write_at:
        write_at(0, serialized)
    return ExportedModel(
        Path(path),
        file,
        state.progress.step,
        OPSET,
        len(exported.graph.node),
        len(serialized),
        {part.name: _described_input(part) for part in inputs},
        {value.name: _described_output(value) for value in exported.graph.output},
        notes,
        comparison,
    )


def _compared(
    model: Model,
    inputs: Sequence[ModelInput],
    samples: Samples,
    run: Callable[[Mapping[str, Array]], dict[str, Array]],
    notes: list[str],
) -> Comparison | None:
    """Compare the exported model with the network; None if random samples do not fit it.

    The reason is added to the notes if there are no samples of the data.
    """
    try:
        comparison = compare(model, inputs, samples.arrays, samples.origin, run)
    except DataError as error:
        if not samples.problem:
            raise
        notes.append(
            f"{samples.problem}, and random samples do not fit, so the model was not compared with"
            f" the network: {error}"
        )
        return None
    if samples.problem:
        notes.append(f"{samples.problem}, so random samples were compared")
    return comparison


def _build(model: Model, state: Checkpoint) -> tuple[list[ModelInput], ModelOutputs, Any]:
    """Return the inputs and outputs of the exported model, and the model itself."""
    graph = GraphBuilder()
    full_names = {own_name(full): full for full in model.network.input_shapes}
    inputs = [plan_input(model, name) for name in full_names]
    values = {
        full_names[part.name]: add_preprocessing(graph, model.preprocessing, part)
        for part in inputs
    }
    outputs = add_outputs(graph, model, add_network(graph, model.network, values))
    names = {output: {"names": own} for output, own in outputs.names.items()}
    metadata = {
        "tinynet": __version__,
        "name": model.spec.name,
        "run_id": state.run_id,
        "step": str(state.progress.step),
        "inputs": json.dumps({part.name: _metadata(part) for part in inputs}),
        "outputs": json.dumps(names),
    }
    description = f"{model.spec.name}, step {state.progress.step}; exported by tinynet"
    made = assemble(
        graph, outputs.values, name=model.spec.name, description=description, metadata=metadata
    )
    return inputs, outputs, made


def _metadata(part: ModelInput) -> dict[str, Any]:
    """Return what a program must know about an input."""
    known = {
        "names": part.field.names,
        "classes": part.field.classes,
        "preprocessing left out": part.left_out or None,
    }
    return {name: value for name, value in known.items() if value is not None}


def _notes(model: Model, inputs: Iterable[ModelInput]) -> Iterator[str]:
    """Describe the preparation of inputs that the exported model leaves to its users."""
    for part in inputs:
        array = f"{part.field.dtype} of the shape ({_sizes(part.field.shape)})"
        if part.left_out:
            yield (
                f"the input {part.name!r} takes the result of {format_list([*part.left_out])},"
                f" which ONNX cannot compute: {array}"
            )
        elif model.learned and part.field.names is not None:
            features = format_list([*map(repr, part.field.names)])
            yield (
                f"the input {part.name!r} takes rows as the table encodes them, {array}: {features}"
                " (all of them are in the metadata)"
            )
        elif model.learned and part.field.classes is not None:
            classes = format_list([*map(repr, part.field.classes)])
            yield (
                f"the input {part.name!r} takes the index of a category: {classes} (all of them are"
                " in the metadata)"
            )


def _described_input(part: ModelInput) -> dict[str, Any]:
    return {
        "dtype": part.field.dtype,
        "shape": ["N", *part.field.shape],
        "left_out": list(part.left_out),
    }


def _described_output(value: Any) -> dict[str, Any]:
    import onnx

    tensor = value.type.tensor_type
    dtype = "text"
    if tensor.elem_type != onnx.TensorProto.STRING:
        dtype = onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type).name
    sizes = [d.dim_value if d.HasField("dim_value") else "N" for d in tensor.shape.dim]
    return {"dtype": dtype, "shape": sizes}


def _sizes(shape: tuple[int, ...]) -> str:
    return ", ".join(("N", *map(str, shape)))


def shown(result: ExportedModel) -> Mapping[str, str]:
    """Return the result as lines for people, by the word that each begins with."""
    lines = {
        "inputs": "; ".join(_shown(name, part) for name, part in result.inputs.items()),
        "outputs": "; ".join(_shown(name, part) for name, part in result.outputs.items()),
    }
    if result.comparison is not None:
        lines["checked"] = (
            f"{result.comparison.samples:,} {result.comparison.source} with onnxruntime; the"
            f" largest relative difference is {result.comparison.largest:.1e}"
        )
    return lines


def _shown(name: str, part: dict[str, Any]) -> str:
    return f"{name}, {part['dtype']} ({', '.join(map(str, part['shape']))})"
