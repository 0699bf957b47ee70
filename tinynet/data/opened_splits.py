"""The datasets of a spec: opened, split, and encoded by what they learned in training."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import JsonValue

from tinynet import registry
from tinynet.config import Reference
from tinynet.data.given import GivenDataset
from tinynet.data.grouping import split_by_columns
from tinynet.data.indices import Indices, index_range
from tinynet.data.learning import learn, load_learned
from tinynet.data.opening import inferring_alike, open_dataset, relabel
from tinynet.data.paths import require_inside
from tinynet.data.split import Split
from tinynet.data.splits import POINTER, SplitName, split_indices
from tinynet.data.windows import cut_all_windows, cut_windows, series_fingerprint
from tinynet.dataset import Dataset, Inferring, State
from tinynet.spec.data_spec import DataSpec

_PLACES: dict[SplitName, str] = {"val": "data.validation", "test": "data.test"}
"""The place in the spec of the datasets of splits that have their own."""


@dataclass(frozen=True)
class OpenedSplits:
    """The three splits of a spec; one may be empty.

    Attributes:
        splits: The splits by name.
        learned: The state of the datasets, learned from the training split; empty for most.
        inferred: The values that each dataset inferred, by the part of the spec that names it.
        fingerprints: Of each dataset, by the part of the spec that names it.
    """

    splits: dict[SplitName, Split]
    learned: State
    inferred: dict[str, dict[str, JsonValue]]
    fingerprints: dict[str, str]


def open_splits(
    spec: DataSpec,
    root: Path,
    seed: int,
    learned: State | None,
    given: Mapping[str, GivenDataset],
) -> OpenedSplits:
    """Open and split the datasets of a spec.

    Args:
        spec: The data of the spec.
        root: The folder where relative paths start.
        seed: The seed of the training.
        learned: The state that the datasets learned in a run; None to learn it.
        given: Datasets that are passed, not opened, by the pointer to their place.

    Raises:
        SpecError: for invalid splits.
        DataError: for data that cannot be trained on.
    """
    references = _references(spec, root)
    main = open_dataset(spec, root, given=given.get(POINTER))
    of_columns: dict[str, str] = {}
    parts: dict[SplitName, Indices]
    if spec.split.uses_columns:
        columns, of_columns["data.split"] = split_by_columns(main, spec, seed)
        parts = {**columns}
    else:
        parts = {**split_indices(main, spec, seed)}
    if spec.windows is not None:
        of_columns |= series_fingerprint(main, spec.windows)
    # Columns of the split are inferred now, too, so other data are sorted alike.
    datasets = {"data": main, **_open_others(spec, root, references, main, given)}
    fingerprints = {place: dataset.fingerprint for place, dataset in datasets.items()} | of_columns
    inferred = {
        place: dict(dataset.inferred)
        for place, dataset in datasets.items()
        if isinstance(dataset, Inferring)
    }
    learned = learned or learn(main, parts["train"])
    main = load_learned(main, learned)
    if spec.windows is not None:
        whole = {name: np.asarray(indices) for name, indices in parts.items()}
        main, cut = cut_windows(main, spec, whole)
        parts = {**cut}
    splits = {name: Split(main, indices, {}) for name, indices in parts.items()}
    for name, place in _PLACES.items():
        if place not in datasets:
            continue
        dataset = load_learned(datasets[place], learned, _pointer(place))
        if spec.windows is not None:
            dataset = cut_all_windows(dataset, spec, name, _pointer(place))
        classes = relabel(main, dataset, place)
        splits[name] = Split(dataset, index_range(0, len(dataset)), classes, _pointer(place))
    return OpenedSplits(splits, learned, inferred, fingerprints)


def _references(spec: DataSpec, root: Path) -> dict[str, Reference]:
    """Return the references to the datasets of splits that have their own, by their places."""
    extras: dict[SplitName, Reference | None] = {"val": spec.validation, "test": spec.test}
    own = {_PLACES[name]: reference for name, reference in extras.items() if reference is not None}
    config = registry.default().config
    configs = {place: config(reference) for place, reference in own.items()}
    require_inside({"data": config(spec), **configs}, root)
    return own


def _open_others(
    spec: DataSpec,
    root: Path,
    references: Mapping[str, Reference],
    main: Dataset,
    given: Mapping[str, GivenDataset],
) -> dict[str, Dataset]:
    """Return the datasets of splits that have their own, read as the main one, by their places."""
    datasets = {}
    for place, reference in references.items():
        pointer = _pointer(place)
        alike = inferring_alike(reference, main, spec.type)
        datasets[place] = open_dataset(alike, root, pointer, given.get(pointer))
    return datasets


def _pointer(place: str) -> str:
    """Return the pointer to a part of the spec: ``/data/test`` for ``data.test``."""
    return f"/{place.replace('.', '/')}"
