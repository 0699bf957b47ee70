"""The table that is converted, in parts of bounded size."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from tinynet.builtin.tables.csv_files import read_table_chunks
from tinynet.builtin.tables.dialect import DialectConfig
from tinynet.builtin.tables.layout import without_row_numbers
from tinynet.builtin.tables.parquet_files import is_parquet, read_parquet_chunks
from tinynet.builtin.tables.raw_table import ChooseColumns, RawTable
from tinynet.errors import DataError
from tinynet.text.wording import format_list, suggest

Progress = Callable[[float], None]
"""A function that is called with the part of the work that is done."""


@dataclass(frozen=True)
class TableSource:
    """A table to convert.

    Attributes:
        path: File, pattern or folder.
        dialect: The form of a text table.
        columns: The columns to convert, in order; None for all.
        target: The column of targets, which need not be among ``columns``.
        target_type: Its kind, as in the dataset `csv`.
    """

    path: str
    dialect: DialectConfig
    columns: tuple[str, ...] | None = None
    target: str | None = None
    target_type: str = "auto"

    def parts(self, choose: ChooseColumns, progress: Progress | None = None) -> Iterator[RawTable]:
        """Yield the rows; see `tinynet.builtin.tables.csv_files.read_table_chunks`."""
        if is_parquet(self.path):
            return read_parquet_chunks(self.path, choose, progress)
        return read_table_chunks(self.dialect, self.path, choose, progress)

    def features(self, header: Sequence[str]) -> tuple[str, ...]:
        """Return the columns without the target.

        Raises:
            DataError: for columns that the table has not.
        """
        target = self.find_target(header)
        columns = self.columns if self.columns is not None else without_row_numbers(header)
        return tuple(name for name in self._find(header, columns) if name != target)

    def find_target(self, header: Sequence[str]) -> str | None:
        """Return the name of the target column.

        Raises:
            DataError: if the table has no such column.
        """
        return None if self.target is None else self._find(header, [self.target])[0]

    def _find(self, header: Sequence[str], columns: Iterable[str]) -> list[str]:
        """Return the names of columns that are given by name or by position (-1 is the last)."""
        positions = {str(place): name for place, name in enumerate(header)}
        positions |= {str(place - len(header)): name for place, name in enumerate(header)}
        names = {**positions, **{name: name for name in header}}
        columns = list(columns)
        if missing := [name for name in columns if name not in names]:
            listed = format_list([repr(name) for name in missing])
            raise DataError(f"{self.path} has no column {listed}; {suggest(missing[0], header)}")
        return [names[name] for name in columns]
