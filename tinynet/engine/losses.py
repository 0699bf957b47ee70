"""The objective of training: the weighted losses of the outputs that have one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tinynet.kernels import Kernels
from tinynet.kernels.memory import Workspace
from tinynet.layer.context import Context
from tinynet.network import loss_calls
from tinynet.network.execution import PassKey
from tinynet.network.heads import Head
from tinynet.types import Array


class Samples(NamedTuple):
    """Some samples of a batch, as losses see them.

    Attributes:
        rows: Which samples of the batch they are.
        targets: What each output is compared with, (n, *target_shape), by the output's name.
        weights: How much each sample counts, (n,), or None.
        key: Key of everything random.
        workspace: Where large arrays come from.
    """

    rows: slice
    targets: Mapping[str, Array]
    weights: Array | None
    key: PassKey
    workspace: Workspace | None


@dataclass(frozen=True)
class Objective:
    """The losses of the outputs that have one.

    Attributes:
        heads: The outputs with their losses.
        kernels: What to compute with.
    """

    heads: tuple[Head, ...]
    kernels: Kernels

    @property
    def meets(self) -> bool:
        """Whether a loss looks across the batch."""
        return not all(getattr(head.loss, "per_sample", False) for head in self.heads)

    def total(self, losses: Mapping[str, float]) -> float:
        """The weighted sum of the outputs' losses."""
        return sum(head.weight * losses[head.output] for head in self.heads)

    def measure(self, outputs: Mapping[str, Array], samples: Samples) -> dict[str, float]:
        """The loss of each output, summed over samples; unweighted."""
        return {
            head.output: loss_calls.forward(
                head.loss,
                self._context(head, samples, training=False),
                outputs[head.output],
                samples.targets[head.output],
                samples.weights,
            )[0]
            for head in self.heads
        }

    def minimise(
        self, outputs: Mapping[str, Array], samples: Samples, scale: float
    ) -> tuple[dict[str, float], dict[str, Array]]:
        """The loss of each output, and the gradient of the weighted sum with respect to each.

        Args:
            outputs: What the network gives, (n, *out_shape), by the output's name.
            samples: Whose outputs they are.
            scale: What gradients are multiplied by.
        """
        losses, gradients = {}, {}
        for head in self.heads:
            ctx, output = self._context(head, samples, training=True), outputs[head.output]
            losses[head.output], cache = loss_calls.forward(
                head.loss, ctx, output, samples.targets[head.output], samples.weights
            )
            gradient = loss_calls.backward(head.loss, ctx, cache, output)
            scaled = ctx.empty(gradient.shape, gradient.dtype)
            gradients[head.output] = np.multiply(gradient, head.weight * scale, out=scaled)
        return losses, gradients

    def _context(self, head: Head, samples: Samples, *, training: bool) -> Context:
        return Context(
            training=training,
            keep=training,
            kernels=self.kernels,
            seed=samples.key.seed,
            step=samples.key.step,
            micro_batch=samples.key.micro_batch,
            first_sample=samples.rows.start,
            node=f"loss/{head.output}",
            workspace=samples.workspace,
        )
