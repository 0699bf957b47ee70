"""The spec of a table: encodings by column, and a network of dense layers."""

import shlex
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, TypeAlias

from tinynet.builtin.tables.raw_table import RawTable
from tinynet.commands.init.draft import (
    CLASSIFICATION,
    REGRESSION,
    SAVING,
    STOPPING,
    Draft,
    Part,
    classes_of,
    spec_name,
)
from tinynet.commands.init.image_notes import image_notes
from tinynet.commands.init.table_profile import ColumnProfile, profile_table
from tinynet.commands.init.table_source import read_source
from tinynet.commands.init.text_spec import WORD_WEIGHTS, classifier
from tinynet.data.data import Data
from tinynet.errors import UsageError
from tinynet.text.wording import format_list, suggest

Task: TypeAlias = Literal["classification", "regression"]

MAX_CLASSES_OF_INTEGERS = 20
"""Most different integers that a target may have to be taken for classes."""

MAX_CATEGORIES = 50
"""Most features that one column of categories gets."""

FEW_SAMPLES = 100
"""Fewer samples for validation say too little about the epoch after which to stop."""

FIXED_LENGTH = (
    "The validation samples are too few to choose an epoch by, so the length is fixed; compare"
    " train/loss and val/loss."
)

WORDS_OF_TEXT = 2.5
"""Mean number of words from which texts are classified by them."""

MISSING_OFTEN = 0.02
"""Part of missing cells from which their absence is a feature of its own."""


class NoTargetError(UsageError):
    """A table without the name of the column to predict.

    Attributes:
        header: The names of its columns.
    """

    def __init__(self, file: Path, header: Sequence[str]) -> None:
        self.header = list(header)
        super().__init__(self.message(str(file)))

    def message(self, file: str, command: str = "") -> str:
        """Return the message, for a file as the user named it, and the command to complete."""
        shown = format_list([repr(name) for name in self.header])
        option = f"--target {shlex.quote(self.header[-1])}"
        example = f"such as: {command} {option}" if command else f"such as {option}"
        return f"name the column of {file} to predict, {example}; its columns: {shown}"


def draft_of_table(
    file: Path,
    path: str,
    targets: Sequence[str],
    task: Task | None,
    header: bool | None,
    settings: Part,
) -> Draft:
    """Return a spec for a table.

    Args:
        file: The table.
        path: Its path in the spec.
        targets: The columns to predict, by name, or by position without a header.
        task: The task; None to derive it from the target.
        header: True if the first row names the columns; None to detect it.
        settings: Options of the dataset that the user gives.

    Raises:
        DataError: for a table that cannot be read.
        UsageError: for targets that do not exist, or do not fit the task.
    """
    notes: list[str] = []
    source, raw, config = read_source(file, header, settings, notes)
    names = _targets(file, raw, targets)
    profiles = profile_table(config, raw)
    about_images = list(image_notes(file, path, raw, names))
    _require_values(file, profiles, names, about_images)
    task = task or _task(profiles, names)
    if task == "classification" and len(names) > 1:
        raise UsageError(
            "several targets are one target of numbers; for classes give one --target, or write"
            ' an object of targets into the spec: "target": {"kind": "species", "sex": "sex"}'
        )
    if task == "regression" and (wrong := [n for n in names if profiles[n].kind != "number"]):
        raise UsageError(f"the target {wrong[0]!r} is not a number; leave out --task regression")
    notes += about_images
    data = _data({**source, "path": path}, profiles, names, task, notes)
    by_words = "features" in data and task == "classification"
    kind = "a quantity" if task == "regression" else "a class"
    return Draft(
        spec_name(file),
        f"Predicts {format_list(names)} ({kind}) from the other columns of {file.name}. Written by"
        " tinynet init.",
        data,
        classifier if by_words else partial(_complete, task=task, targets=len(names)),
        notes,
    )


def _require_values(
    file: Path,
    profiles: Mapping[str, ColumnProfile],
    targets: Sequence[str],
    about_images: Sequence[str],
) -> None:
    """Require different values in each target, and a column to predict them from.

    Raises:
        UsageError: naming the targets of one value, or the columns that cannot be features.
    """
    if same := [name for name in targets if profiles[name].distinct <= 1]:
        raise UsageError(
            f"{file}: the target {format_list([repr(name) for name in same])} has one value only,"
            " so there is nothing to learn; choose another column with --target"
        )
    features = [profile for name, profile in profiles.items() if name not in targets]
    if not features:
        raise UsageError(f"{file} has no column but the target; a table needs a feature column")
    reasons = [*(f"{p.name!r}: {_reason_to_ignore(p)}" for p in features), *about_images]
    if all(_reason_to_ignore(p) and not _is_prose(p) for p in features):
        raise UsageError(f"{file} has no column to predict from; {'; '.join(reasons)}")


def _targets(file: Path, raw: RawTable, targets: Sequence[str]) -> list[str]:
    header = list(raw.header)
    targets = [name if name in header else name.strip() for name in targets]
    if not targets:
        raise NoTargetError(file, header)
    for name in targets:
        if name not in header and not name.lstrip("-").isdigit():
            raise UsageError(f"{file} has no column {name!r}; {suggest(name, header)}")
    found = []
    for name in targets:
        if name in header:
            found.append(name)
        elif -len(header) <= int(name) < len(header):
            found.append(header[int(name)])
        else:
            raise UsageError(f"{file} has {len(header)} columns, and no column {name}")
    return found


