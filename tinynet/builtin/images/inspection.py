"""Inspection of image files before they are decoded: contents, headers, sizes and masks."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from xxhash import xxh3_128

from tinynet.builtin.images.masks import MaskContent, read_content
from tinynet.errors import DataError
from tinynet.files.images import displayed_size, open_image
from tinynet.files.parallel import map_in_threads
from tinynet.files.regular import open_file
from tinynet.text.wording import format_list

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Inspected:
    """The files of one sample.

    Attributes:
        digest: Of the bytes of image and mask (XXH3, 128 bits).
        size: Width and height of the image as displayed; None if it was not needed.
        mask: The content of the mask; None without one.
        problem: A message about the first file that cannot be used; empty for sound ones.
    """

    digest: bytes = b""
    size: tuple[int, int] | None = None
    mask: MaskContent | None = None
    problem: str = ""


def inspect_files(
    images: Sequence[str], masks: Sequence[str] | None, *, sizes: bool, colors: bool | None
) -> list[Inspected]:
    """Return what the files of each sample hold.

    Args:
        images: Path of each image; its header is read.
        masks: Path of each mask, which is decoded; None without masks.
        sizes: True if the sizes of the images are needed.
        colors: True if the pixels of masks are colors; None if the masks decide it.
    """
    inspect = partial(_inspect, images, masks, sizes or masks is not None, colors)
    return list(map_in_threads(inspect, range(len(images))))


def _inspect(
    images: Sequence[str], masks: Sequence[str] | None, sized: bool, colors: bool | None, row: int
) -> Inspected:
    image = images[row]
    try:
        digest = xxh3_128()
        for path in (image,) if masks is None else (image, masks[row]):
            with open_file(path) as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
        with open_image(image) as opened:
            size = displayed_size(opened) if sized else None
        mask = None if masks is None else read_content(masks[row], colors)
    except DataError as error:
        return Inspected(problem=str(error))
    if mask is not None and mask.size != size:
        assert size is not None
        return Inspected(
            problem=f"{mask.path} is {mask.size[0]} x {mask.size[1]} pixels, but its image {image}"
            f" {size[0]} x {size[1]}"
        )
    return Inspected(digest.digest(), size, mask)


def common_size(
    folder: str, images: Sequence[str], inspected: Sequence[Inspected]
) -> tuple[int, int]:
    """Return height and width of all images.

    Raises:
        DataError: if they differ, with the setting that resizes them.
    """
    sizes = Counter(one.size for one in inspected if one.size is not None)
    if len(sizes) == 1:
        ((width, height),) = sizes
        return height, width
    first = {one.size: path for path, one in reversed(list(zip(images, inspected, strict=True)))}
    shown = [
        f"{size[0]} x {size[1]} ({count:,}, such as {os.path.relpath(first[size], folder)})"
        for size, count in sizes.most_common()
    ]
    ((width, height), _), *_ = sizes.most_common()
    raise DataError(
        f"the images in {folder} have {len(sizes):,} different sizes (width x height):"
        f' {format_list(shown)}; set the size to which all are resized: "size": [{height}, {width}]'
        " (height, width)"
    )
