"""Folders that are divided for training, validation and test, and folders of images and masks."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tinynet.builtin.images.listing import find_images
from tinynet.errors import DataError

_PARTS = {
    "train": ("train", "training"),
    "validation": ("validation", "val", "valid", "dev"),
    "test": ("test", "testing"),
}
"""Usual names of the folders of each part, in small letters."""

_IMAGES = ("image", "img", "imgs", "images", "jpegimages", "photos")
_MASKS = (
    *("mask", "masks", "gt", "groundtruth", "label", "labels", "annotation", "annotations"),
    *("segmentation", "segmentations", "segmentationclass", "segmentationclassaug"),
)
"""Usual names of folders of images and of masks: small letters, without other characters."""

HELD_OUT = 0.15
"""Part of the training samples that are held out where the data have no folder for them."""


@dataclass(frozen=True)
class Pair:
    """A folder of images, the folder of their masks, and the end of the masks' names."""

    images: Path
    masks: Path
    suffix: str


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder that are not hidden, sorted."""
    return sorted(f for f in folder.iterdir() if f.is_dir() and not f.name.startswith("."))


def parts_of(folder: Path) -> dict[str, Path]:
    """Return the folders for ``train``, ``validation`` and ``test``; or all as ``train``."""
    by_name = {sub.name.lower(): sub for sub in subfolders(folder)}
    found = {
        part: by_name[name] for part, names in _PARTS.items() for name in names if name in by_name
    }
    return found if "train" in found and len(found) > 1 else {"train": folder}


def pairs_of(folder: Path) -> dict[str, Pair]:
    """Return the images with masks of each part, divided above or below the folders of both.

    They are empty if the folder for training has no such pair.
    """
    parts = {part: _pair(own) for part, own in parts_of(folder).items()}
    found = {part: pair for part, pair in parts.items() if pair is not None}
    whole = found.get("train")
    if whole is None:
        return {}
    images, masks = parts_of(whole.images), parts_of(whole.masks)
    if len(found) == 1 and len(images) > 1 and images.keys() == masks.keys():
        return {part: Pair(images[part], masks[part], whole.suffix) for part in images}
    return found


def held_out(parts: Mapping[str, object], *, stratify: bool = False) -> dict[str, float | bool]:
    """Return the split of the training samples: parts that have no data of their own."""
    split: dict[str, float | bool] = {
        part: HELD_OUT for part in ("validation", "test") if part not in parts
    }
    return {**split, "stratify": True} if split and stratify else split


def inside(folder: Path, path: str, part: Path) -> str:
    """Return the path in the spec of a folder inside of another."""
    return (PurePosixPath(path) / part.relative_to(folder).as_posix()).as_posix()


def _pair(folder: Path) -> Pair | None:
    """Return the folders of images and masks in a folder, or None."""
    named = {re.sub("[^a-z]", "", sub.name.lower()): sub for sub in subfolders(folder)}
    for images in (named[name] for name in _IMAGES if name in named):
        for masks in (named[name] for name in _MASKS if name in named):
            suffix = _mask_suffix(_stems(images), _stems(masks))
            if suffix is not None:
                return Pair(images, masks, suffix)
    return None


def _stems(folder: Path) -> set[str]:
    """Return the paths of the images in a folder without endings."""
    try:
        found = find_images(str(folder))
    except DataError:
        return set()
    return {str(PurePosixPath(name).with_suffix("")) for name in found.images}


def _mask_suffix(images: Collection[str], masks: Collection[str]) -> str | None:
    """Return what most names of masks have after that of an image; None if most have no image."""
    if not images or not masks:
        return None
    first = min(masks)
    starts = [stem for stem in images if first.startswith(stem)]
    for suffix in ("", first[len(max(starts, key=len, default=first)) :]):
        fitting = sum(m.endswith(suffix) and m[: len(m) - len(suffix)] in images for m in masks)
        if 2 * fitting > len(masks):
            return suffix
    return None
