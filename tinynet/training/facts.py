"""Facts about a spec, its network and its data, which the warnings of `advice` are based on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tinynet import registry
from tinynet.data.data import Data
from tinynet.network.network import Network
from tinynet.spec.models import Spec
from tinynet.types import Array

SAMPLES = 1024
"""Samples that are measured, at most."""

SAMPLED_BYTES = 1 << 26
"""Bytes that the measured samples take in float64, at most."""


@dataclass(frozen=True)
class Facts:
    """A spec, its network, and its data where they were read.

    Attributes:
        spec: The spec.
        network: Its network; one without memory (``dry``) is enough.
        data: Its data, or None.
        names: Name of the target of each loss, by the loss's name; empty without data.
    """

    spec: Spec
    network: Network
    data: Data | None
    names: Mapping[str, str]

    @cached_property
    def losses(self) -> dict[str, str]:
        """The qualified type of each loss, by its name."""
        plugins = registry.default()
        losses = self.spec.training.losses(tuple(self.network.outputs))
        return {name: plugins.find("losses", loss.type).qualified for name, loss in losses.items()}

    @cached_property
    def sample(self) -> dict[str, Array]:
        """Inputs and targets of some training samples, after the transforms, by name."""
        assert self.data is not None
        size = self.data.size("train")
        fields = [*self.data.inputs.values(), *self.data.targets.values()]
        row = 8 * sum(math.prod(field.shape) for field in fields)
        count = max(1, min(size, SAMPLES, SAMPLED_BYTES // max(row, 1)))
        batch = self.data.batch("train", np.linspace(0, size - 1, count).astype(np.int64))
        return {**batch.inputs, **batch.targets}

    @cached_property
    def targets(self) -> dict[str, str]:
        """The same as ``names`` for the outputs of which a loss compares one with a target."""
        outputs, targets = self.network.outputs, self.data.targets if self.data else ()
        names = self.names.items()
        return {loss: name for loss, name in names if loss in outputs and name in targets}

    def transformed(self, name: str) -> bool:
        """Return True if a transform changes an array of the data."""
        assert self.spec.data is not None
        return any(name in transform.on for transform in self.spec.data.transforms)
