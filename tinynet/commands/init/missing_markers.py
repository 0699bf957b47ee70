"""Cells that stand for a missing value besides the usual ones, found in columns of numbers."""

import re

import numpy as np

from tinynet.builtin.tables.cells import SourceColumn
from tinynet.builtin.tables.config import TableConfig
from tinynet.builtin.tables.dates import parse_date
from tinynet.builtin.tables.inference import infer
from tinynet.builtin.tables.opened import source_columns
from tinynet.builtin.tables.raw_table import RawTable
from tinynet.files.csv_rows import MISSING
from tinynet.text.wording import format_list

MAX_MARKERS = 5
"""Most different cells of one column that are taken for markers; more are categories."""

RARE = 0.5
"""Largest part of the cells of a column that are taken for markers."""

_NUMBER = re.compile(r"[+-]?[0-9][0-9., '_]*", re.ASCII)
"""A number, perhaps with separators that the table does not have elsewhere."""


def add_missing_markers(config: TableConfig, raw: RawTable, notes: list[str]) -> TableConfig:
    """Return the config in which the few cells that are no numbers or dates are missing values."""
    markers: dict[str, None] = {}
    for name, source in source_columns(config, raw).items():
        if found := _markers(source, infer(source, config.options(name)).kind):
            markers |= dict.fromkeys(found)
            notes.append(
                f"{format_list([*map(repr, found)])} in column {name!r} are missing values"
            )
    if not markers:
        return config
    texts = (*sorted(MISSING - {""}), "NaN", "nan", *markers)
    return config.model_copy(update={"missing_values": texts})


def _markers(source: SourceColumn, kind: str | None) -> list[str]:
    """Return the cells of a column of numbers or dates that are neither."""
    if kind not in ("number", "date") or source.dates is not None:
        return []
    if source.numbers is not None and np.isfinite(source.numbers).all():
        return []

    def is_usable(text: str) -> bool:
        if kind == "date":
            return parse_date(text) is not None
        number = source.format.parse_one(text)
        return number is not None and bool(np.isfinite(number))

    wrong = [text for text in source.present if not is_usable(text)]
    if len(wrong) == len(source.present) or any(map(_NUMBER.fullmatch, wrong)):
        return []
    count = int(source.where(set(wrong).__contains__).sum())
    return wrong if len(wrong) <= MAX_MARKERS and count <= RARE * len(source) else []
