"""A trained network as a checkpoint has it: with its preprocessing, and without its data."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from tinynet.build import MAX_PARAMS
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.data.preprocessing import Preprocessing
from tinynet.data.ranges import require_finite
from tinynet.dataset import Field
from tinynet.errors import CheckpointMismatchError, DataError
from tinynet.kernels import Kernels
from tinynet.network.heads import targets_of
from tinynet.network.network import Network
from tinynet.spec.models import Spec
from tinynet.training.state import mismatches
from tinynet.types import Array

PREDICT_BATCH = 512
"""Samples that are preprocessed and predicted at a time."""


@dataclass(frozen=True)
class Model:
    """A trained network with what its raw inputs go through first.

    Attributes:
        spec: The spec it was trained by.
        network: The network, its losses included.
        preprocessing: The fitted transforms.
        inputs: What each raw input holds.
        targets: What each raw target holds.
        target_names: Name of the target that each output with a loss was compared with.
    """

    spec: Spec
    network: Network
    preprocessing: Preprocessing
    inputs: dict[str, Field]
    targets: dict[str, Field]
    target_names: dict[str, str]

    @property
    def classes(self) -> dict[str, tuple[str, ...] | None]:
        """Names of the classes that each output tells apart, where it does, by its name."""
        of_targets = {o: self.targets[name].classes for o, name in self.target_names.items()}
        return {output: of_targets.get(output) for output in self.network.outputs}

    def predict(self, inputs: Mapping[str, Array], threads: int | None = None) -> dict[str, Array]:
        """What the network says of raw inputs.

        Args:
            inputs: By name, (N, *shape) each with N at least 1, as the dataset would give them.
            threads: How many compute; by default as many as there are cores. The result is the
                same for any number.

        Returns:
            (N, *out_shape) of each output by its name: probabilities for a classifier; in the
            data's own units for a target whose transforms can be undone; as the network computes
            it for an output without a loss.

        Raises:
            DataError: for inputs that are missing, or not like those it was trained on.
        """
        for name, field in self.inputs.items():
            if name not in inputs:
                raise DataError(f"no array for the input {name!r}")
            if inputs[name].shape[1:] != field.shape:
                wanted = ", ".join(("N", *map(str, field.shape)))
                raise DataError(
                    f"the input {name!r} must have the shape ({wanted}), as in training;"
                    f" it has {inputs[name].shape}"
                )
        total = len(next(iter(inputs.values())))
        parts: dict[str, list[Array]] = {output: [] for output in self.network.outputs}
        for start in range(0, total, PREDICT_BATCH):
            part = {name: array[start : start + PREDICT_BATCH] for name, array in inputs.items()}
            seen = self.preprocessing.apply(part)
            place = partial(_sample, start)
            require_finite(self.preprocessing, seen, self.network.dtype, place)
            for output, found in self.network.predict_outputs(seen, threads=threads).items():
                parts[output].append(found)
        whole = {output: np.concatenate(found) for output, found in parts.items()}
        return {
            output: self.preprocessing.invert(self.target_names[output], values)
            if output in self.target_names
            else values
            for output, values in whole.items()
        }


def _sample(start: int, row: int) -> str:
    return f"sample {start + row}"


def open_model(
    checkpoint: Checkpoint, max_params: int = MAX_PARAMS, kernels: Kernels | None = None
) -> Model:
    """Rebuild the model of a checkpoint.

    Args:
        checkpoint: The checkpoint.
        max_params: Elements of parameters and buffers that may be allocated.
        kernels: What to compute with; by default what is installed.

    Raises:
        PluginError: if a type it needs is not installed any more.
        CheckpointMismatchError: listing every array that does not fit.
    """
    spec = checkpoint.load_spec()
    facts = checkpoint.data
    preprocessing = Preprocessing(spec.data.transforms if spec.data else (), facts.raw)
    preprocessing.load_state(checkpoint.transforms)
    shapes = {name: preprocessing.fields[name].shape for name in facts.inputs}
    training = spec.training
    network = Network(
        spec.network,
        spec.network.input_shape or shapes,
        seed=training.seed,
        loss=training.loss,
        trainable=training.trainable,
        max_params=max_params,
        kernels=kernels,
    )
    own = {f"params/{name}": array for name, array in network.params.items()}
    own |= {f"buffers/{name}": array for name, array in network.buffers.items()}
    given = {
        name: array
        for name, array in checkpoint.tensors.items()
        if name.startswith(("params/", "buffers/"))
    }
    if problems := mismatches(own, given):
        raise CheckpointMismatchError(
            "the checkpoint does not fit its network:\n  " + "\n  ".join(problems)
        )
    for name, array in own.items():
        np.copyto(array, given[name])
    names = targets_of(network.heads, facts.targets)
    return Model(spec, network, preprocessing, facts.inputs, facts.targets, names)
