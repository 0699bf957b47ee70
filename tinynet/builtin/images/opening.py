"""Opening of images: their files are inspected, and decoded if they are cached."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinynet.builtin.images.inspection import Inspected, common_size, inspect_files
from tinynet.builtin.images.listing import Listing
from tinynet.builtin.images.mask_checks import require_same_palettes
from tinynet.builtin.images.masks import MaskCode, mask_code, uses_colors
from tinynet.builtin.images.options import ImageFolderConfig
from tinynet.builtin.images.pixels import Decoding, Pixels, broken_message
from tinynet.errors import DataError
from tinynet.files.image_resizing import Resizing
from tinynet.files.images import require_pillow
from tinynet.types import Array


@dataclass(frozen=True)
class OpenedImages:
    """The images of a listing that can be used.

    Attributes:
        rows: Position of each image in the listing, ascending.
        pixels: The images, and their masks.
        decoding: The decoding of their files.
        digests: Of the files of each image.
        broken: A message about each image that was left out.
        shares: The share of pixels of each class of the masks, (C,); empty without masks.
    """

    rows: Sequence[int]
    pixels: Pixels
    decoding: Decoding
    digests: Sequence[str]
    broken: Sequence[str]
    shares: Array


def open_images(listing: Listing, config: ImageFolderConfig) -> OpenedImages:
    """Inspect the files of a listing, and decode them if they fit into memory.

    Raises:
        DataError: naming all files that cannot be used, unless ``skip_broken`` leaves them out; and
            for images of different sizes, and masks of other values, without a setting for them.
    """
    require_pillow(listing.folder)
    colors = uses_colors(config.pixel_values, config.ignore)
    inspected = inspect_files(
        listing.images, listing.masks, sizes=config.size is None, colors=colors
    )
    problems = {row: one.problem for row, one in enumerate(inspected) if one.problem}
    rows = [row for row in range(len(inspected)) if row not in problems]
    if not rows:
        raise DataError(broken_message(list(problems.values())))
    try:
        decoding = _decoding(listing, config, rows, inspected)
    except DataError as error:
        if problems and not config.skip_broken:
            raise DataError(f"{broken_message(list(problems.values()))}\n  {error}") from error
        raise
    masks = None if listing.masks is None else [listing.masks[row] for row in rows]
    pixels = Pixels(decoding, [listing.images[row] for row in rows], masks)
    # The number of samples must not depend on the memory.
    if config.skip_broken or pixels.fit:
        problems |= {rows[row]: problem for row, problem in pixels.decode_all().items()}
        rows = [row for row in rows if row not in problems]
    broken = [problems[row] for row in sorted(problems)]
    if broken and not (config.skip_broken and rows):
        raise DataError(broken_message(broken))
    contents = [mask for row in rows if (mask := inspected[row].mask) is not None]
    shares = np.empty(0) if decoding.code is None else decoding.code.shares(contents)
    digests = [inspected[row].digest for row in rows]
    return OpenedImages(rows, pixels, decoding, digests, broken, shares)


def _decoding(
    listing: Listing, config: ImageFolderConfig, rows: Sequence[int], inspected: Sequence[Inspected]
) -> Decoding:
    sound = [inspected[row] for row in rows]
    code: MaskCode | None = None
    if config.masks is not None:
        contents = [one.mask for one in sound if one.mask is not None]
        if config.mask_values is None:
            ignored = [value for value in config.ignore if isinstance(value, int)]
            require_same_palettes(config.masks, contents, config.palette, ignored)
        code = mask_code(
            config.masks,
            contents,
            config.classes_of("target"),
            config.pixel_values,
            config.ignore,
            config.nearest,
        )
    size = config.size
    if size is None:
        size = common_size(listing.folder, [listing.images[row] for row in rows], sound)
    return Decoding(config.mode, Resizing(*size, config.resize, config.interpolation), code)
