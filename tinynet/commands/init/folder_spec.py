"""The spec of a folder: images by class, images with masks, or texts by class."""

from collections.abc import Iterator
from pathlib import Path

from tinynet.commands.init.draft import Draft
from tinynet.commands.init.image_spec import draft_of_images, draft_of_masks
from tinynet.commands.init.text_spec import draft_of_text_folder
from tinynet.errors import UsageError
from tinynet.files.images import is_image
from tinynet.text.wording import format_list


def draft_of_folder(folder: Path, path: str) -> Draft:
    """Return a spec for a folder of images or texts, by the files in it.

    Raises:
        UsageError: for a folder without such files.
    """
    if (folder / "images").is_dir() and (folder / "masks").is_dir():
        return draft_of_masks(folder, path)
    files = list(_files_in_subfolders(folder))
    if any(is_image(file) for file in files):
        return draft_of_images(folder, path)
    if files:
        return draft_of_text_folder(folder, path)
    held = [entry.name for entry in sorted(folder.iterdir()) if not entry.name.startswith(".")]
    raise UsageError(
        f"{folder} has no folder with files in it; a folder of images or texts has a folder for"
        f" each class, or the folders images and masks; it holds {format_list(held) or 'nothing'}"
    )


def _files_in_subfolders(folder: Path) -> Iterator[Path]:
    for sub in sorted(folder.iterdir()):
        if sub.is_dir() and not sub.name.startswith("."):
            yield from (f for f in sub.rglob("*") if f.is_file() and not f.name.startswith("."))
