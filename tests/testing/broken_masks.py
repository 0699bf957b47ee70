"""Layers with one fault each in the use of a mask."""

import numpy as np

from tinynet.layer import Array, Cache, Context, Gradients

from .faults import EVERYTHING, detected_by
from .masked_layers import Attention, Centered, MaskedCenter, MaskedMean, Recurrent


@detected_by(
    "masked_values",
    "masked_gradients",
    "padding",
    finding=r"with other values at masked steps of input 0 \(training\): the output at \[1, 0\] is",
)
class IgnoresTheMask(MaskedMean):
    def shares(self, x: Array, mask: Array) -> Array:
        return super().shares(x, np.ones_like(mask))


@detected_by(
    "masked_values",
    "masked_gradients",
    "padding",
    finding=r"with other values at masked steps of input 0 \(training\): the output at \[2, 0, 0\]",
)
class MeanOverMaskedSteps(Centered):
    def centered(self, x: Array, mask: Array) -> Array:
        return mask * (x - x.mean(axis=1, keepdims=True))

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        dy = dy * cache
        return (dy - dy.mean(axis=1, keepdims=True), None), {}


@detected_by(
    "masked_values",
    "masked_gradients",
    finding=r"with other values at masked steps of input 0 \(training\): the output at \[2, 0\] is",
)
class CountsStepsFromTheStart(MaskedMean):
    def shares(self, x: Array, mask: Array) -> Array:
        lengths = mask.sum(axis=1, keepdims=True)
        return super().shares(x, (np.arange(mask.shape[1]) < lengths).astype(mask.dtype))


@detected_by(
    "masked_values",
    finding=r"with values up to 10,000 at masked steps of input 1 \(training\): the output at",
)
class SmallPenalty(Attention):
    def hidden(self, scores: Array, mask: Array) -> Array:
        penalized = scores - 1000 * (1 - mask[:, np.newaxis])
        return np.where(mask.any(axis=1)[:, np.newaxis, np.newaxis], penalized, -np.inf)


@detected_by(
    "masked_values",
    finding=r"with other values at masked steps of input 0 \(training\): buffer mean at \[0\] is",
)
class CommitsMaskedSteps(MaskedCenter):
    def forward(self, ctx: Context, x: Array, mask: Array) -> tuple[Array, Cache]:
        y, (_, shares) = super().forward(ctx, x, mask)
        return y, (x.mean(axis=(0, 1)), shares)


@detected_by(
    "masked_gradients",
    "gradients",
    "padding",
    finding=r"dy is 0 at masked steps \(training\): the gradient of input 0 at \[2, 2, 0\] is",
)
class GradientAtMaskedSteps(MaskedMean):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        shares, x, mask = cache
        return super().backward(ctx, (shares.max(axis=1, keepdims=True) + 0 * shares, x, mask), dy)


@detected_by(
    "masked_gradients",
    finding=r"the gradient of input 1, a mask, is not 0 \(training\); backward must return None",
)
class GradientOfTheMask(MaskedMean):
    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        of_inputs, of_params = super().backward(ctx, cache, dy)
        _, x, mask = cache
        if mask is None:
            return of_inputs, of_params
        return (of_inputs[0], np.einsum("ntc,nc->nt", x, dy)), {}


@detected_by(
    "empty_mask",
    *(*EVERYTHING, "masked_values", "masked_gradients", "padding"),
    finding=r"all steps are masked, in a batch of 4 \(training\): the output at \[0, 0\] is nan",
)
class DividesByZero(MaskedMean):
    def shares(self, x: Array, mask: Array) -> Array:
        with np.errstate(invalid="ignore"):
            return mask / mask.sum(axis=1, keepdims=True)


@detected_by(
    "full_mask",
    finding=r"with a mask of ones instead of no mask \(training\): the output at \[0, 0\] is",
)
class ScalesWithAMask(MaskedMean):
    def forward(self, ctx: Context, x: Array, mask: Array | None = None) -> tuple[Array, Cache]:
        y, (shares, *others) = super().forward(ctx, x, mask)
        factor = 1 if mask is None else 0.5
        return y * factor, (shares * factor, *others)


@detected_by(
    "padding",
    finding=r"with 2 masked steps after 4 steps \(training\): the output at \[0, 0\] is",
)
class DividesByAllSteps(MaskedMean):
    def shares(self, x: Array, mask: Array) -> Array:
        return mask / mask.shape[1]


@detected_by(
    "padding",
    finding=r"with 2 masked steps after 4 steps \(training\): the output at \[0, 0\] is 0.0 in",
)
class ReadsTheLastStep(MaskedMean):
    def shares(self, x: Array, mask: Array) -> Array:
        return mask * (np.arange(mask.shape[1]) == mask.shape[1] - 1)


@detected_by(
    "padding",
    finding=r"with 2 masked steps after 4 steps \(training\): the output 'state' at \[0, 0\] is",
)
class MovesOnOverMaskedSteps(Recurrent):
    def forward(self, ctx: Context, x: Array, mask: Array) -> tuple[tuple[Array, ...], Cache]:
        return super().forward(ctx, x * mask[..., np.newaxis], mask)

    def next_state(self, h: Array, previous: Array, keep: Array) -> Array:
        return h

    def backward(self, ctx: Context, cache: Cache, dy: tuple[Array | None, ...]) -> Gradients:
        states, mask = cache
        (dx, _), grads = super().backward(ctx, (states, np.ones_like(mask)), dy)
        return (dx * mask[..., np.newaxis], None), grads


@detected_by(
    "padding",
    "gradients",
    finding=r"4 steps \(training\): the output 'state' at \[0, 0\] is -?0.0 instead",
)
class ForgetsTheStateAtMaskedSteps(Recurrent):
    def next_state(self, h: Array, previous: Array, keep: Array) -> Array:
        return h * keep


@detected_by("dtypes", finding="in float32, the output is float64 instead of float32")
class MaskInDouble(MaskedMean):
    def forward(self, ctx: Context, x: Array, mask: Array | None = None) -> tuple[Array, Cache]:
        return super().forward(ctx, x, None if mask is None else mask.astype(np.float64))
