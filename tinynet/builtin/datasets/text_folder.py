"""Folders of text files, one folder for each class."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field

from tinynet import dataset
from tinynet.builtin.datasets._text_options import TextConfig
from tinynet.builtin.datasets._texts import (
    KEEP_EMPTY,
    Row,
    TextDataset,
    class_target,
    input_rows,
    refuse,
    refuse_empty,
    rows_of_objects,
)
from tinynet.dataset import FilePath, InputRows, State
from tinynet.errors import DataError
from tinynet.files.available_memory import require_memory
from tinynet.files.nearby import suggest_path
from tinynet.files.text_files import read_text
from tinynet.text.mistakes import AlsoCalled
from tinynet.text.wording import suggest

_BYTES_HELD = 2
"""Bytes of memory for each byte of a file: its content, and its text."""

MAX_FAULTY = 20
"""Faulty files that a message lists."""


class TextFolder(TextDataset):
    """A text for each file: input (), text; its target is its folder, a class.

    The folders in ``path`` are the classes, in the order of their names, unless ``classes`` gives
    some in another. Their files may lie in folders of their own, and may be gzipped; hidden files
    are skipped, and so are files beside the folders of classes.

    Raises:
        DataError: naming all files that cannot be read, hold no text, or are empty.
    """

    example: ClassVar = {"path": "reviews/train"}

    class Config(TextConfig):
        """Parameters of `text_folder`."""

        path: Annotated[FilePath, AlsoCalled(("folder", "directory", "root"))] = Field(
            description="The folder, with a folder for each class in it."
        )
        classes: Annotated[tuple[str, ...] | None, AlsoCalled(("class_names", "categories"))] = (
            Field(
                default=None,
                min_length=2,
                description="Names of the folders to read, in the order of their indices; by"
                " default all, sorted.",
            )
        )
        endings: Annotated[tuple[str, ...], AlsoCalled(("extensions", "suffixes"))] = Field(
            default=(),
            description="Endings of the files to read, such as ['.txt', '.txt.gz']; by default all"
            " files are read.",
        )

    def __init__(self, config: Config) -> None:
        classes = _classes(config)
        files = [(name, file) for name in classes for file in _files(config, name)]
        size = sum(_size(file) for _, file in files)
        require_memory(config.path, _BYTES_HELD * size, "use fewer files")
        texts = _read([file for _, file in files], config.encoding)
        blank = {row for row, text in enumerate(texts) if not text.strip()}
        if config.empty == "error":
            refuse_empty([files[row][1] for row in sorted(blank)], "files", KEEP_EMPTY)
        if config.empty != "keep":
            files = [file for row, file in enumerate(files) if row not in blank]
            texts = [text for row, text in enumerate(texts) if row not in blank]
        if not texts:
            raise DataError(f"{config.path} has no text that is not empty")

        def where(row: int) -> str:
            return files[row][1]

        labels = [label for label, _ in files]
        super().__init__(texts, where, class_target(labels, classes, config.path, where))

    input_endings = (".txt",)
    takes_folders = True

    @classmethod
    def read_rows(
        cls,
        config: Config,
        source: Any,
        fields: Mapping[str, dataset.Field],
        state: State,
        keep: Sequence[str],
    ) -> Iterator[InputRows]:
        """Read a text from each file of a folder, from a file, or from a list of texts.

        ``keep`` may name ``text``, and ``file`` for files.
        """
        if not isinstance(source, str | os.PathLike):
            yield from input_rows(rows_of_objects(source), keep, config.empty, "texts")
            return
        path = os.fspath(source)
        if os.path.isdir(path):
            files = list(_walk(path, config.endings))
            if not files:
                raise DataError(f"{path} has no files{_with_endings(config)}")
        else:
            files = [path]
        rows = (
            Row(number, text, file, {"text": text, "file": file})
            for number, file in enumerate(files)
            for text in (read_text(file, config.encoding),)
        )
        yield from input_rows(rows, keep, config.empty, "files")


def _classes(config: TextFolder.Config) -> list[str]:
    """Return the names of the folders of classes."""
    path = config.path
    try:
        with os.scandir(path) as entries:
            folders = sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
    except FileNotFoundError as error:
        near = suggest_path(Path(path), "folders", lambda entry: entry.is_dir())
        raise DataError(f"no such folder: {path}{near}") from error
    except (OSError, ValueError) as error:
        if os.path.isfile(path):
            raise DataError(
                f"{path} is a file; text_folder reads a folder with a folder for each class. For a"
                ' text on each line of a file, set "type": "text_lines"'
            ) from error
        raise DataError(f"{path!r} cannot be read: {error}") from error
    refuse(
        (
            f"the name of the folder {os.path.join(path, name)!r} is not UTF-8"
            for name in folders
            if not name.isascii() and name != name.encode(errors="replace").decode()
        ),
        "classes are named after folders; rename it",
    )
    if config.classes is not None:
        refuse(
            (
                f"{path} has no folder {name!r}; {suggest(name, folders)}"
                for name in config.classes
                if name not in folders
            ),
            'correct "classes"',
        )
        return list(config.classes)
    if not folders:
        raise DataError(
            f"{path} has no folders; put the files of each class into a folder of its name"
        )
    if len(folders) == 1:
        raise DataError(
            f"{path} has one folder, {folders[0]!r}, and each folder is a class; a classifier needs"
            " two or more. If the classes are folders in it, set"
            f' "path": "{os.path.join(path, folders[0])}"'
        )
    return folders


def _files(config: TextFolder.Config, name: str) -> list[str]:
    folder = os.path.join(config.path, name)
    files = list(_walk(folder, config.endings))
    if not files:
        raise DataError(
            f"{folder} has no files{_with_endings(config)}; remove the folder, or list the other"
            ' classes in "classes"'
        )
    return files


def _with_endings(config: TextFolder.Config) -> str:
    return f" that end in {' or '.join(config.endings)}" if config.endings else ""


def _walk(folder: str, endings: tuple[str, ...]) -> Iterator[str]:
    """Yield the files in a folder and in those within it, sorted, without hidden ones."""

    def refuse_folder(error: OSError) -> None:
        raise DataError(f"{error.filename} cannot be read: {error.strerror}") from error

    for parent, folders, names in os.walk(folder, onerror=refuse_folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and (not endings or name.endswith(endings)):
                yield os.path.join(parent, name)


def _size(file: str) -> int:
    """Return the size of a file in bytes; 0 if reading it will fail."""
    try:
        return os.path.getsize(file)
    except OSError:
        return 0


def _read(files: Sequence[str], encoding: str) -> list[str]:
    """Return the text of each file; `DataError` names all that are faulty."""
    texts, faults = [], []
    for file in files:
        try:
            texts.append(read_text(file, encoding))
        except DataError as error:
            faults.append(str(error))
    if faults:
        rest = len(faults) - MAX_FAULTY
        more = [f"and {rest:,} more files"] if rest > 0 else []
        raise DataError("\n  ".join([*faults[:MAX_FAULTY], *more]))
    return texts
