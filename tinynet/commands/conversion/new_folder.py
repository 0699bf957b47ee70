"""A folder that appears complete, or not at all."""

import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from tinynet.errors import RunExistsError
from tinynet.files.atomic import sync_folder
from tinynet.text.wording import format_list


@contextmanager
def new_folder(path: Path, force: bool, own: Collection[str]) -> Iterator[Path]:
    """Yield a temporary folder that takes the place of ``path`` when the block ends.

    Args:
        path: The folder.
        force: Replace a folder whose files are all such as a conversion writes.
        own: Endings of those files.

    Raises:
        RunExistsError: if the folder exists and may not be replaced.
    """
    require_replaceable(path, force, own)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".tinynet-{secrets.token_hex(8)}.tmp"
    old = path.parent / f".tinynet-{secrets.token_hex(8)}.tmp"
    temporary.mkdir()
    try:
        yield temporary
        sync_folder(temporary)
        if path.exists():
            os.rename(path, old)
        os.rename(temporary, path)
        sync_folder(path.parent)
    except BaseException:
        if old.exists() and not path.exists():
            os.rename(old, path)
        raise
    finally:
        for folder in (temporary, old):
            shutil.rmtree(folder, ignore_errors=True)


def require_replaceable(path: Path, force: bool, own: Collection[str]) -> None:
    """Raise `RunExistsError` if a folder exists, unless ``force`` allows to replace it."""
    if not os.path.lexists(path):
        return
    if not force:
        raise RunExistsError(f"{path} already exists; choose another name, or add --force")
    if path.is_symlink() or not path.is_dir():
        raise RunExistsError(f"{path} is not a folder; choose another name")
    others = sorted(entry.name for entry in path.iterdir() if entry.suffix not in own)
    if others:
        raise RunExistsError(
            f"{path} holds files that a conversion does not write: {format_list(others)}; choose"
            " another folder"
        )
