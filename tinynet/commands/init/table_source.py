"""The table of a new spec, read as the spec will have it."""

import json
from pathlib import Path

from pydantic import ValidationError

from tinynet import registry
from tinynet.builtin.tables.arrow_columns import is_readable
from tinynet.builtin.tables.config import TableConfig
from tinynet.builtin.tables.parquet_files import first_schema, is_parquet
from tinynet.builtin.tables.raw_table import RawTable
from tinynet.builtin.tables.table_files import table_files
from tinynet.commands.init.detect_dialect import detect_dialect
from tinynet.commands.init.draft import Part
from tinynet.commands.init.missing_markers import add_missing_markers
from tinynet.errors import UsageError
from tinynet.text.wording import format_list


def read_source(
    file: Path, header: bool | None, settings: Part, notes: list[str]
) -> tuple[Part, RawTable, TableConfig]:
    """Return the dataset of a table in the spec, the table, and the dataset's config.

    Args:
        file: A file, a pattern, or a folder of Parquet files.
        header: True if the first row names the columns; None to detect it.
        settings: Options of the dataset that the user gives; they precede detected ones.
        notes: Remarks are appended.

    Raises:
        DataError: for a table that cannot be read.
    """
    kind = "parquet" if is_parquet(str(file)) else "csv"
    options, nested = dict(settings), list[str]()
    if kind == "csv":
        detected = detect_dialect(table_files(str(file))[0], header)
        options = {**detected.options, **options}
        if not detected.header and header is None:
            notes.append("no header row was found; --header if there is one")
    else:
        schema = first_schema(str(file))
        nested = [name for name in schema.names if not is_readable(schema.field(name).type)]
    if shown := {n: v for n, v in options.items() if n not in (*settings, "header")}:
        described = ", ".join(f"{n} {json.dumps(v, ensure_ascii=False)}" for n, v in shown.items())
        notes.append(f"detected form of the table: {described}")
    if nested:
        notes.append(f"nested columns are not used: {format_list([*map(repr, nested)])}")
        options["columns"] = dict.fromkeys(nested, "ignore") | options.get("columns", {})
    cls = registry.default().load("datasets", kind)
    try:
        config = cls.Config.model_validate({"path": str(file), "target": -1, **options})
    except ValidationError as error:
        problems = (
            f"--set data.{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
            for problem in error.errors()
        )
        raise UsageError("; ".join(problems)) from error
    raw = cls.read_table(config, lambda names: [name for name in names if name not in nested])
    if "missing_values" not in settings:
        config = add_missing_markers(config, raw, notes)
    if config.missing_values is not None:
        options["missing_values"] = list(config.missing_values)
    return {"type": kind, "path": "", **options}, raw, config
