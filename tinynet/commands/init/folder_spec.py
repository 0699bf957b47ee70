"""The spec of a folder: images by class, images with masks, or texts by class."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from tinynet.commands.init.draft import Draft
from tinynet.commands.init.folder_parts import pairs_of, parts_of, subfolders
from tinynet.commands.init.image_spec import draft_of_images, draft_of_masks
from tinynet.commands.init.text_spec import draft_of_text_folder
from tinynet.errors import UsageError
from tinynet.files.images import is_image
from tinynet.text.wording import format_list


def draft_of_folder(folder: Path, path: str) -> Draft:
    """Return a spec for a folder of images or texts, by the files in it.

    Raises:
        UsageError: for a folder without such files, and for one with a single class.
    """
    if pairs := pairs_of(folder):
        return draft_of_masks(folder, path, pairs)
    notes: list[str] = []
    parts = _labeled(folder, parts_of(folder), notes)
    files = list(_files_of_classes(parts["train"]))
    if not files:
        raise _no_classes(parts["train"])
    # Stray files of the other kind do not decide what a folder holds.
    is_of_images = 2 * sum(map(is_image, files)) >= len(files)
    used = [file for file in files if is_image(file) == is_of_images]
    classes = sorted({file.relative_to(parts["train"]).parts[0] for file in used})
    if len(classes) == 1:
        raise _one_class(parts["train"], classes[0])
    draft = draft_of_images if is_of_images else draft_of_text_folder
    return draft(folder, path, parts, notes)


def _labeled(folder: Path, parts: Mapping[str, Path], notes: list[str]) -> dict[str, Path]:
    """Return the parts that have folders of classes, and that for training."""
    kept = {p: own for p, own in parts.items() if p == "train" or any(_files_of_classes(own))}
    if left := [f"{own.name!r}" for part, own in parts.items() if part not in kept]:
        notes.append(f"without folders of classes, {format_list(left)} is not used")
    used = {own.name for own in parts.values()}
    others = [repr(sub.name) for sub in subfolders(folder) if sub.name not in used]
    if len(parts) > 1 and others:
        notes.append(f"only the folders of the parts are used, not {format_list(others)}")
    return kept


def _no_classes(folder: Path) -> UsageError:
    held = [entry.name for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")]
    return UsageError(
        f"{folder} has no folder with files in it; a folder of images or texts has a folder for"
        f" each class, or the folders images and masks; it holds {format_list(held) or 'nothing'}"
    )


def _one_class(folder: Path, name: str) -> UsageError:
    hint = "add a folder for each other class"
    if len(subfolders(folder / name)) > 1:
        hint = f"if the classes are the folders in it: tinynet init {folder / name}"
    return UsageError(
        f"{folder} has only one class folder, {name!r}; a classifier needs two; {hint}"
    )


def _files_of_classes(folder: Path) -> Iterator[Path]:
    for sub in subfolders(folder):
        yield from (f for f in sub.rglob("*") if f.is_file() and not f.name.startswith("."))
