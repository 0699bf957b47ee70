"""The split of a dataset into training, validation and test."""

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import numpy as np

from tinynet.data.indices import ComputedIndices, Indices, index_range
from tinynet.data.order import BlockOrder
from tinynet.dataset import TEXT, Batch, Dataset, Field, TargetReader
from tinynet.engine.layer_calls import described
from tinynet.errors import DataError, Problem, SpecError
from tinynet.kernels.random import derive
from tinynet.spec.data_spec import BlocksSpec, DataSpec
from tinynet.text.plugin_errors import PluginErrors, plugin_error
from tinynet.types import Array, Shape

SplitName: TypeAlias = Literal["train", "val", "test"]

DEFAULT_PART = 0.1
"""The part of the dataset for validation, and for the test, by default."""

POINTER = "/data"
"""The place of the datasets in a spec."""

NUMBERS = "biuf"
"""The kinds of dtype that a network computes with: bool, integers, floats."""

CHUNK = 1024
"""Number of samples read at a time."""


def split_indices(dataset: Dataset, spec: DataSpec, seed: int) -> dict[SplitName, Indices]:
    """Return the indices of each split; ``spec`` may have another seed for them.

    They are ascending, unless the samples are read in blocks: then a random split consists of
    blocks, whose rows are side by side.

    Raises:
        SpecError: for a part of a split that has its own dataset.
        DataError: for parts that are empty, or leave no sample for training.
    """
    total = len(dataset)
    val, test, gap = split_sizes(spec, total)
    if spec.split.order is not None:
        return in_order(total, val, test, gap)
    own_seed = seed if spec.split.seed is None else spec.split.seed
    if isinstance(spec.order, BlocksSpec) and not spec.split.stratify:
        return _by_blocks(BlockOrder(total, spec.order.block, "split", own_seed), val, test)
    order = derive("split", own_seed).permutation(total)
    if spec.split.stratify:
        order = _by_class(order, _labels(dataset)[order], val, test)
    return {
        "train": np.sort(order[val + test :]),
        "val": np.sort(order[:val]),
        "test": np.sort(order[val : val + test]),
    }


def split_sizes(spec: DataSpec, total: int) -> tuple[int, int, int]:
    """Return the samples for validation, those for the test, and those of a gap, of ``total``.

    Raises:
        SpecError: for a part of a split that has its own dataset.
        DataError: for parts that are empty, or leave no sample for training.
    """
    val = _count("validation", spec.split.validation, spec.validation is not None, total)
    test = _count("test", spec.split.test, spec.test is not None, total)
    gap = spec.split.gap or 0
    gaps = gap * sum(count > 0 for count in (val, test))
    if val + test + gaps >= total:
        between = f", and the gaps {gaps:,}" if gaps else ""
        raise DataError(
            f"no sample is left for training: of {total:,}, data.split.validation takes {val:,} and"
            f" data.split.test {test:,}{between}; reduce one of them"
        )
    return val, test, gap


def _by_blocks(order: BlockOrder, val: int, test: int) -> dict[SplitName, Indices]:
    """Return splits of whole blocks of neighbors, except where a split ends within a block."""

    def part(start: int, stop: int) -> Indices:
        return ComputedIndices(stop - start, lambda positions: order.at(positions + start))

    return {
        "train": part(val + test, order.size),
        "val": part(0, val),
        "test": part(val, val + test),
    }


def in_order(total: int, val: int, test: int, gap: int) -> dict[SplitName, Indices]:
    """Return the indices of splits that follow each other, with a gap before each that has some."""
    test_start = total - test
    val_stop = test_start - gap if test else total
    val_start = val_stop - val
    train_stop = val_start - gap if val else val_stop
    return {
        "train": index_range(0, train_stop),
        "val": index_range(val_start, val_stop),
        "test": index_range(test_start, total),
    }


def _count(name: str, part: float | None, elsewhere: bool, total: int) -> int:
    """Return the size of a split; 0 by default if it has its own dataset."""
    if part is None:
        return 0 if elsewhere else round(DEFAULT_PART * total)
    if part and elsewhere:
        message = f"data.{name} is a separate dataset; remove data.split.{name} or data.{name}"
        raise SpecError([Problem(message, f"/data/split/{name}")])
    count = round(part * total) if part < 1 else int(part)
    if part and not count:
        raise DataError(
            f"data.split.{name}={part:g} of {total:,} samples rounds to none; increase it, or set"
            " it to 0 for an empty split"
        )
    return count


