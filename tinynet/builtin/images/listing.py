"""The image files of a dataset: found in folders, by class or in pairs with masks."""

import json
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np

from tinynet.builtin.datasets._arrays import Source
from tinynet.errors import DataError
from tinynet.files.images import ENDINGS, is_image, unsupported_hint
from tinynet.files.nearby import suggest_path
from tinynet.text.wording import format_list, suggest
from tinynet.types import Array


@dataclass(frozen=True)
class Listing:
    """The files and targets of a dataset's samples, in order.

    Attributes:
        folder: The folder of the images.
        images: Path of the image of each sample.
        targets: The targets that are not masks, by name, each (N, ...).
        masks: Path of the mask of each sample; None without masks.
        notes: Facts about the folder that the user should know.
        columns: Return a column of the table, (N,); None without a table.
    """

    folder: str
    images: Sequence[str]
    targets: Mapping[str, Source] = field(default_factory=dict)
    masks: Sequence[str] | None = None
    notes: tuple[str, ...] = ()
    columns: Callable[[str], Array] | None = None

    def column(self, name: str) -> Array:
        """Return a column of the table, (N,); without a table, the folder of each image.

        Raises:
            DataError: for a column that does not exist.
        """
        if self.columns is not None:
            return self.columns(name)
        if name != "folder":
            raise DataError(f"images have no column {name!r} without a table; available: folder")
        folders = [os.path.relpath(os.path.dirname(path), self.folder) for path in self.images]
        return np.array(folders, object)


@dataclass(frozen=True)
class Found:
    """The files in a folder and in its subfolders, as sorted paths relative to it, with slashes."""

    folder: str
    images: list[str]
    others: list[str]

    def path(self, name: str) -> str:
        """Return the path of a file."""
        return os.path.join(self.folder, name)

    @property
    def notes(self) -> tuple[str, ...]:
        """A note about files that are not images, if there are some."""
        if not self.others:
            return ()
        skipped = f"{format_list(self.others)}{unsupported_hint(self.others)}"
        return (f"{self.folder}: skipped files that are not images: {skipped}",)


def find_images(folder: str) -> Found:
    """Return the images in a folder, without hidden files and folders.

    Raises:
        DataError: for a folder that does not exist, cannot be listed, holds no image, or has a
            link to a folder that contains the link.
    """
    if not os.path.isdir(folder):
        if os.path.exists(folder):
            raise DataError(f"{folder} is a file; a folder of images is expected")
        near = suggest_path(Path(folder), "folders", lambda entry: entry.is_dir())
        raise DataError(f"no such folder: {folder}{near}")
    images, others = list[str](), list[str]()
    open_folders = [("", frozenset[tuple[int, int]]())]
    while open_folders:
        inner, above = open_folders.pop()
        path = os.path.join(folder, inner)
        key, names = _list_folder(path)
        if key in above:
            raise DataError(f"{path} is a link to a folder that contains it; remove the link")
        for name in names:
            relative = f"{inner}/{name}" if inner else name
            if os.path.isdir(os.path.join(path, name)):
                open_folders.append((relative, above | {key}))
            elif is_image(Path(name)):
                images.append(relative)
            else:
                others.append(relative)
    if not images:
        held = format_list(sorted(others)) or "nothing"
        raise DataError(
            f"{folder} is a folder without images ({', '.join(ENDINGS)}); it holds {held}"
            f"{unsupported_hint(others)}"
        )
    return Found(folder, sorted(images), sorted(others))


def _list_folder(path: str) -> tuple[tuple[int, int], list[str]]:
    """Return device and inode of a folder, and the names in it that are not hidden, sorted."""
    try:
        status = os.stat(path)
        names = [name for name in os.listdir(path) if not name.startswith(".")]
    except OSError as error:
        raise DataError(f"{path} cannot be listed: {error.strerror or error}") from error
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise DataError(f"{path}: the name {name!r} is not UTF-8; rename it") from None
    return (status.st_dev, status.st_ino), sorted(names)


def list_unlabeled(folder: str) -> Listing:
    """Return all images of a folder, without targets."""
    found = find_images(folder)
    return Listing(folder, [found.path(name) for name in found.images], notes=found.notes)


