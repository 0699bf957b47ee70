"""CIFAR-10 and CIFAR-100."""

import tarfile
from collections.abc import Collection
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from tinynet.builtin.datasets._arrays import ArrayDataset, Source
from tinynet.builtin.datasets.standard.mnist import PartConfig
from tinynet.errors import DataError
from tinynet.files.downloads import RemoteFile, fetch
from tinynet.types import Array

PIXELS = 3 * 32 * 32
"""Bytes of an image: all red values, then the green and the blue ones."""


class CIFAR10(ArrayDataset):
    """60,000 photos of 10 classes: (32, 32, 3), uint8 from 0 to 255.

    50,000 are for training, 10,000 for the test. A. Krizhevsky, "Learning Multiple Layers of
    Features from Tiny Images", 2009. Download: 170 MB.
    """

    pixel_range = (0, 255)
    file: ClassVar = RemoteFile(
        "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
        170052171,
    )
    parts: ClassVar = {
        "train": [f"data_batch_{number}.bin" for number in range(1, 6)],
        "test": ["test_batch.bin"],
    }

    Config = PartConfig

    def __init__(self, config: PartConfig) -> None:
        (path,) = fetch("cifar10", [self.file])
        members = self.parts[config.part]
        content = _members(path, [*members, "batches.meta.txt"])
        labels, images = _records(b"".join(content[member] for member in members), 1)
        super().__init__(
            {"input": Source(images, path)},
            {"target": Source(labels[:, 0], path, _names(content["batches.meta.txt"]))},
        )


class CIFAR100(ArrayDataset):
    """60,000 photos of 100 classes, or of 20 groups of them: (32, 32, 3), uint8 from 0 to 255.

    50,000 are for training, 10,000 for the test. A. Krizhevsky, "Learning Multiple Layers of
    Features from Tiny Images", 2009. Download: 169 MB.
    """

    pixel_range = (0, 255)
    file: ClassVar = RemoteFile(
        "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
        "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
        168513733,
    )

    class Config(PartConfig):
        """Parameters of `cifar100`."""

        labels: Literal["fine", "coarse"] = Field(
            default="fine", description="'fine': 100 classes. 'coarse': 20 groups of them."
        )

    def __init__(self, config: Config) -> None:
        (path,) = fetch("cifar100", [self.file])
        member, names = f"{config.part}.bin", f"{config.labels}_label_names.txt"
        content = _members(path, [member, names])
        labels, images = _records(content[member], 2)
        chosen = labels[:, 0 if config.labels == "coarse" else 1]
        super().__init__(
            {"input": Source(images, path)},
            {"target": Source(chosen, path, _names(content[names]))},
        )


def _members(path: str, names: Collection[str]) -> dict[str, bytes]:
    """Return some files of a gzipped archive of one folder, by their names in it."""
    found = {}
    try:
        with tarfile.open(path, "r|gz") as archive:
            for member in archive:
                name = member.name.rpartition("/")[2]
                if name in names and (stream := archive.extractfile(member)) is not None:
                    found[name] = stream.read()
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DataError(f"{path} cannot be unpacked: {error}; delete it") from error
    if missing := [name for name in names if name not in found]:
        raise DataError(f"{path} lacks {', '.join(missing)}; delete it")
    return found


def _records(content: bytes, labels: int) -> tuple[Array, Array]:
    """Return the labels (N, labels) and images (N, 32, 32, 3), uint8, of a binary file."""
    rows = np.frombuffer(content, np.uint8).reshape(-1, labels + PIXELS)
    images = rows[:, labels:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return rows[:, :labels], np.ascontiguousarray(images)


def _names(content: bytes) -> tuple[str, ...]:
    return tuple(content.decode().split())
