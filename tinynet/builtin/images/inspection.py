"""Inspection of image files before they are decoded: contents, headers, sizes and masks."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from pydantic import JsonValue
from xxhash import xxh3_128

from tinynet.builtin.images.mask_contents import MaskContent, read_content
from tinynet.errors import DataError
from tinynet.files.file_rows import LARGE, FileVersion
from tinynet.files.images import displayed_size, open_image
from tinynet.files.parallel import map_in_threads
from tinynet.files.regular import open_file
from tinynet.files.scan_cache import remember
from tinynet.text.wording import format_list

_BLOCK = 1 << 20


@dataclass(frozen=True)
class Inspected:
    """The files of one sample.

    Attributes:
        digest: Of the bytes of image and mask.
        size: Width and height of the image as displayed; None if it was not needed.
        mask: The content of the mask; None without one.
        problem: A message about the first file that cannot be used; empty for sound ones.
    """

    digest: str = ""
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
    paths = [*images, *(masks or ())]
    digests = contents_of(paths)
    inspect = partial(_inspect, images, masks, sizes or masks is not None, colors)
    inspected = map_in_threads(inspect, range(len(images)))
    count = len(images)
    return [replace(one, digest="".join(digests[row::count])) for row, one in enumerate(inspected)]


def _inspect(
    images: Sequence[str], masks: Sequence[str] | None, sized: bool, colors: bool | None, row: int
) -> Inspected:
    image = images[row]
    try:
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
    return Inspected(size=size, mask=mask)


def contents_of(paths: Sequence[str]) -> list[str]:
    """Return the digest of the bytes of each file (XXH3, 128 bits); empty if it cannot be read.

    Many bytes are not read again until a file changes; see `tinynet.files.scan_cache`.
    """

    def read() -> list[JsonValue]:
        return list(map_in_threads(_digest, paths))

    try:
        versions = [FileVersion.read(path) for path in paths]
    except (OSError, ValueError):
        versions = []
    few = sum(version.size for version in versions) < LARGE
    digests = read() if few else remember("the contents of files", versions, read)
    return [str(digest) for digest in digests]


def _digest(path: str) -> str:
    digest = xxh3_128()
    try:
        with open_file(path) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except DataError:
        return ""
    return digest.hexdigest()


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
