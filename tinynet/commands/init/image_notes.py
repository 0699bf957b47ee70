"""Columns of a table that name image files."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from tinynet.builtin.tables.raw_table import RawTable
from tinynet.files.images import is_image

_TRIED = 20
"""Names of a column that are looked up."""


def image_notes(file: Path, path: str, raw: RawTable, targets: Sequence[str]) -> Iterator[str]:
    """Yield a remark for each column of names of image files that exist near the table."""
    for column, cells in raw.columns.items():
        if column in targets or cells.dtype.kind not in "TUO":
            continue
        names = [Path(str(cell)) for cell in cells[:_TRIED]]
        if not names or not all(map(is_image, names)) or any(n.is_absolute() for n in names):
            continue
        above = file.parent
        folders = [above, *sorted(f for f in above.iterdir() if f.is_dir())]
        for folder in folders:
            if all((folder / name).is_file() for name in names):
                inside = (Path(path).parent / folder.relative_to(above)).as_posix()
                data = {"type": "image_folder", "path": inside, "table": path, "file": column}
                setting = json.dumps({**data, "target": targets[0]}, ensure_ascii=False)
                yield f'column {column!r} names images; to learn from them: "data": {setting}'
                break
