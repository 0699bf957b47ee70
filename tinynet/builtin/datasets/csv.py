"""Tables in text files."""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from tinynet.builtin.tables.config import TableConfig
from tinynet.builtin.tables.csv_files import read_table
from tinynet.builtin.tables.dialect import DialectConfig
from tinynet.builtin.tables.layout import listed
from tinynet.builtin.tables.raw_table import ChooseColumns, RawTable
from tinynet.builtin.tables.sources import TABLE_ENDINGS, source_chunks
from tinynet.builtin.tables.table_dataset import TableDataset
from tinynet.dataset import FilePath
from tinynet.files.csv_faults import DELIMITERS, delimiter_options


class CSV(TableDataset):
    """A CSV file (RFC 4180), or several by a pattern: features (F,), float64, and targets.

    Columns are numbers, categories (one feature for each), dates (a feature for each part), or
    text (an input of its own); by default their kinds are inferred from all cells. Missing cells
    (an empty cell, ``NA``, ``NaN``, ``null``, ``None``, ``?``, ``-`` and the like) are no category,
    and an error in a column of numbers unless ``columns`` has a strategy for them.

    A target column of text holds classes; their order is that of the sorted labels (integers by
    value), unless ``classes`` gives one. A target column of numbers, integers included, holds
    quantities, unless ``target_type`` is ``"class"``: the text ``3`` can mean both.

    Raises:
        DataError: naming file, lines and column of all cells that cannot be used, and the settings
            that solve each problem.
    """

    example: ClassVar = {"path": "penguins.csv", "target": "species"}

    class Config(TableConfig, DialectConfig):
        """Parameters of `csv`."""

        path: FilePath = Field(
            description="The CSV file; * and ? in its name are wildcards for several files."
        )

        @model_validator(mode="after")
        def _names_need_a_header(self) -> Self:
            used = (self.target, self.features, self.weights)
            if not self.header and any(isinstance(c, str) for e in used for c in listed(e)):
                raise PydanticCustomError(
                    "header", "without a header columns have positions (0, 1, ...), not names"
                )
            return self

        def header_hint(self, names: Sequence[str], *, trained: bool = False) -> str:
            """Suggest another delimiter if the only column seems to hold several."""
            for other in DELIMITERS if len(names) == 1 else "":
                if other != self.delimiter and other in names[0]:
                    if trained:
                        return (
                            f"; separate the cells by {self.delimiter!r}, as in the file that was"
                            " trained on"
                        )
                    return f"; its first row is {names[0]!r}: set {delimiter_options(other, '')}"
            return ""

    input_endings = TABLE_ENDINGS

    @classmethod
    def read_table(cls, config: Any, choose: ChooseColumns) -> RawTable:
        """Return the columns of the config's file that ``choose`` picks from its header."""
        return read_table(config, config.path, choose)

    @classmethod
    def read_chunks(cls, config: Any, source: Any, choose: ChooseColumns) -> Iterator[RawTable]:
        """Yield the columns of another source for prediction, some rows at a time."""
        yield from source_chunks(config, source, choose)
