"""Tables in Parquet files."""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import Field

from tinynet.builtin.tables.config import TableConfig
from tinynet.builtin.tables.parquet_files import read_parquet
from tinynet.builtin.tables.raw_table import ChooseColumns, RawTable
from tinynet.builtin.tables.sources import TABLE_ENDINGS, source_chunks
from tinynet.builtin.tables.table_dataset import TableDataset
from tinynet.dataset import FilePath


class Parquet(TableDataset):
    """A Parquet file, a folder of them, or a pattern: features (F,), float64, and targets.

    Columns have the types of the file: numbers, booleans, text, dictionaries, dates and times (in
    UTC), and decimals; null is missing. Everything else is as in the dataset `csv`. Needs pyarrow:
    ``pip install 'tinynet-core[parquet]'``.

    Raises:
        DataError: naming file, rows and column of all cells that cannot be used, and the settings
            that solve each problem; for a column of lists or structs, unless it is left out.
    """

    example: ClassVar = {"path": "penguins.parquet", "target": "species"}

    class Config(TableConfig):
        """Parameters of `parquet`."""

        path: FilePath = Field(
            description="The Parquet file, or a folder of them; * and ? in its name are wildcards."
        )

    input_endings = TABLE_ENDINGS

    @classmethod
    def read_table(cls, config: Any, choose: ChooseColumns) -> RawTable:
        """Return the columns of the config's files that ``choose`` picks from their header."""
        return read_parquet(config.path, choose, config)

    @classmethod
    def read_chunks(cls, config: Any, source: Any, choose: ChooseColumns) -> Iterator[RawTable]:
        """Yield the columns of another source for prediction, some rows at a time."""
        yield from source_chunks(config, source, choose)
