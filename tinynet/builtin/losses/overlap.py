"""Losses of the overlap of predicted masks with given ones, for segmentation."""

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.losses._positions import expand, require_sample_weights
from tinynet.errors import ShapeError
from tinynet.functional import sigmoid
from tinynet.loss import (
    Context,
    LossConfig,
    OnnxGraph,
)
from tinynet.targets import Bad, bad_probability, match_targets
from tinynet.types import Array, Shape


class OverlapConfig(LossConfig):
    """Parameters of losses of masks."""

    smooth: float = Field(
        default=1.0,
        gt=0,
        description="Added above and below the fraction line, so that empty masks have an overlap.",
    )
    from_logits: bool = Field(
        default=True,
        description="True: the loss applies sigmoid to the outputs. False: they are probabilities.",
    )


class _Overlap:
    """The base of losses of overlap: the Tversky loss, of which the Dice loss is a case.

    The Dice loss is that of alpha = beta = 1/2, with both sides of its fraction halved.
    """

    family = "images"
    per_sample = True
    name: ClassVar[str]
    """The loss's name in a spec, for messages."""

    Config: ClassVar[type[OverlapConfig]] = OverlapConfig

    def __init__(self, config: OverlapConfig) -> None:
        self.alpha = self.beta = 0.5
        self.smooth, self.from_logits = config.smooth, config.from_logits

    def forward(
        self, ctx: Context, outputs: Array, targets: Array, weights: Array | None = None
    ) -> tuple[float, Any]:
        require_sample_weights(self.name, weights)
        z = match_targets(outputs, targets).astype(outputs.dtype, copy=False)
        p = self.predict(outputs)
        axes = tuple(range(1, outputs.ndim))
        overlap = np.sum(p * z, axis=axes) + self.smooth
        missed = self.alpha * np.sum(p * (1 - z), axis=axes)
        missed += self.beta * np.sum((1 - p) * z, axis=axes)
        total = overlap + missed
        losses = missed / total
        factors = 1 / total if weights is None else weights / total
        if weights is not None:
            losses = losses * weights
        value = float(losses.sum(dtype=np.float64))
        if not ctx.keep:
            return value, None
        share, factors = (expand(x, z.ndim).astype(z.dtype) for x in (overlap / total, factors))
        slope = z + self.alpha * (1 - z) - self.beta * z  # of the denominator
        gradient = (share * slope - z) * factors
        if self.from_logits:
            gradient *= p * sigmoid(-outputs)
        return value, gradient

    def backward(self, ctx: Context, cache: Any) -> Array:
        gradient: Array = cache
        return gradient

    def predict(self, outputs: Array) -> Array:
        """Probabilities, in the shape of ``outputs``."""
        return sigmoid(outputs) if self.from_logits else outputs

    def max_classes(self, out_shape: Shape) -> int:
        return 2

    def check_shapes(self, out_shape: Shape, target_shape: Shape) -> None:
        if out_shape not in (target_shape, (*target_shape, 1)):
            raise ShapeError(
                f"{self.name} needs masks of the outputs' shape as targets, with one channel for"
                f" each mask; the output has the shape {out_shape} and the target {target_shape}"
            )

    def bad_target(self, out_shape: Shape, targets: Array) -> Bad | None:
        return bad_probability(targets)

    def to_onnx(self, graph: OnnxGraph, outputs: str) -> str:
        return graph.node("Sigmoid", outputs) if self.from_logits else outputs


class Tversky(_Overlap):
    """Tversky loss: 1 - (TP + smooth) / (TP + alpha FP + beta FN + smooth).

    It is computed for each sample. With p = sigmoid(logits): TP = sum p z, FP = sum p (1 - z) and
    FN = sum (1 - p) z, over all elements of a sample. Outputs (N, ...); targets z, in [0, 1], have
    the same shape, or lack the outputs' last axis where that is 1. Predictions are probabilities.

    Source: Salehi, Erdogmus and Gholipour, "Tversky Loss Function for Image Segmentation Using 3D
    Fully Convolutional Deep Networks", 2017.
    """

    name = "tversky"

    class Config(OverlapConfig):
        """Parameters of `tversky`."""

        alpha: float = Field(default=0.5, ge=0, description="Weight of false positives.")
        beta: float = Field(default=0.5, ge=0, description="Weight of false negatives.")

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.alpha, self.beta = config.alpha, config.beta


class Dice(_Overlap):
    """Dice loss: 1 - (2 sum p z + smooth) / (sum p + sum z + smooth).

    It is computed for each sample, with p = sigmoid(logits). The sums go over all elements of a
    sample. Outputs (N, ...); targets z, in [0, 1], have the same shape, or lack the outputs' last
    axis where that is 1. Predictions are probabilities.

    Source: Milletari, Navab and Ahmadi, "V-Net", 2016, there with squares below the line; Sudre et
    al., "Generalised Dice Overlap as a Deep Learning Loss Function", 2017.
    """

    name = "dice"

    def __init__(self, config: OverlapConfig) -> None:
        super().__init__(config)
        self.smooth = config.smooth / 2
