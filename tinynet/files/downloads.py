"""Files of published datasets, downloaded once into a cache folder and checked by SHA-256."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tinynet.errors import DataError
from tinynet.files.available_memory import show_bytes

VARIABLE = "TINYNET_DATA"
"""The environment variable that names the cache folder."""

TIMEOUT = 30
"""Seconds without an answer after which a download fails."""


@dataclass(frozen=True)
class RemoteFile:
    """A published file.

    Attributes:
        url: The address.
        sha256: The checksum.
        size: The size in bytes; None if it is not known.
        saved_as: The name in the cache folder; by default that of the address.
    """

    url: str
    sha256: str
    size: int | None = None
    saved_as: str | None = None

    @property
    def name(self) -> str:
        """The name of the file in the cache folder."""
        return self.saved_as or os.path.basename(urlsplit(self.url).path)

    def __str__(self) -> str:
        size = [] if self.size is None else [show_bytes(self.size)]
        renamed = [] if self.saved_as is None else [f"as {self.saved_as}"]
        notes = f" ({', '.join(size + renamed)})" if size or renamed else ""
        return f"{self.url}{notes}"


def cache_folder() -> Path:
    """Return ``$TINYNET_DATA``, or else ``tinynet/data`` in the user's cache folder.

    Raises:
        DataError: without a home folder.
    """
    if given := os.environ.get(VARIABLE):
        return Path(given).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME", "")
    try:
        base = Path(cache) if os.path.isabs(cache) else Path.home() / ".cache"
    except RuntimeError as error:
        raise DataError(f"there is no home folder for downloads; set {VARIABLE}") from error
    return base / "tinynet" / "data"


def fetch(dataset: str, files: Sequence[RemoteFile]) -> list[str]:
    """Return the paths of a dataset's files, which are downloaded if the cache lacks them.

    A file is in the cache folder only once it is complete and checked.

    Args:
        dataset: The name of the dataset, and of its folder in the cache.
        files: The files.

    Raises:
        DataError: for a file that cannot be downloaded, or is not the published one; it says
            where files can be put by hand.
    """
    folder = cache_folder() / dataset
    missing = [file for file in files if not _is_there(folder / file.name, file)]
    for file in missing:
        _download(dataset, folder, file, missing)
    return [str(folder / file.name) for file in files]


def _is_there(path: Path, file: RemoteFile) -> bool:
    """Return True if a file is in the cache; raise `DataError` if it is another one."""
    try:
        with open(path, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if digest != file.sha256:
        raise DataError(
            f"{path} is not the published file, or only a part of it (its SHA-256 is {digest}, not"
            f" {file.sha256}); delete it to download it again"
        )
    return True


def _download(dataset: str, folder: Path, file: RemoteFile, missing: Sequence[RemoteFile]) -> None:
    by_hand = (
        f"download {', '.join(map(str, missing))} yourself and put"
        f" {'it' if len(missing) == 1 else 'them'} into {folder} (or into the folder {dataset!r} of"
        f" one that {VARIABLE} names)"
    )
    try:
        import pooch
    except ImportError as error:
        raise DataError(
            f"{dataset} is not on this computer, and downloading it needs pooch: pip install pooch;"
            f" or {by_hand}"
        ) from error
    try:
        pooch.retrieve(
            file.url,
            f"sha256:{file.sha256}",
            fname=file.name,
            path=folder,
            downloader=pooch.HTTPDownloader(timeout=TIMEOUT),
        )
    except (OSError, ValueError) as error:  # also those of requests
        raise DataError(
            f"{dataset}: {file.url} could not be downloaded: {_why(error, file)}; without a"
            f" network, {by_hand}"
        ) from error


def _why(error: Exception, file: RemoteFile) -> str:
    """Return the cause of a failed download in a few words."""
    if isinstance(error, ValueError) and "does not match" in str(error):
        return f"it is not the published file, whose SHA-256 is {file.sha256}"
    kind = type(error).__name__
    if kind in ("ConnectionError", "ConnectTimeout", "ReadTimeout", "Timeout", "ProxyError"):
        return f"no connection to {urlsplit(file.url).netloc}"
    if isinstance(error, PermissionError) and error.filename:
        return f"{error.filename} cannot be written"
    return f"{kind}: {error}"
