"""The options ``axis`` and ``axes`` of layers whose axis 0 is the batch."""

from tinynet.layer import Shape, ShapeError


def sample_axis(layer: str, axis: int, in_shape: Shape) -> int:
    """Return the index in ``in_shape`` of an axis of (N, *in_shape).

    Raises:
        ShapeError: if there is no such axis, or it is the batch.
    """
    rank = len(in_shape)
    place = axis + rank if axis < 0 else axis - 1
    if not rank:
        raise ShapeError(f"{layer} needs an input with axes besides the batch; it got ()")
    if axis == 0 or not 0 <= place < rank:
        raise ShapeError(
            f"{layer}: axis {axis} does not name an axis of a sample of shape {in_shape}: set it to"
            f" a number from {-rank} to -1, or from 1 to {rank}; axis 0 is the batch"
        )
    return place


def sample_axes(layer: str, axes: int | list[int] | None, in_shape: Shape) -> tuple[int, ...]:
    """Return the indices in ``in_shape`` of axes of (N, *in_shape), in order; all for None.

    Raises:
        ShapeError: if one of them does not exist, is the batch, or is named twice.
    """
    if axes is None:
        return tuple(range(len(in_shape)))
    named = [axes] if isinstance(axes, int) else axes
    places = sorted(sample_axis(layer, axis, in_shape) for axis in named)
    if len(set(places)) < len(places):
        raise ShapeError(
            f"{layer}: axes {axes} name the same axis of a sample of shape {in_shape} twice"
        )
    return tuple(places)
