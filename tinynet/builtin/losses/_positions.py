"""Losses of samples with positions: the tokens of a sequence, or the pixels of an image.

Weights have the shape (N,), or more of the leading axes of the outputs: (N, T) has one weight for
each of T positions. A position is what one weight applies to; without weights, a sample.
"""

import math
from typing import Literal, TypeAlias

import numpy as np
from pydantic import Field

from tinynet.errors import ShapeError
from tinynet.loss import LossConfig
from tinynet.types import Array, Shape

AverageOver: TypeAlias = Literal["samples", "positions"]
"""The terms of the mean that a loss is."""


class PositionsConfig(LossConfig):
    """Parameters of a loss of samples with positions."""

    average_over: AverageOver = Field(
        default="samples",
        description="'samples': each sample is the mean over its positions, and the loss the mean"
        " over all samples. 'positions': the loss is the mean over all positions of an update"
        " whose weight is not 0.",
    )


def count_positions(targets: Array, weights: Array | None) -> int:
    """Return the number of positions with a weight other than 0.

    Args:
        targets: The targets, (N, *target_shape).
        weights: Weight of each sample or position, or None.
    """
    return len(targets) if weights is None else int(np.count_nonzero(weights))


def check_weights(weights: Array, shape: Shape) -> None:
    """Require weights of the samples or positions of outputs of a shape: (N, T, C), for example.

    Raises:
        ShapeError: if the weights do not fit the outputs.
    """
    if weights.shape != shape[: weights.ndim]:
        raise ShapeError(
            f"weights of shape {weights.shape} do not fit outputs of shape {shape}, in a part of"
            " the batch; there must be one weight for each sample, (N,), or for each position of"
            " the outputs, (N, T)"
        )


def expand(weights: Array, ndim: int) -> Array:
    """Return weights with ``ndim`` axes, to be multiplied with an array: (N, T) as (N, T, 1)."""
    return weights.reshape(weights.shape + (1,) * (ndim - weights.ndim))


def weighted_sum(values: Array, weights: Array | None, *, by_position: bool) -> float:
    """Return the sum over samples, or over positions, of the mean of each; taken in float64.

    Args:
        values: The loss of each element of the outputs, (N, ...).
        weights: Weight of each sample or position, or None.
        by_position: True to sum over positions, not over the means of samples.

    Raises:
        ShapeError: if the weights do not fit.
    """
    axes = 1 if weights is None else weights.ndim
    losses = values.mean(axis=tuple(range(axes, values.ndim)))
    if weights is not None:
        check_weights(weights, values.shape)
        losses = losses * weights
    if losses.ndim > 1 and not by_position:
        losses = losses.mean(axis=tuple(range(1, losses.ndim)))
    return float(losses.sum(dtype=np.float64))


def scale_gradient(
    gradient: Array, shape: Shape, weights: Array | None, *, by_position: bool
) -> None:
    """Make derivatives of single losses those of their `weighted_sum`, in place.

    Args:
        gradient: The derivatives, of ``shape`` or with further axes.
        shape: The shape of the losses, (N, ...).
        weights: Weight of each sample or position, or None.
        by_position: True for a sum over positions.
    """
    averaged = weights.ndim if weights is not None and by_position else 1
    gradient /= math.prod(shape[averaged:])
    if weights is not None:
        gradient *= expand(weights, gradient.ndim)


def require_sample_weights(loss: str, weights: Array | None) -> None:
    """Require one weight for each sample.

    Args:
        loss: Name of the loss in a spec.
        weights: The weights, or None.

    Raises:
        ShapeError: for weights of positions.
    """
    if weights is not None and weights.ndim != 1:
        raise ShapeError(
            f"{loss} needs one weight for each sample, (N,), but the weights have the shape"
            f" {weights.shape}: take the mean over the positions of each sample, or leave the"
            " weights out"
        )
