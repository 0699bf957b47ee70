"""Samples of the inputs of an exported model: of the run's data, or random ones."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.commands.onnx.preprocessing import ModelInput
from tinynet.data.data import Data
from tinynet.data.given_forms import MEMORY, TABLE
from tinynet.data.splits import SplitName
from tinynet.engine.inputs import own_name
from tinynet.errors import DataError, TinynetError
from tinynet.prediction.model import Model
from tinynet.run.options import Settings
from tinynet.run.roots import recorded_root
from tinynet.types import Array

SAMPLES = 32
"""Samples for which the exported model is compared with the network."""

SPLITS: tuple[SplitName, ...] = ("test", "val", "train")
"""The splits in the order in which they are preferred."""


class NoDataError(DataError):
    """The data of a run cannot be read again."""


@dataclass(frozen=True)
class Samples:
    """Samples of the inputs of an exported model.

    Attributes:
        arrays: (N, *shape) of each input, by name.
        origin: Their origin, for people.
        problem: The reason for random samples; empty for samples of the data.
    """

    arrays: dict[str, Array]
    origin: str
    problem: str = ""


def find_samples(
    settings: Settings,
    file: Path,
    state: Checkpoint,
    model: Model,
    inputs: Sequence[ModelInput],
) -> Samples:
    """Return samples of the run's data, or random ones if the data cannot be read.

    Args:
        settings: The data root, if it is not the recorded one.
        file: The checkpoint.
        state: Its content.
        model: Its model.
        inputs: The inputs of the exported model.
    """
    try:
        return _of_data(settings, file, state, model, inputs)
    except NoDataError as error:
        problem = str(error)
    except (TinynetError, OSError) as error:
        problem = f"the run's data cannot be read ({error})"
    indices = {own_name(full) for full in model.network.program.index_inputs}
    return Samples(random_samples(inputs, SAMPLES, indices), "random samples", problem)


def random_samples(
    inputs: Sequence[ModelInput], count: int, indices: Collection[str] = ()
) -> dict[str, Array]:
    """Return random samples of the inputs of the exported model.

    Args:
        inputs: The inputs.
        count: The number of samples.
        indices: Names of the inputs that are indices, as of an embedding, which are small.
    """
    draw = np.random.default_rng(0)
    return {part.name: _random(draw, part, count, part.name in indices) for part in inputs}


def _random(draw: np.random.Generator, part: ModelInput, count: int, is_index: bool) -> Array:
    shape, dtype = (count, *part.field.shape), np.dtype(part.field.dtype)
    if dtype.kind == "f" and not is_index:
        return draw.normal(size=shape).astype(dtype)
    if part.field.classes is not None:
        return draw.integers(len(part.field.classes), size=shape).astype(dtype)
    limit = 256 if dtype == np.uint8 and not is_index else 2
    return draw.integers(limit, size=shape).astype(dtype)


def _of_data(
    settings: Settings,
    file: Path,
    state: Checkpoint,
    model: Model,
    inputs: Sequence[ModelInput],
) -> Samples:
    spec = model.spec
    if spec.data is None:
        raise NoDataError("the run names no data")
    if spec.data.type.rpartition(":")[2] in (MEMORY, TABLE):
        raise NoDataError("the run's data were arrays of a Python program")
    root = recorded_root(settings, file, state, spec)
    data = Data(spec.data, root, spec.training.seed, state.transforms)
    split = next((name for name in SPLITS if len(data.splits[name])), None)
    if split is None:
        raise NoDataError("the run's data are empty")
    part = data.splits[split]
    raw = part.at(np.arange(min(SAMPLES, len(part)))).read().inputs
    before = model.preprocessing.apply
    arrays = {
        entry.name: before({entry.name: raw[entry.name]}, before=entry.first)[entry.name]
        for entry in inputs
    }
    return Samples(arrays, f"samples of the {split} split")
