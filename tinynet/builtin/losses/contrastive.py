"""The contrastive loss: near embeddings for similar samples, distant ones for others."""

import math
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.losses._positions import expand, require_sample_weights
from tinynet.errors import ShapeError
from tinynet.loss import Context, LossConfig
from tinynet.targets import Bad, first_bad
from tinynet.types import Array, Shape


class Contrastive:
    """Contrastive loss of two embeddings: y d^2 / 2 + (1 - y) max(0, margin - d)^2 / 2.

    A loss of two outputs, ``"left+right"``, each (N, ...); d
    is the Euclidean distance over all elements of a sample. Targets (N,) or (N, 1): y = 1 for
    similar samples, 0 for others. The sum over samples is taken in float64. At d = 0 the gradient
    is 0.

    Source: Hadsell, Chopra and LeCun, "Dimensionality Reduction by Learning an Invariant Mapping",
    2006, where y has the opposite meaning.
    """

    family = "embeddings"
    example: ClassVar = {"margin": 1}
    per_sample = True
    output_count = 2

    class Config(LossConfig):
        """Parameters of `contrastive`."""

        margin: float = Field(
            default=1.0,
            gt=0,
            description="Distance from which samples that are not similar have no loss.",
        )

    def __init__(self, config: Config) -> None:
        self.margin = config.margin

    def forward(
        self,
        ctx: Context,
        outputs: tuple[Array, Array],
        targets: Array,
        weights: Array | None = None,
    ) -> tuple[float, Any]:
        left, right = outputs
        self.check_shapes((left.shape[1:], right.shape[1:]), targets.shape[1:])
        require_sample_weights("contrastive", weights)
        similar = targets.reshape(-1).astype(left.dtype)
        difference = left - right
        distance = np.sqrt(np.square(difference).sum(axis=tuple(range(1, left.ndim))))
        lacking = np.maximum(self.margin - distance, 0)
        losses = (similar * np.square(distance) + (1 - similar) * np.square(lacking)) / 2
        slope = similar - (1 - similar) * lacking / np.where(distance > 0, distance, 1)
        if weights is not None:
            losses = losses * weights
            slope = slope * weights
        gradient = None
        if ctx.keep:
            gradient = difference * expand(slope, left.ndim).astype(left.dtype)
        return float(losses.sum(dtype=np.float64)), gradient

    def backward(self, ctx: Context, cache: Any) -> tuple[Array, Array]:
        return cache, -cache

    def check_shapes(self, out_shape: tuple[Shape, ...], target_shape: Shape) -> None:
        left, right = out_shape
        if left != right:
            raise ShapeError(
                "contrastive needs two outputs of one shape; they have the shapes"
                f" {left} and {right}"
            )
        if math.prod(target_shape) != 1:
            raise ShapeError(
                "contrastive needs one label for each sample, 1 for similar and 0 for others; the"
                f" target has the shape {target_shape}"
            )

    def bad_target(self, out_shape: tuple[Shape, ...], targets: Array) -> Bad | None:
        return first_bad(targets, (targets == 0) | (targets == 1), "1 (similar) or 0")
