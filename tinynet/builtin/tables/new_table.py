"""Tables that a trained network is evaluated on."""

import os
from collections.abc import Sequence

from tinynet.builtin.tables.config import TableConfig
from tinynet.builtin.tables.layout import find_features, listed
from tinynet.builtin.tables.raw_table import ChooseColumns, RawTable
from tinynet.builtin.tables.sources import read_source
from tinynet.builtin.tables.table_dataset import TableDataset


class NewTable(TableDataset):
    """A text table or Parquet files, read by the rules of the table that was trained on.

    Rows without a target are left out.

    Raises:
        DataError: for a table that lacks a column, and for cells that cannot be used.
    """

    is_new = True

    def __init__(self, config: TableConfig, path: str) -> None:
        self._path = path
        super().__init__(config)

    @property
    def left_out(self) -> int:
        """The number of rows that are left out."""
        return self._table.raw.rows - len(self)

    def _read(self, choose: ChooseColumns) -> RawTable:
        config = self._config

        def choose_from(header: Sequence[str]) -> Sequence[str]:
            if config.has_header:
                features = config.inferred.features if config.inferred else config.features
                used = [*listed(features), *listed(config.target), *listed(config.weights)]
                names = [*dict.fromkeys(name for name in used if isinstance(name, str))]
                find_features(config, os.path.basename(self._path), header, names)
            return choose(header)

        return read_source(config, self._path, choose_from)
