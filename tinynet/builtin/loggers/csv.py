"""A table of the figures of a run."""

import csv
import io
import math
import re
import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from pydantic import Field, field_validator

from tinynet.errors import explaining_io
from tinynet.files.atomic import replacing
from tinynet.files.strict import APPEND, READ, open_strictly
from tinynet.logger import LoggedRecord, LoggedRun, LoggerConfig, RunState

_FIXED = ("step", "epoch", "time")
"""The columns before the figures."""


class CSV:
    """A CSV table in the run folder with a row for each evaluation and each logged step.

    The columns are ``step``, ``epoch``, ``time`` (UTC) and a column for each figure; a figure that
    a row does not have is empty. A resumed run has every step once. Figures of the test split are
    rows, too, at the step of the checkpoint.
    """

    family = "files"

    class Config(LoggerConfig):
        """Options of `csv`."""

        file: str = Field(
            default="metrics.csv", description="Name of the file in the run folder; ends in .csv."
        )

        @field_validator("file")
        @classmethod
        def _is_a_name(cls, value: str) -> str:
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.csv", value):
                raise ValueError(
                    "a name of ASCII letters, digits, '.', '_' and '-' that ends in .csv is"
                    " expected, without folders"
                )
            return value

    def __init__(self, config: Config) -> None:
        self._name = config.file

    def start(self, run: LoggedRun) -> None:
        self._path = run.folder / self._name
        # Those of a test follow the others of its step.
        records = sorted((*run.history, *run.tests), key=lambda record: record.step)
        names = dict.fromkeys(name for record in records for name in record.figures)
        self._columns = [*_FIXED, *names]
        self._replace(map(_row, records))

    def log(self, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        new = [name for name in figures if name not in self._columns]
        if new:
            rows = self._rows()
            self._columns += new
            self._replace(rows)
        row = _row(LoggedRecord(step, epoch, figures, time.time()))
        with explaining_io(self._path), open(open_strictly(self._path, APPEND), "ab") as file:
            file.write(self._text([row]))

    def log_test(self, run: LoggedRun, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        self._path = run.folder / self._name
        self._columns = self._head()
        if not self._columns:
            self.start(run)
        self.log(step, epoch, figures)

    def finish(self, state: RunState, figures: Mapping[str, float]) -> None:
        pass

    def _head(self) -> list[str]:
        """Return the columns of the table; none without a table."""
        try:
            descriptor = open_strictly(self._path, READ)
        except FileNotFoundError:
            return []
        with explaining_io(self._path), open(descriptor, encoding="utf-8", newline="") as file:
            return next(csv.reader(file), [])

    def _rows(self) -> list[dict[str, str]]:
        with (
            explaining_io(self._path),
            open(open_strictly(self._path, READ), encoding="utf-8", newline="") as file,
        ):
            return list(csv.DictReader(file))

    def _replace(self, rows: Iterable[Mapping[str, object]]) -> None:
        with explaining_io(self._path), replacing(self._path) as write_at:
            write_at(0, self._text([dict(zip(self._columns, self._columns, strict=True)), *rows]))

    def _text(self, rows: Iterable[Mapping[str, object]]) -> bytes:
        text = io.StringIO(newline="")
        csv.DictWriter(text, self._columns, lineterminator="\n").writerows(rows)
        return text.getvalue().encode()


def _row(record: LoggedRecord) -> dict[str, object]:
    now = datetime.fromtimestamp(record.time, UTC).isoformat(timespec="seconds")
    values = {n: v if math.isfinite(v) else math.nan for n, v in record.figures.items()}
    return {"step": record.step, "epoch": record.epoch, "time": now, **values}
