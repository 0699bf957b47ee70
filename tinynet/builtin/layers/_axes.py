"""The option ``axis`` of layers whose axis 0 is the batch."""

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
