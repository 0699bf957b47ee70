"""Pixels of images and masks: decoded and resized, from files or from memory."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tinynet.builtin.images.masks import MaskCode
from tinynet.errors import DataError
from tinynet.files.available_memory import available_memory
from tinynet.files.image_resizing import Resizing
from tinynet.files.images import CHANNELS, Mode, decode
from tinynet.files.parallel import map_in_threads
from tinynet.types import Array, Shape

if TYPE_CHECKING:
    from PIL.Image import Image

CACHED_PART = 4
"""Images are cached if they take at most one of so many parts of the available memory."""

MAX_BROKEN = 100
"""Most files that cannot be read that a message names."""


@dataclass(frozen=True)
class Decoding:
    """The decoding of images to arrays of one shape."""

    mode: Mode
    resizing: Resizing
    code: MaskCode | None = None  # of masks

    @property
    def shape(self) -> Shape:
        """Height, width and channels of an image."""
        return self.resizing.height, self.resizing.width, CHANNELS[self.mode]

    @property
    def dtype(self) -> np.dtype[np.unsignedinteger]:
        """The dtype of pixels."""
        return np.dtype(np.uint16 if self.mode == "I" else np.uint8)

    @property
    def nbytes(self) -> int:
        """Bytes of one sample."""
        height, width, channels = self.shape
        mask = 0 if self.code is None else self.code.dtype.itemsize
        return height * width * (channels * self.dtype.itemsize + mask)

    def read_image(self, path: str) -> Array:
        """Return the image of a file, (H, W, C).

        Raises:
            DataError: if it cannot be decoded.
        """
        return self.pixels(self.decode(path))

    def decode(self, path: str) -> "Image":
        """Return the image of a file, reduced if it has much more than the pixels needed."""
        return decode(path, self.mode, enough=self.enough)

    @property
    def enough(self) -> int:
        """Width and height of decoded images that need no more pixels."""
        return 4 * max(self.resizing.height, self.resizing.width)

    def pixels(self, image: "Image") -> Array:
        """Return an image that has the mode, resized, (H, W, C)."""
        pixels = np.asarray(self.resizing.apply(image))
        if self.mode == "I":  # interpolation may exceed the range
            pixels = np.clip(pixels, 0, 65535)
        return pixels.astype(self.dtype, copy=False).reshape(self.shape)

    def read_mask(self, path: str) -> Array:
        """Return the class index of each pixel of a mask file, (H, W)."""
        assert self.code is not None
        return self.resizing.apply_nearest(self.code.read(path), self.code.border)


class Pixels:
    """The images of samples, and their masks: cached, or decoded whenever they are read."""

    def __init__(
        self, decoding: Decoding, images: Sequence[str], masks: Sequence[str] | None
    ) -> None:
        self._decoding, self._images, self._masks = decoding, images, masks
        self._cache: tuple[Array, Array | None] | None = None

    @property
    def cached(self) -> bool:
        """True if no file is read again."""
        return self._cache is not None

    @property
    def nbytes(self) -> int:
        """Bytes that all samples take."""
        return len(self._images) * self._decoding.nbytes

    @property
    def fit(self) -> bool:
        """True if all samples fit into a part of the available memory."""
        available = available_memory()
        return available is None or self.nbytes * CACHED_PART <= available

    def decode_all(self) -> dict[int, str]:
        """Decode every sample, and cache them if they fit.

        Samples that cannot be decoded are left out.

        Returns:
            What is wrong with them, by their row before.
        """
        count = len(self._images)
        cache = self._empty(count) if self.fit else None
        broken = {}
        for row, result in enumerate(map_in_threads(self._try_decode, range(count))):
            if isinstance(result, str):
                broken[row] = result
            elif cache is not None:
                _store(cache, row - len(broken), result)
        if cache is not None:
            end = count - len(broken)
            self._cache = cache[0][:end], None if cache[1] is None else cache[1][:end]
        kept = [row for row in range(count) if row not in broken]
        self._images = [self._images[row] for row in kept]
        if self._masks is not None:
            self._masks = [self._masks[row] for row in kept]
        return broken

    def read_images(self, rows: Array) -> Array:
        """Return images, (N, H, W, C).

        Raises:
            DataError: naming all files that cannot be decoded.
        """
        if self._cache is not None:
            cached: Array = self._cache[0][rows]
            return cached
        images = np.empty((len(rows), *self._decoding.shape), self._decoding.dtype)
        return _read(self._decoding.read_image, [self._images[row] for row in rows], images)

    def read_masks(self, rows: Array) -> Array:
        """Return the class of each pixel, (N, H, W).

        Raises:
            DataError: naming all files that cannot be decoded.
        """
        if self._cache is not None and self._cache[1] is not None:
            cached: Array = self._cache[1][rows]
            return cached
        assert self._masks is not None
        assert self._decoding.code is not None
        masks = np.empty((len(rows), *self._decoding.shape[:2]), self._decoding.code.dtype)
        return _read(self._decoding.read_mask, [self._masks[row] for row in rows], masks)

    def _try_decode(self, row: int) -> tuple[Array, Array | None] | str:
        try:
            image = self._decoding.read_image(self._images[row])
            mask = None if self._masks is None else self._decoding.read_mask(self._masks[row])
        except DataError as error:
            return str(error)
        return image, mask

    def _empty(self, count: int) -> tuple[Array, Array | None]:
        decoding = self._decoding
        images = np.empty((count, *decoding.shape), decoding.dtype)
        if decoding.code is None:
            return images, None
        return images, np.empty((count, *decoding.shape[:2]), decoding.code.dtype)


def _store(
    arrays: tuple[Array, Array | None], row: int, sample: tuple[Array, Array | None]
) -> None:
    arrays[0][row] = sample[0]
    if arrays[1] is not None:
        arrays[1][row] = sample[1]


def _read(read: Callable[[str], Array], paths: Sequence[str], result: Array) -> Array:
    """Read files into a result, (N, ...)."""

    def try_read(path: str) -> Array | str:
        try:
            return read(path)
        except DataError as error:
            return str(error)

    problems = list[str]()
    for row, array in enumerate(map_in_threads(try_read, paths)):
        if isinstance(array, str):
            problems.append(array)
        else:
            result[row] = array
    if problems:
        raise DataError(broken_message(list(dict.fromkeys(problems))))
    return result


def broken_message(problems: Sequence[str]) -> str:
    """Return one message about files that cannot be used."""
    remedy = 'replace or remove them, or leave them out with "skip_broken": true'
    if len(problems) == 1:
        return f"{problems[0]}; {remedy.replace('them', 'it')}"
    shown = list(problems[:MAX_BROKEN])
    if more := len(problems) - len(shown):
        shown.append(f"and {more:,} more")
    head = f"{len(problems):,} files cannot be used; {remedy}:"
    return "\n  ".join([head, *shown])
