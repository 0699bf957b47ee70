"""Predictions by several processes: in each round, each computes one chunk of the samples.

The first process gets the outputs of all, in order, and holds no more than some of them.
"""

import os
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from xxhash import xxh3_128

from tinynet.engine.process_group import ProcessGroup
from tinynet.errors import DataError
from tinynet.files.nearby import files_of_pattern
from tinynet.prediction.computed import Computed
from tinynet.prediction.generic_files import is_image
from tinynet.prediction.model import CHUNK_SIZE, Model
from tinynet.prediction.shares import Share
from tinynet.types import Array

MOST_BYTES = 2**26
"""Bytes that the first process receives before it uses them, unless one chunk is larger."""

_BLOCK = 2**20
"""Bytes of a file that are read at a time."""


def compute_together(
    model: Model,
    group: ProcessGroup,
    paths: Sequence[Path],
    *,
    keep: Sequence[str] = (),
    resize: bool = False,
    threads: int | None = None,
) -> Iterator[Computed]:
    """Yield what `Model.computed` yields, in the first process; nothing in the others.

    All processes iterate to the end. Each reads its own copies of the files.

    Args:
        model: The model.
        group: The processes.
        paths: The inputs.
        keep: See `Model.predict`, as for the next two.
        resize: See there.
        threads: See there.

    Raises:
        DataError: see `Model.predict`; also for files that differ between processes.
    """
    warnings: list[str] = []

    def warn(text: str) -> None:
        warnings.append(text)
        if group.first:
            model.warn(text)

    _require_same_files(group, paths)
    model_here = replace(model, warn=warn)
    chunks = model_here.raw_chunks(paths, keep, resize, _share(group))
    samples, before = 0, -1
    while samples > before:
        own, before = None, samples
        for rank, raw in zip(range(group.size), chunks, strict=False):
            samples += len(raw)
            if rank == group.rank:
                own = raw
        group.doing = f"the prediction of {samples:,} samples"
        computed = None if own is None else model_here.compute(own, threads)
        packed = _NOTHING if computed is None or group.first else _packed(computed)
        gathered = group.gather((len(packed), samples))
        _require_same_samples([count for _, count in gathered])
        if computed is not None or not group.first:
            yield from _received(group, computed, packed, [size for size, _ in gathered])
    for text in dict.fromkeys(text for own in group.gather(warnings) for text in own):
        if text not in warnings:
            warn(text)


def _share(group: ProcessGroup) -> Share:
    """Return the chunks of this process: every `group.size`-th."""

    def has(start: int, stop: int) -> bool:
        first, last = start // CHUNK_SIZE, (stop - 1) // CHUNK_SIZE
        return first + (group.rank - first) % group.size <= last

    def largest(value: int) -> int:
        return max(map(int, group.gather(value)))

    return Share(has, largest)


# Outputs --------------------------------------------------------------------------------------

_NOTHING = np.empty(0, np.uint8)


def _packed(computed: Computed) -> Array:
    return np.frombuffer(pickle.dumps(computed, pickle.HIGHEST_PROTOCOL), np.uint8)


def _received(
    group: ProcessGroup, own: Computed | None, packed: Array, sizes: Sequence[int]
) -> Iterator[Computed]:
    """Yield the outputs of a round in the first process, which receives them from the others.

    Args:
        group: The processes, which have just gathered the sizes.
        own: The outputs of this process.
        packed: The same, to be sent.
        sizes: The bytes that each process sends; 0 for nothing.
    """
    for number, ranks in enumerate(_parcels(sizes)):
        if number:
            group.gather(None)  # The first process has used those before, or it has failed.
        received: list[Array] = []
        for rank in ranks:
            if group.first:
                received.append(np.empty(sizes[rank], np.uint8))
                group.swap(rank, _NOTHING, received[-1])
            elif rank == group.rank:
                group.swap(0, packed, _NOTHING)
        if group.first:
            if not number and own is not None:
                yield own
            while received:
                yield pickle.loads(received.pop(0).data)


def _parcels(sizes: Sequence[int]) -> list[list[int]]:
    """Return the processes that send something, divided so that few bytes are sent at a time."""
    parcels: list[list[int]] = [[]]
    total = 0
    for rank, size in enumerate(sizes):
        if not size:
            continue
        if total and total + size > MOST_BYTES:
            parcels.append([])
            total = 0
        parcels[-1].append(rank)
        total += size
    return parcels


# Inputs ---------------------------------------------------------------------------------------


def _require_same_samples(counts: Sequence[int]) -> None:
    """Raise `DataError` if processes read more samples than others."""
    for rank, count in enumerate(counts):
        if count != counts[0]:
            raise DataError(
                f"process {rank} has read {count:,} samples, and process 0 {counts[0]:,}: they do"
                " not have the same files; copy the files of one machine to all"
            )


def _require_same_files(group: ProcessGroup, paths: Sequence[Path]) -> None:
    """Raise `DataError` if an input differs from that of the first process.

    A file that is missing somewhere is reported where it is read.
    """
    gathered = group.gather([_digest(path) for path in paths])
    for path, own, first in zip(paths, gathered[group.rank], gathered[0], strict=True):
        if own and first and own != first:
            raise DataError(
                f"{path} differs from that of process 0; copy the files of one machine to all"
            )


def _digest(path: Path) -> str:
    """Return a digest of a file, of the files of a pattern or of those in a folder; "" for others.

    Of the files that only one process reads, as of those in a folder, it is that of the sizes.
    """
    digest = xxh3_128()
    try:
        if path.is_file():
            _add_file(digest, path)
        elif path.is_dir():
            for folder, folders, names in os.walk(path):
                folders.sort()
                for name in sorted(names):
                    file = Path(folder, name)
                    size = file.stat().st_size if file.exists() else -1
                    digest.update(f"{file.relative_to(path)}\0{size}\0".encode(errors="replace"))
        elif not path.exists() and (files := files_of_pattern(path)):
            for file in map(Path, files):
                digest.update(f"{file}\0".encode(errors="replace"))
                if file.is_file():
                    _add_file(digest, file)
        else:
            return ""
    except OSError:
        return ""
    return digest.hexdigest()


def _add_file(digest: xxh3_128, path: Path) -> None:
    if path.suffix.lower() == ".npy" or is_image(path):
        digest.update(b"%d" % path.stat().st_size)
        return
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
