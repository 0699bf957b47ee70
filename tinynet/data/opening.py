"""Opening of the datasets of a spec, and comparison of those of its splits."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from tinynet import registry
from tinynet.config import Reference
from tinynet.data.fields import check_fields
from tinynet.data.given import GivenDataset
from tinynet.data.paths import resolve_paths
from tinynet.data.splits import POINTER
from tinynet.dataset import TEXT, Dataset, Field, Inferring
from tinynet.errors import DataError
from tinynet.spec.data_spec import INFERRED
from tinynet.text.labels import LabelIndex
from tinynet.text.plugin_errors import PluginErrors
from tinynet.types import Array


def open_dataset(
    reference: Reference,
    root: Path,
    pointer: str = POINTER,
    given: GivenDataset | None = None,
) -> Dataset:
    """Open the dataset that a part of a spec, at ``pointer``, names, or take the one given.

    Raises:
        DataError: for data that cannot be trained on.
        PluginError: for a dataset whose description a checkpoint cannot hold.
    """
    plugins = registry.default()
    config = resolve_paths(plugins.config(reference, pointer), root)
    build = partial(plugins.construct, reference) if given is None else given.open
    dataset: Dataset = build(config, pointer)
    with PluginErrors(dataset, "__len__ raised", pointer):
        samples = len(dataset)
    check_fields(dataset, pointer)
    if not samples:
        raise DataError(f"the dataset {reference.type!r} has no samples")
    return dataset


def inferring_alike(reference: Reference, main: Dataset, kind: str) -> Reference:
    """Return a reference to further data, which are read as those of ``main``, of type ``kind``."""
    if reference.type != kind or not isinstance(main, Inferring):
        return reference
    if reference.options.get(INFERRED) is not None:
        return reference
    options = {**reference.options, INFERRED: dict(main.inferred)}
    return reference.model_copy(update={"options": options})


def relabel(main: Dataset, other: Dataset, part: str) -> dict[str, Array]:
    """Return the class indices of ``main`` by those of ``other``, for arrays where they differ.

    `DataError` is raised for other fields, and for classes that ``main`` does not have.
    """
    translations = {}
    for kind in ("inputs", "targets"):
        ours: Mapping[str, Field] = getattr(main, kind)
        theirs: Mapping[str, Field] = getattr(other, kind)
        for name, field in ours.items():
            if name not in theirs:
                raise DataError(f"{part} has no array {name!r}, which the training data have")
            _require_alike(field, theirs[name], f"{part}: {name!r}")
            classes, trained = theirs[name].classes or (), field.classes or ()
            index = LabelIndex(trained)
            if new := [c for c in classes if c not in index]:
                raise DataError(
                    f"{part}: {name!r} has classes that the training data lack: {', '.join(new)};"
                    f" remove their samples (training classes: {', '.join(trained)})"
                )
            places = [index.get(label, -1) for label in classes]
            if places != [*range(len(places))]:
                translations[name] = np.array(places, np.int64)
    return translations


def _require_alike(ours: Field, theirs: Field, what: str) -> None:
    if theirs.shape != ours.shape:
        raise DataError(
            f"{what} has shape {theirs.shape}, but the training data have {ours.shape}; save it in"
            " that shape"
        )
    if (theirs.dtype == TEXT) != (ours.dtype == TEXT):
        held = {True: "text", False: "numbers"}
        raise DataError(
            f"{what} holds {held[theirs.dtype == TEXT]}, and {held[ours.dtype == TEXT]} in the"
            " training data"
        )
    if theirs.text_unit != ours.text_unit:
        units = {
            "character": "characters",
            "byte": "bytes",
            "whitespace": "texts with tags",
            None: "no text" if ours.dtype != TEXT else "texts without tags",
        }
        raise DataError(
            f"{what} holds {units[theirs.text_unit]}, and {units[ours.text_unit]} in the training"
            ' data; use the same "unit"'
        )
    if (theirs.classes is None) != (ours.classes is None):
        kinds = {True: "numbers", False: "classes"}
        raise DataError(
            f"{what} holds {kinds[theirs.classes is None]}, and {kinds[ours.classes is None]} in"
            " the training data"
        )
    if theirs.names != ours.names:
        raise DataError(
            f"{what} has the features {', '.join(theirs.names or ('(unnamed)',))}, but the training"
            f" data have {', '.join(ours.names or ('(unnamed)',))}; use the same ones in this order"
        )
