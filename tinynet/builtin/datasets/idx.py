"""The IDX file format of MNIST and similar datasets."""

import struct
from collections.abc import Mapping
from io import BufferedIOBase
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from tinynet import dataset
from tinynet.builtin.datasets._arrays import (
    ArrayDataset,
    Source,
    TargetConfig,
    as_target,
    checked_inputs,
)
from tinynet.dataset import FilePath
from tinynet.errors import DataError
from tinynet.files.available_memory import require_memory
from tinynet.files.packed import open_unpacked
from tinynet.files.regular import compare_counts, map_array, read_array, unpacked_size
from tinynet.text.mistakes import AlsoCalled
from tinynet.text.shell import shell_path
from tinynet.types import Array, Shape

_DTYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
"""Element types by the third byte of the file."""


class IDX(ArrayDataset):
    """Images and labels in a pair of IDX files, gzipped or not (detected by content, not by name).

    Images (N, H, W) become (H, W, 1); images of more axes, and rows of features, stay as they are.
    The format: two zero bytes, the element type, the number of axes, each axis as a big-endian
    32-bit integer, then the elements in row-major order, big-endian.  Y. LeCun, C. Cortes and
    C. J. C. Burges, "The MNIST database of handwritten digits", 1998.

    Raises:
        DataError: naming the file, the expected value and the actual one.
    """

    example: ClassVar = {"images": "train-images.gz", "labels": "train-labels.gz"}

    class Config(TargetConfig):
        """Parameters of `idx`."""

        images: Annotated[FilePath, AlsoCalled(("inputs", "features"))] = Field(
            description="The file of images, such as MNIST's *-idx3-ubyte.gz."
        )
        labels: Annotated[FilePath, AlsoCalled(("targets", "target"))] = Field(
            description="The file of labels, such as MNIST's *-idx1-ubyte.gz."
        )

    def __init__(self, config: Config) -> None:
        shapes = {path: read_shape(path) for path in (config.images, config.labels)}
        if len(shapes[config.images]) == 1:
            raise DataError(
                f"{config.images} holds {shapes[config.images][0]:,} single numbers, not images;"
                ' are "images" and "labels" swapped?'
            )
        compare_counts({path: shape[0] for path, shape in shapes.items()})
        images, labels = read_idx(config.images), read_idx(config.labels)
        super().__init__(
            {"input": _images(images, config.images)},
            {"target": as_target(Source(labels, config.labels), config)},
        )

    input_endings = ()

    @classmethod
    def read_inputs(
        cls, config: Config, path: str, fields: Mapping[str, dataset.Field]
    ) -> dict[str, Array]:
        """Read a file of images."""
        return checked_inputs({"input": _images(read_idx(path), path)}, fields)


def _images(values: Array, path: str) -> Source:
    return Source(values[..., np.newaxis] if values.ndim == 3 else values, path)


def read_shape(path: str) -> Shape:
    """Return the shape that the header of an IDX file promises.

    Raises:
        DataError: if it is not an IDX file, holds no samples, or is too short for its shape.
    """
    with open_unpacked(path) as file:
        shape, dtype = _read_header(path, file.stream)
        if not file.packed:
            map_array(path, file.file, shape, dtype)
        else:
            unpacked_size(path, file.size, shape, dtype)
        return shape


def read_idx(path: str) -> Array:
    """Return the array of an IDX file: mapped, or, where it is gzipped, in memory.

    Raises:
        DataError: if it is not an IDX file, has the wrong length, or does not fit into memory.
    """
    with open_unpacked(path) as file:
        shape, dtype = _read_header(path, file.stream)
        if not file.packed:
            return map_array(path, file.file, shape, dtype)
        size = unpacked_size(path, file.size, shape, dtype)
        command = f"gunzip -k {shell_path(path)}"
        require_memory(path, size, f"an unpacked file is not loaded as a whole: {command}")
        return read_array(path, file.stream, file.size, shape, dtype)


def _read_header(path: str, stream: BufferedIOBase) -> tuple[Shape, np.dtype[Any]]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES:
        raise DataError(
            f"{path} is not an IDX file: it starts with {magic.hex(' ') or 'nothing'}; an IDX file"
            " starts with 00 00, a type (08, 09, 0b, 0c, 0d or 0e) and the number of axes"
        )
    axes = magic[3]
    sizes = stream.read(4 * axes)
    if len(sizes) < 4 * axes:
        raise DataError(
            f"{path} is truncated in its header, which declares {axes} axes; copy it again"
        )
    return struct.unpack(f">{axes}I", sizes), np.dtype(_DTYPES[magic[2]])
