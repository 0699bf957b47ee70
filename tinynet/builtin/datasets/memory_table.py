"""A dataset of a table that a Python program holds in memory."""

from collections.abc import Iterator
from typing import Any, ClassVar

from tinynet.builtin.datasets.memory import ABSENT
from tinynet.builtin.tables.config import TableConfig
from tinynet.builtin.tables.python_tables import table_from_object
from tinynet.builtin.tables.raw_table import ChooseColumns, RawTable
from tinynet.builtin.tables.sources import source_chunks
from tinynet.builtin.tables.table_dataset import TableDataset
from tinynet.errors import DataError


class MemoryTable(TableDataset):
    """A table of a Python program: ``tinynet.train(spec, data=df)`` with the target's name.

    It is a DataFrame of pandas or polars, a table of pyarrow, a dict of columns, or a list of
    records. Columns are read as those of `csv`.

    Raises:
        DataError: if there is no table, which a command cannot pass; and as `csv`.
    """

    example: ClassVar[dict[str, Any]] = {"target": "species"}

    class Config(TableConfig):
        """Parameters of `memory_table`."""

    input_endings = (".csv", ".csv.gz", ".tsv", ".tsv.gz")

    def __init__(self, config: Config, table: Any = None) -> None:
        if table is None:
            raise DataError(ABSENT.replace("memory", "memory_table"))
        self._object = table
        super().__init__(config)

    def _read(self, choose: ChooseColumns) -> RawTable:
        table = table_from_object(self._object, choose)
        if table is None:
            raise DataError(
                f"a {type(self._object).__name__} is not a table; give a DataFrame, a dict of"
                " columns, or a list of dicts"
            )
        return table

    @classmethod
    def read_chunks(cls, config: Any, source: Any, choose: ChooseColumns) -> Iterator[RawTable]:
        """Yield the columns of another table for prediction, some rows at a time."""
        return source_chunks(config, source, choose)