def _task(profiles: Mapping[str, ColumnProfile], targets: Sequence[str]) -> Task:
    """Return the usual task: text and few whole numbers are classes."""
    if len(targets) > 1:
        return "regression"
    target = profiles[targets[0]]
    if target.kind != "number":
        return "classification"
    few = target.distinct <= min(MAX_CLASSES_OF_INTEGERS, max(2, target.rows // 20))
    return "classification" if target.is_integer and few else "regression"


def _data(
    source: Part,
    profiles: Mapping[str, ColumnProfile],
    targets: Sequence[str],
    task: Task,
    notes: list[str],
) -> Part:
    by_position = source.get("header") is False
    columns: list[str | int] = [int(name) if by_position else name for name in targets]
    data: Part = {**source, "target": columns[0] if len(columns) == 1 else columns}
    target = profiles[targets[0]]
    if task == "classification" and target.kind == "number":
        data["target_type"] = "class"
    text = _text(profiles, targets)
    own: Part = data.pop("columns", {})
    if text is not None:
        data["features"] = {"input": text}
        others = [repr(name) for name in profiles if name not in (text, *targets)]
        if others:
            notes.append(f"only the words of {text!r} are used, not {format_list(others)}")
    options = own | {
        name: option
        for name, profile in profiles.items()
        if (text is None or name in targets)
        and name not in own
        and (option := _column(profile, name in targets, notes)) is not None
    }
    if options:
        data["columns"] = options
    data["split"] = _split(profiles, targets, task, notes)
    scaled = [] if text is not None else ["input"]
    if task == "regression":
        scaled.append("target")
    data["transforms"] = [] if text is None else [WORD_WEIGHTS]
    if scaled:
        on = scaled[0] if len(scaled) == 1 else scaled
        data["transforms"].append({"type": "standardize", "on": on})
    return data


def _text(profiles: Mapping[str, ColumnProfile], targets: Sequence[str]) -> str | None:
    """Return the column of words, if a table has no other features than text and row numbers."""
    features = [p for name, p in profiles.items() if name not in targets]
    texts = [profile for profile in features if _is_prose(profile)]
    if not texts or not all(_is_prose(p) or _reason_to_ignore(p) for p in features):
        return None
    return max(texts, key=lambda profile: profile.mean_words).name


def _is_prose(profile: ColumnProfile) -> bool:
    """Return True for texts of several words each."""
    return profile.kind == "text" and profile.mean_words >= WORDS_OF_TEXT


def _column(profile: ColumnProfile, is_target: bool, notes: list[str]) -> Any:
    """Return the options of a column; None if the inferred ones do."""
    if is_target:
        if not profile.missing:
            return None
        notes.append(f"{profile.missing:,} rows without {profile.name!r} are left out")
        return {"missing": "drop_row"}
    if why := _reason_to_ignore(profile):
        notes.append(f"column {profile.name!r} is not used: {why}")
        return "ignore"
    if profile.faulty:
        notes.append(
            f"column {profile.name!r} is read as categories: {profile.faulty:,} of its cells are"
            f" not of the kind {profile.kind!r}"
        )
        return {"kind": "category", "max_categories": MAX_CATEGORIES}
    if profile.kind == "category":
        many = profile.distinct > MAX_CATEGORIES
        return {"kind": "category", "max_categories": MAX_CATEGORIES} if many else "category"
    form = {} if profile.format is None else {"format": profile.format}
    if profile.missing:
        strategy = "median" if profile.kind == "number" else "most_frequent"
        often = profile.missing >= MISSING_OFTEN * profile.rows
        indicator = {"indicator": True} if often else {}
        return {"kind": profile.kind, **form, "missing": strategy, **indicator}
    return {"kind": profile.kind, **form} if form else profile.kind


def _reason_to_ignore(profile: ColumnProfile) -> str | None:
    if profile.kind == "ignore":
        return "it is empty"
    if profile.name == "":
        return "it has no name"
    if profile.hint and (profile.kind == "text" or profile.faulty):
        return profile.hint
    if profile.kind == "text":
        return f"it holds {profile.distinct:,} different texts"
    if profile.is_key:
        return "it numbers the rows"
    if profile.distinct <= 1 and not profile.missing:
        return "all its cells are the same"
    return None


def _split(
    profiles: Mapping[str, ColumnProfile], targets: Sequence[str], task: Task, notes: list[str]
) -> Part:
    """Return the split: chronological for a series, else random."""
    parts: Part = {"validation": 0.15, "test": 0.15}
    for profile in profiles.values():
        is_series = profile.kind == "date" and profile.is_sorted and profile.is_unique
        if is_series and profile.name not in targets:
            notes.append(
                f"the rows are in the order of {profile.name!r}, so the last ones are for"
                ' validation and test; for a random split, remove "order"'
            )
            return {**parts, "order": "as_is"}
    if task == "classification" and profiles[targets[0]].rarest >= 10:
        parts["stratify"] = True
    return parts


def _complete(data: Data, task: Task, targets: int) -> tuple[Part, Part]:
    samples = data.size("train")
    few = data.size("val") < FEW_SAMPLES
    widths = [100] if few else [64, 32] if samples < 2_000 else [128, 64]
    units = classes_of(data) if task == "classification" else targets
    layers: list[Part] = []
    for width in widths:
        layers += [{"type": "dense", "units": width}, {"type": "relu"}]
    training: Part = {
        "epochs": 200,
        "batch_size": 256 if samples >= 20_000 else 64,
        "seed": 1,
        **(CLASSIFICATION if task == "classification" else REGRESSION),
        "optimizer": {"type": "adamw", "learning_rate": 0.001, "weight_decay": 0.01},
        **STOPPING,
    }
    if few:
        training |= {"comment": FIXED_LENGTH, "epochs": 100, "checkpoint": SAVING}
        del training["early_stopping"]
    return {"layers": [*layers, {"type": "dense", "units": units}]}, training