def list_by_class(folder: str, classes: Sequence[str] | None) -> Listing:
    """Return the images of folders that are classes; deeper folders belong to the class.

    Args:
        folder: The folder of the class folders.
        classes: The classes in order; by default all folders with images, sorted.

    Raises:
        DataError: for images outside of class folders, and for folders that are not in ``classes``.
    """
    found = find_images(folder)
    _require_class_folders(found)
    labels = [name.partition("/")[0] for name in found.images]
    if classes is None:
        classes = sorted(set(labels), key=_order_of_class)
    elif unknown := sorted(set(labels).difference(classes)):
        hint = suggest(unknown[0], classes)
        raise DataError(
            f'{folder} has folders of images that are not in "classes": {format_list(unknown)}'
            f' ({hint}); rename them, move them elsewhere, or add them to "classes"'
        )
    index = {name: position for position, name in enumerate(classes)}
    values = np.array([index[label] for label in labels], np.int64)
    paths = [found.path(name) for name in found.images]
    notes = list(found.notes)
    folders = [n for n in _list_folder(folder)[1] if os.path.isdir(os.path.join(folder, n))]
    if empty := [name for name in folders if name not in labels]:
        notes.append(f"{folder}: folders without images are not classes: {format_list(empty)}")
    return Listing(
        folder, paths, {"target": Source(values, folder, tuple(classes))}, notes=tuple(notes)
    )


def _order_of_class(name: str) -> tuple[bool, int, str]:
    """Return a key that sorts integers by value, and before other names."""
    is_integer = re.fullmatch(r"[0-9]{1,18}", name) is not None
    return not is_integer, int(name) if is_integer else 0, name


def _require_class_folders(found: Found) -> None:
    direct = [name for name in found.images if "/" not in name]
    if not direct:
        return
    if len(direct) == len(found.images):
        raise DataError(
            f"{found.folder} holds images, but no class folders: move the images of each class to a"
            ' folder of its own, or name a table of targets ("table": "labels.csv", "target":'
            ' "COLUMN"), or masks ("images" and "masks" instead of "path"), or set "labeled": false'
            " for images without targets"
        )
    raise DataError(
        f"{found.folder} has class folders, and also images outside of them:"
        f" {format_list(direct)}; move these to a class folder, or elsewhere"
    )


def list_pairs(images: str, masks: str, mask_suffix: str) -> Listing:
    """Return images and masks that have the same name, apart from the ending.

    Args:
        images: The folder of the images.
        masks: The folder of the masks.
        mask_suffix: The end of the names of masks, before the ending: ``_mask``.

    Raises:
        DataError: listing images without a mask, masks without an image, and names of several.
    """
    folders = find_images(images), find_images(masks)
    by_stem = [_by_stem(folders[0], ""), _by_stem(folders[1], mask_suffix)]
    problems = []
    for found, mine, others, other, kind in (
        (folders[0], by_stem[0], by_stem[1], masks, "a mask"),
        (folders[1], by_stem[1], by_stem[0], images, "an image"),
    ):
        lacking = [mine[stem][0] for stem in mine if stem not in others]
        if lacking:
            problems.append(
                f"files in {found.folder} without {kind} of the same name in {other}:"
                f" {format_list(lacking)}"
            )
        several = [" and ".join(names) for names in mine.values() if len(names) > 1]
        if several:
            problems.append(
                f"files in {found.folder} differ only in their endings: {format_list(several)}"
            )
    if problems:
        remedy = "add the missing files, or move these elsewhere"
        if hint := _suffix_hint(by_stem[0], by_stem[1], mask_suffix):
            remedy = f"{hint}; or {remedy}"
        raise DataError("\n  ".join([*problems, remedy]))
    stems = sorted(by_stem[0])
    return Listing(
        images,
        [folders[0].path(by_stem[0][stem][0]) for stem in stems],
        masks=[folders[1].path(by_stem[1][stem][0]) for stem in stems],
        notes=folders[0].notes + folders[1].notes,
    )


def _by_stem(found: Found, suffix: str) -> dict[str, list[str]]:
    """Return the names of a folder's images by their path without ending and suffix."""
    by_stem = defaultdict[str, list[str]](list)
    for name in found.images:
        by_stem[str(PurePosixPath(name).with_suffix("")).removesuffix(suffix)].append(name)
    return by_stem


def _suffix_hint(
    images: Mapping[str, Sequence[str]], masks: Mapping[str, Sequence[str]], suffix: str
) -> str:
    """Return the setting of ``mask_suffix`` that fits most masks without an image, if any."""
    ends = Counter(
        stem[len(longest) :]
        for stem in masks
        if stem not in images
        and (longest := max((s for s in images if stem.startswith(s)), key=len, default=""))
    )
    if suffix or not ends:
        return ""
    ((end, _),) = ends.most_common(1)
    return f'set "mask_suffix": {json.dumps(end, ensure_ascii=False)}'
