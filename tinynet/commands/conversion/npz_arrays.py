"""Conversion of an .npz file into a folder of .npy files, which are not read as a whole."""

import os
import shutil
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from tinynet.commands.conversion.new_folder import new_folder
from tinynet.commands.conversion.npy_folder import OWN_ENDINGS
from tinynet.commands.conversion.source import Progress
from tinynet.errors import DataError
from tinynet.files.npy import open_npy, read_npz_headers
from tinynet.types import Shape

_BLOCK = 1 << 20


@dataclass(frozen=True)
class NpzArrays:
    """The result of a conversion: the shape of each array, by the name of its file."""

    shapes: dict[str, Shape]


def write_npz_arrays(path: str, folder: Path, force: bool, progress: Progress) -> NpzArrays:
    """Write each array of an .npz file as an .npy file.

    Raises:
        DataError: for a file that is damaged or holds anything but numbers, and for an array whose
            name cannot be that of a file.
        RunExistsError: if the folder exists and may not be replaced.
    """
    names = list(read_npz_headers(path))
    if not names:
        raise DataError(f"{path} has no arrays")
    wrong = [name for name in names if os.sep in name or name.startswith(".") or "\0" in name]
    if wrong:
        raise DataError(f"{path}: the array {wrong[0]!r} has a name that no file can have")
    shapes = {}
    with new_folder(folder, force, OWN_ENDINGS) as temporary:
        try:
            with zipfile.ZipFile(path) as archive:
                members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
                for done, name in enumerate(names):
                    target = temporary / f"{name}.npy"
                    with archive.open(members[name]) as source, open(target, "wb") as file:
                        shutil.copyfileobj(source, file, _BLOCK)
                        file.flush()
                        os.fsync(file.fileno())
                    shapes[target.name] = open_npy(str(target)).shape
                    progress((done + 1) / len(names))
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise DataError(f"{path} is damaged: {error}") from error
        except DataError as error:  # names the temporary file
            raise DataError(str(error).replace(str(temporary), str(path))) from error
    return NpzArrays(shapes)
