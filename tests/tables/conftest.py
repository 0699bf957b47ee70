import json

import pytest

from tinynet.builtin.datasets.csv import CSV


@pytest.fixture
def open_csv(tmp_path):
    """Open a table that is given as text, or as rows below a header, by options as in a spec."""

    def open_csv(text, target="y", **options):
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        options = {"path": str(path), "target": target, **options}
        return CSV(CSV.Config.model_validate_json(json.dumps(options)))

    return open_csv
