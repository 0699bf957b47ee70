"""The option `padding` of layers with a window that slides over a volume."""

from typing import Annotated, TypeAlias

from tinynet.builtin.layers._sides import Pair, sides_validator
from tinynet.builtin.layers._window import SamePadding

Padding3D: TypeAlias = Annotated[
    SamePadding | tuple[Pair, Pair, Pair], sides_validator(3, "valid", "same", "same_lower")
]
"""The field type of `padding`."""

PADDING3D_DESCRIPTION = (
    "Voxels added around the volume: 'valid' (none), 'same' (output size = input size / strides,"
    " rounded up; the odd voxel at the end), 'same_lower' (as 'same'; the odd voxel at the start),"
    " one integer for every side, [depth, height, width], or"
    " [[front, back], [top, bottom], [left, right]]."
)
