"""The forms in which samples can be sent to a model."""

from collections.abc import Sequence

from tinynet.commands.serve.json_inputs import dataset_class, is_table
from tinynet.dataset import TEXT, Field, InputReader, RowReader
from tinynet.files.images import ENDINGS as IMAGE_ENDINGS
from tinynet.prediction.generic_files import are_of_texts
from tinynet.prediction.images import mode_of
from tinynet.prediction.model import Model

JSON = "application/json"
FORM = "multipart/form-data"
BINARY = "application/octet-stream"

TYPES = {
    "text/csv": ".csv",
    "application/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/bmp": ".bmp",
    "image/gif": ".gif",
    "image/tiff": ".tif",
    "image/webp": ".webp",
    "text/plain": ".txt",
}
"""The ending of a file by its media type."""

COMPRESSED = (".gz", ".npz", ".parquet", ".parq", ".pq", ".zip")
"""Endings of files that may hold far more than their size; they are not accepted."""

ALIASES = {"application/csv": "text/csv"}
"""Other names of media types."""


def accepted_endings(model: Model) -> tuple[str, ...]:
    """Return the endings of the files that a model reads from a request."""
    own = [end for end in model.input_endings if not end.endswith(COMPRESSED)]
    return tuple(dict.fromkeys([*own, *_endings_of_any_model(model)]))


def accepted_types(endings: Sequence[str]) -> tuple[str, ...]:
    """Return the media types of bodies, by the endings of the files that can be read."""
    bodies = [kind for kind, end in TYPES.items() if end in endings and kind not in ALIASES]
    binary = [BINARY] if ".npy" in endings else []
    return (JSON, *bodies, *binary, *([FORM] if endings else []))


def kind_of(model: Model) -> str:
    """Return the way in which samples are given: ``table``, ``image``, ``text`` or ``arrays``."""
    if is_table(model):
        return "table"
    if len(model.inputs) > 1:
        return "arrays"
    (field,) = model.inputs.values()
    if field.dtype == TEXT:
        return "text"
    return "image" if _is_image(field) else "arrays"


def _is_image(field: Field) -> bool:
    if len(field.shape) not in (2, 3) or mode_of(field) is None or min(field.shape) == 0:
        return False
    has_words = field.names is not None or field.classes is not None or field.dtype.startswith("f")
    return not (len(field.shape) == 2 and has_words)


def _endings_of_any_model(model: Model) -> list[str]:
    """Return the endings of files that tinynet reads without the dataset: they hold one input."""
    if len(model.inputs) != 1:
        return []
    (field,) = model.inputs.values()
    if field.dtype == TEXT:
        reads_files = isinstance(dataset_class(model), RowReader | InputReader)
        by_lines = are_of_texts(model.inputs) and not reads_files
        return [".txt"] if by_lines else []
    table = [".csv"] if len(field.shape) == 1 else []
    images = IMAGE_ENDINGS if kind_of(model) == "image" else ()
    return [*table, ".npy", *images]