def _by_class(order: Array, labels: Array, val: int, test: int) -> Array:
    """Move ``val``, then ``test`` of the samples (N,) to the front, in proportion to classes."""
    _, own, counts = np.unique(labels, return_inverse=True, return_counts=True)
    in_val = _in_proportion(counts, val)
    in_test = _in_proportion(counts - in_val, test)
    by_class = np.argsort(own, kind="stable")
    rank = np.empty_like(by_class)  # among the samples of its class
    rank[by_class] = np.concatenate([np.arange(count) for count in counts])
    part = (rank >= in_val[own]).astype(np.int8) + (rank >= (in_val + in_test)[own])
    divided: Array = order[np.argsort(part, kind="stable")]
    return divided


def _in_proportion(counts: Array, total: int) -> Array:
    """Divide ``total`` in proportion to ``counts``, by the method of largest remainders."""
    shares = counts * (total / counts.sum())
    whole: Array = np.floor(shares).astype(np.int64)
    most_cut = np.argsort(whole - shares, kind="stable")[: total - whole.sum()]
    whole[most_cut] += 1
    return whole


def _labels(dataset: Dataset) -> Array:
    fields = dataset.targets.items()
    names = [name for name, field in fields if field.classes is not None and not field.shape]
    if len(names) != 1:
        raise DataError(
            "data.split.stratify needs exactly one target with one class per sample, but there are"
            f" {len(names)} ({', '.join(sorted(names)) or 'none'}); set it to false"
        )
    parts = [gather(dataset, indices, inputs=False) for indices in chunks(len(dataset))]
    return np.concatenate([part.targets[names[0]] for part in parts])


def gather(
    dataset: Dataset, indices: Array, pointer: str = POINTER, *, inputs: bool = True
) -> Batch:
    """Return the samples of a dataset at ``indices``; ``pointer`` is its place in the spec.

    Without ``inputs`` they are not read if the dataset is able to.

    Raises:
        PluginError: for an exception of the dataset, or a wrong value.
    """
    method = "gather"
    if not inputs and isinstance(dataset, TargetReader):
        method = "gather_targets"
    with PluginErrors(dataset, f"{method} raised", pointer):
        batch = getattr(dataset, method)(indices)
    if not isinstance(batch, Batch):
        message = f"{method} must return a Batch; it returned {described(batch)}"
        raise plugin_error(dataset, message, pointer)
    for kind, fields, arrays in (
        ("input", dataset.inputs, batch.inputs),
        ("target", dataset.targets, batch.targets),
    ):
        for name, field in fields.items() if kind == "target" or method == "gather" else ():
            shape, array = (len(indices), *field.shape), arrays.get(name)
            if array is None or np.shape(array) != shape:
                message = f"{method} must return the {kind} {name!r} in shape {shape}; it returned"
                raise plugin_error(dataset, f"{message} {described(array)}", pointer)
            if not has_kind(array, field):
                dtype = np.asarray(array).dtype
                message = f"{method} must return {kind} {name!r} as {field.dtype}, not {dtype}"
                raise plugin_error(dataset, message, pointer)
    _check_weights(dataset, batch.weights, len(indices), pointer)
    return batch


def has_kind(array: Any, field: Field) -> bool:
    """Return True for an array of numbers, or of ``str`` objects if the field is one of text."""
    values = np.asarray(array)
    if field.dtype != TEXT:
        return values.dtype.kind in NUMBERS
    return values.dtype == object and all(type(text) is str for text in values.flat)


def _check_weights(dataset: Dataset, weights: Any, samples: int, pointer: str) -> None:
    if weights is None:
        return
    message = (
        f"gather must return finite weights of shape {(samples,)}, or of more of the leading axes"
        " of a target or an input; it returned"
    )
    if not isinstance(weights, np.ndarray) or not _fits(weights.shape, samples, dataset):
        raise plugin_error(dataset, f"{message} {described(weights)}", pointer)
    if weights.dtype.kind not in NUMBERS:
        raise plugin_error(dataset, f"{message} the dtype {weights.dtype}", pointer)
    if not np.isfinite(weights).all():
        raise plugin_error(dataset, f"{message} NaN or infinity", pointer)


def _fits(shape: Shape, samples: int, dataset: Dataset) -> bool:
    """Return True for weights of samples, or of positions of a target or an input.

    Without targets any positions may be those of the outputs.
    """
    fields = [*dataset.targets.values(), *dataset.inputs.values()]
    fits = not dataset.targets or any(shape[1:] == f.shape[: len(shape) - 1] for f in fields)
    return shape[:1] == (samples,) and fits


def chunks(total: int, size: int = CHUNK) -> Iterator[Array]:
    """Iterate over the positions 0 to ``total``, ``size`` at a time."""
    for start in range(0, total, size):
        yield np.arange(start, min(start + size, total))
