"""Masks (N, T) of the time steps of sequences: 1 where a step counts, 0 where it is padding."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from tinynet.types import Array, Shape

Masks: TypeAlias = int | Mapping[int, int] | None
"""Inputs that are masks, as the kit's functions take them; see `layer_checks`."""


def masked_sequences(mask: Masks) -> dict[int, int]:
    """Return the numbers of the inputs that are masks, each with that of the sequence it masks."""
    if mask is None:
        return {}
    return {mask: 0} if isinstance(mask, int) else dict(mask)


def mask_problem(in_shapes: Sequence[Shape], mask: Masks) -> str:
    """Return the reason why inputs of these shapes cannot be masks; empty if they can."""
    last = len(in_shapes) - 1
    for index, sequence in masked_sequences(mask).items():
        for number in (index, sequence):
            if not 0 <= number <= last:
                return f"mask names input {number}, but the inputs are 0 to {last}"
        shape, masked = tuple(in_shapes[index]), tuple(in_shapes[sequence])
        if index == sequence or len(shape) != 1 or shape != masked[:1]:
            return (
                f"input {index} of shape {shape} cannot be a mask (T,) of the time steps of input"
                f" {sequence}, whose shape is {masked} instead of (T, ...)"
            )
    return ""


def draw_mask(rng: np.random.Generator, samples: int, steps: int) -> Array:
    """Return a mask (N, T).

    The first sample has all steps, the second none, the third lacks some in the middle, and each
    of the others has a random length.
    """
    mask = np.ones((samples, steps))
    mask[1:2] = 0
    gap = steps // 3
    mask[2:3, gap : gap + max(1, gap)] = 0
    for row in mask[3:]:
        row[rng.integers(1, max(2, steps)) :] = 0
    return mask


def replace_masked(array: Array, mask: Array, values: Array) -> Array:
    """Return a sequence (N, T, ...) with other values at masked steps."""
    return np.where(_along(mask, 1, array.ndim), array, values)


def clear_masked(array: Array, mask: Array) -> Array:
    """Return an array (N, ...) with zeros at masked steps, along every axis of length T."""
    for axis, size in enumerate(array.shape[1:], 1):
        if size == mask.shape[1]:
            array = np.where(_along(mask, axis, array.ndim), array, np.zeros((), array.dtype))
    return array


def _along(mask: Array, axis: int, rank: int) -> Array:
    """Return True for each unmasked step, in an array of ``rank`` axes whose steps are ``axis``."""
    shape = [1] * rank
    shape[0], shape[axis] = mask.shape
    unmasked: Array = mask.reshape(shape) != 0
    return unmasked
