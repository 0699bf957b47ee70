"""The base of losses of one class out of several."""

import math
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.losses._positions import (
    AverageOver,
    check_weights,
    count_positions,
    expand,
)
from tinynet.errors import ShapeError
from tinynet.functional import softmax
from tinynet.loss import (
    Context,
    LossConfig,
    OnnxGraph,
)
from tinynet.targets import Bad, bad_distribution, bad_label
from tinynet.types import Array, Shape


class ClassConfig(LossConfig):
    """Parameters of a loss of classes."""

    ignore_label: int | None = Field(
        default=None,
        description="Label of positions that do not count, such as padding; it need not be a"
        " class. Null: every position counts.",
    )
    average_over: AverageOver | None = Field(
        default=None,
        description="'samples': each sample is the mean over its positions, and the loss the"
        " mean over all samples. 'positions': the loss is the mean over all positions of an"
        " update whose weight is not 0. Null: 'positions' with an ignore_label, else"
        " 'samples'.",
    )


class ClassRows:
    """The mean over a sample's positions, each a row of scores of the classes.

    Outputs (N, ..., classes). Targets of one axis less, (N, ...), are labels, integers from 0 to
    classes - 1; targets of the outputs' shape are probabilities (one-hot rows, for example). A
    sample's loss is the mean over its positions, in the outputs' dtype; the sum over samples is
    taken in float64.

    Positions whose label is ``ignore_label`` count nowhere: not in the loss, not in the gradient,
    and not in the number of positions that a mean is divided by.

    A subclass gives `compare`.
    """

    per_sample = True
    name: ClassVar[str]
    """The loss's name in a spec, for messages."""

    Config: ClassVar[type[ClassConfig]] = ClassConfig

    def __init__(self, config: ClassConfig) -> None:
        self.ignore_label = config.ignore_label
        default = "samples" if config.ignore_label is None else "positions"
        self.counts_positions = (config.average_over or default) == "positions"

    def compare(self, ctx: Context, rows: Array, targets: Array) -> tuple[Array, Array]:
        """Return the loss of each row, (R,), and its gradient, (R, classes).

        Args:
            ctx: The context of this pass.
            rows: Rows of the outputs, (R, classes).
            targets: Probabilities of the classes, (R, classes), in the same dtype.
        """
        raise NotImplementedError

    def compare_labels(self, ctx: Context, rows: Array, labels: Array) -> tuple[Array, Array]:
        """Return the same for labels, (R,)."""
        one_hot = (labels[:, None] == np.arange(rows.shape[1])).astype(rows.dtype)
        return self.compare(ctx, rows, one_hot)

    def forward(
        self, ctx: Context, outputs: Array, targets: Array, weights: Array | None = None
    ) -> tuple[float, Any]:
        self.check_shapes(outputs.shape[1:], targets.shape[1:])
        rows = outputs.reshape(-1, outputs.shape[-1])
        counted = None
        if targets.ndim < outputs.ndim:
            labels = targets.reshape(-1)
            if self.ignore_label is not None:
                counted = labels != self.ignore_label
                labels = np.where(counted, labels, 0)
            losses, gradient = self.compare_labels(ctx, rows, labels.astype(np.intp, copy=False))
        else:
            probabilities = targets.reshape(rows.shape).astype(rows.dtype, copy=False)
            losses, gradient = self.compare(ctx, rows, probabilities)
        positions = math.prod(outputs.shape[1:-1])
        if weights is not None or counted is not None:
            scale = self._scale(outputs, weights, counted)
            losses *= scale
            gradient *= scale[:, None]
        elif positions != 1:
            losses /= positions
            gradient /= positions
        cache = gradient.reshape(outputs.shape) if ctx.keep else None
        return float(np.add.reduce(losses, dtype=np.float64)), cache

    def _scale(self, outputs: Array, weights: Array | None, counted: Array | None) -> Array:
        """Return the factor of the loss of each row of logits, (R,).

        Args:
            outputs: The logits, (N, ..., classes): R rows.
            weights: Weight of each sample or position, or None.
            counted: False for each row with the ignored label, (R,); None if no label is ignored.
        """
        samples, rows = len(outputs), math.prod(outputs.shape[:-1])
        if weights is None:
            scale = np.ones(rows, outputs.dtype)
        else:
            check_weights(weights, outputs.shape[:-1])
            scale = np.repeat(weights, rows // weights.size).astype(outputs.dtype)
        if counted is None:
            terms = samples if weights is None or not self.counts_positions else weights.size
            scale /= rows // terms
        else:
            scale *= counted
            if not self.counts_positions:
                counts = counted.reshape(samples, -1).sum(axis=1, dtype=outputs.dtype)
                scale /= np.repeat(np.maximum(counts, 1), rows // samples)
        return scale

    def count(self, targets: Array, weights: Array | None) -> float:
        if self.ignore_label is None:
            return count_positions(targets, weights)
        counted = targets != self.ignore_label
        if weights is not None:
            counted &= expand(weights, targets.ndim) != 0
        return int(np.count_nonzero(counted))

    def backward(self, ctx: Context, cache: Any) -> Array:
        gradient: Array = cache
        return gradient

    def predict(self, outputs: Array) -> Array:
        """Softmax of the outputs, in their shape."""
        return softmax(outputs, axis=-1)

    def check_shapes(self, out_shape: Shape, target_shape: Shape) -> None:
        if target_shape in (out_shape, out_shape[:-1]) and out_shape[-1:] > (1,):
            if target_shape == out_shape and self.ignore_label is not None:
                raise ShapeError(
                    f"{self.name} ignores positions by their label, but a target of shape"
                    f" {target_shape} holds probabilities; remove ignore_label, and give these"
                    " positions the weight 0"
                )
            return
        raise ShapeError(
            f"{self.name} cannot compare an output of shape {out_shape} with a target of"
            f" shape {target_shape}: {_shape_remedy(out_shape, target_shape)}"
        )

    def max_classes(self, out_shape: Shape) -> int:
        classes = out_shape[-1] if out_shape else 1
        # A last class that is ignored needs no unit.
        return classes + 1 if classes == self.ignore_label else classes

    def bad_target(self, out_shape: Shape, targets: Array) -> Bad | None:
        if targets.ndim == len(out_shape) and self.ignore_label is not None:
            bad = bad_label(np.where(targets == self.ignore_label, 0, targets), out_shape[-1])
            return bad and (bad[0], f"{bad[1]}, nor the ignored label {self.ignore_label}")
        if targets.ndim == len(out_shape):
            bad = bad_label(targets, out_shape[-1])
            lowest = 0.0 if bad is None else float(targets[bad[0]].min())
            if bad is None or not lowest < 0 or not lowest.is_integer():
                return bad
            remedy = f'to leave out such labels, set "ignore_label": {int(lowest)} in the loss'
            return bad[0], f"{bad[1]}; {remedy}"
        return bad_distribution(targets)

    def to_onnx(self, graph: OnnxGraph, outputs: str) -> str:
        return graph.node("Softmax", outputs, axis=-1)


def _shape_remedy(out_shape: Shape, target_shape: Shape) -> str:
    """Return what to change so that the shapes fit."""
    lead = out_shape[:-1]
    if target_shape == (*lead, 1) and out_shape[-1:] > (1,):
        axes = ", ".join(["samples", *map(str, lead)]) + ("" if lead else ",")
        return f"save the labels without their last axis, with the shape ({axes})"
    if target_shape == lead:
        return (
            "give the output a last axis of the number of classes, at least 2, such as the units of"
            " a last dense layer"
        )
    if len(target_shape) == len(out_shape) and target_shape[:-1] == lead and target_shape[-1] > 1:
        return (
            f"give the output a last axis of {target_shape[-1]}, one for each class, such as the"
            " units of a last dense layer"
        )
    shape = ", ".join([*map(str, target_shape), "classes"])
    comma = "" if target_shape else ","
    return f"end the network with outputs ({shape}{comma}), one unit for each class"
