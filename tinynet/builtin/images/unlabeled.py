"""Images without targets, for prediction: files, folders, arrays and Pillow's images."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from tinynet.builtin.images.listing import find_images
from tinynet.builtin.images.pixels import MAX_BROKEN, Decoding
from tinynet.errors import DataError
from tinynet.files.images import (
    CHANNELS,
    Mode,
    decode,
    decode_object,
    is_image_object,
    require_pillow,
)
from tinynet.files.parallel import map_in_threads
from tinynet.text.warning import warn
from tinynet.types import Array

if TYPE_CHECKING:
    from PIL.Image import Image

CHUNK = 64
"""Images that are read at a time."""

Item: TypeAlias = "str | Array | Image"


@dataclass(frozen=True)
class UnlabeledImages:
    """Images that a model gets, and the place of each."""

    items: Sequence[Item]
    places: Sequence[str]

    @classmethod
    def of(cls, source: Any) -> "UnlabeledImages":
        """Return the images of a file, of a folder and its subfolders, or of a list.

        Raises:
            DataError: for another kind of object.
        """
        if isinstance(source, str | os.PathLike):
            path = os.fspath(source)
            if os.path.isdir(path):
                found = find_images(path)
                files = [found.path(name) for name in found.images]
                return cls(files, files)
            return cls([path], [path])
        if is_image_object(source):
            return cls([source], ["the image"])
        if isinstance(source, np.ndarray) and source.ndim < 3:
            source = [source]
        if not isinstance(source, list | tuple | np.ndarray) or not len(source):
            raise DataError(
                f"images are expected, not {type(source).__name__}: a file, a folder, or a list of"
                " files, arrays (H, W, C) of uint8, or Pillow's images"
            )
        items: list[Item] = []
        places: list[str] = []
        for position, item in enumerate(source):
            if isinstance(item, str | os.PathLike):
                one = cls.of(item)
                items += one.items
                places += one.places
            elif is_image_object(item) or isinstance(item, np.ndarray):
                items.append(item)
                places.append(f"image {position} (counted from 0)")
            else:
                raise DataError(
                    f"image {position} (counted from 0) is an object of type {type(item).__name__};"
                    " give a file, an array (H, W, C) of uint8, or an image of Pillow"
                )
        return cls(items, places)

    def chunks(
        self, decoding: Decoding, *, resize: bool, skip_broken: bool
    ) -> Iterator[tuple[Array, Array]]:
        """Yield some images at a time, (N, H, W, C), with their positions.

        Args:
            decoding: The decoding of the training.
            resize: False if images of other sizes are refused.
            skip_broken: True if images that cannot be used are left out, with a warning.

        Raises:
            DataError: naming all images of a chunk that cannot be used, or if none can.
        """
        used = 0

        def read(position: int) -> Array | str:
            try:
                return self._read(position, decoding, resize)
            except DataError as error:
                return str(error)

        for start in range(0, len(self.items), CHUNK):
            rows = range(start, min(start + CHUNK, len(self.items)))
            images = list(map_in_threads(read, rows))
            problems = [image for image in images if isinstance(image, str)]
            used += len(images) - len(problems)
            shown = "\n  ".join(problems[:MAX_BROKEN])
            if problems and not (skip_broken and (used or rows.stop < len(self.items))):
                raise DataError(shown)
            if problems:
                warn(f"left out {len(problems):,} images that cannot be used:\n  {shown}")
            kept = [i for i, image in enumerate(images) if not isinstance(image, str)]
            if kept:
                yield np.stack([images[i] for i in kept]), rows.start + np.array(kept)

    def _read(self, position: int, decoding: Decoding, resize: bool) -> Array:
        item, place = self.items[position], self.places[position]
        enough = decoding.enough if resize else None
        if isinstance(item, np.ndarray):
            item = _from_array(place, item, decoding.mode)
        if isinstance(item, str):
            image = decode(item, decoding.mode, enough=enough)
        else:
            image = decode_object(place, item, decoding.mode, enough=enough)
        height, width, _ = decoding.shape
        if not resize and image.size != (width, height):
            raise DataError(
                f"{place} is {image.width} x {image.height} pixels; the model was trained on images"
                f" of {width} x {height}, without a size to which others are resized: resize it, or"
                f' train with "size": [{height}, {width}] (height, width)'
            )
        return decoding.pixels(image)


def _from_array(place: str, array: Array, mode: Mode) -> "Image":
    """Return an array of pixels as an image.

    Raises:
        DataError: for another dtype or shape than that of an image.
    """
    require_pillow(place)
    from PIL import Image

    pixels = array[..., 0] if array.ndim == 3 and array.shape[2] == 1 else array
    channels = 1 if pixels.ndim == 2 else pixels.shape[-1]
    if pixels.ndim not in (2, 3) or channels not in CHANNELS.values() or not pixels.size:
        raise DataError(f"{place} has the shape {array.shape}; (H, W) or (H, W, C) is expected")
    sixteen = mode == "I" and pixels.dtype == np.uint16
    if pixels.dtype != np.uint8 and not (sixteen and channels == 1):
        raise DataError(
            f"{place} has the dtype {array.dtype}; pixels are expected as uint8, 0 to 255"
        )
    return Image.fromarray(np.ascontiguousarray(pixels))


def kept_columns(keep: Sequence[str], places: Sequence[str]) -> Mapping[str, list[Any]]:
    """Return the columns of images that are kept in predictions: only ``file``.

    Raises:
        DataError: for another column.
    """
    if unknown := [name for name in keep if name != "file"]:
        raise DataError(f"images have no column {unknown[0]!r}; available: file")
    return {name: list(places) for name in keep}
