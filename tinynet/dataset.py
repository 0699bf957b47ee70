"""The protocol of datasets, and every name that the author of a dataset imports."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol, TypeAlias, runtime_checkable

from pydantic import JsonValue

from tinynet.config import Config
from tinynet.errors import DataError
from tinynet.types import Array, Shape

__all__ = [
    "TEXT",
    "Array",
    "Batch",
    "CellReader",
    "ColumnValues",
    "DataError",
    "Dataset",
    "DatasetConfig",
    "Described",
    "Field",
    "FilePath",
    "Inferring",
    "InputReader",
    "InputRows",
    "LearningDataset",
    "LeavesOutRows",
    "Located",
    "LocatedArrays",
    "Ranged",
    "ReadsAhead",
    "RowReader",
    "Shape",
    "State",
    "TargetReader",
]

State: TypeAlias = dict[str, Array]
"""The arrays that a transform or a dataset learned from the training data; saved with the model."""

TEXT = "text"
"""The dtype of a field of text: its arrays hold ``str``, with NumPy's dtype ``object``.

A missing text is empty. Text exists only between a dataset and the first transform that turns it
into numbers.
"""


@dataclass(frozen=True)
class DataPath:
    """The mark of a config's field as a path, relative to the spec's folder or the data root.

    When a dataset is constructed, its paths are absolute and inside the allowed folder.
    """


FilePath: TypeAlias = Annotated[str, DataPath()]
"""The field type of a file that a dataset reads."""


class DatasetConfig(Config):
    """The base of a dataset's ``Config``."""

    reserved: ClassVar[frozenset[str]] = frozenset(
        {"type", "name", "comment", "split", "validation", "test", "transforms"}
    )


@dataclass(frozen=True)
class Field:
    """The description of one array of a dataset.

    Attributes:
        shape: Shape of one sample.
        dtype: NumPy's name of the dtype: ``"uint8"``, ``"float32"``, ``"int64"``; or `TEXT`.
        classes: Names of the classes, where a value is the index of one; else None.
        names: Names of the features, where the array is a row of them; else None.
        text_unit: The unit of text, where the values are a text: ``"character"`` for Unicode code
            points, ``"byte"`` for bytes of UTF-8; in a field of texts ``"whitespace"`` if each has
            something for each of its words, which white space separates; else None.
        indicators: True for each feature, the last axis, that is 0 or 1 by construction, such as
            one category of a column. Transforms that scale features leave these as they are. None
            if there is no such feature.
        padding: The index that fills up a sequence, the last axis, after or before its tokens; None
            if there is none.
    """

    shape: Shape
    dtype: str
    classes: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    text_unit: str | None = None
    indicators: tuple[bool, ...] | None = None
    padding: int | None = None


@dataclass(frozen=True)
class Batch:
    """Some samples, in the requested order.

    Attributes:
        inputs: The inputs of the network, by name; each (N, *shape).
        targets: The targets, by name; each (N, *shape).
        weights: Weight of each sample, (N,), or of each position of a target or an input, (N, T);
            None where the dataset has no weights. They count in the loss, in training and in
            evaluation; metrics leave out samples and positions of weight 0.
    """

    inputs: dict[str, Array]
    targets: dict[str, Array]
    weights: Array | None = None


class Dataset(Protocol):
    """Samples that can be read by index. Constructed as ``Type(config)``.

    A dataset of one input calls it ``"input"``, of one target ``"target"``.

    Attributes:
        inputs: The description of each input array, by name.
        targets: The description of each target array, by name.
        fingerprint: A text that changes whenever the samples change; a resumed run compares it.
    """

    Config: ClassVar[type[Any]]
    inputs: Mapping[str, Field]
    targets: Mapping[str, Field]
    fingerprint: str

    def __init__(self, config: Any) -> None:
        """Open the data and check them.

        Raises:
            DataError: naming file and row, for data that cannot be trained on.
        """
        ...

    def __len__(self) -> int: ...

    def gather(self, indices: Array) -> Batch:
        """Return the samples at ``indices`` (N,), before any transform."""
        ...


@runtime_checkable
class Located(Protocol):
    """The ability of a dataset to locate its samples."""

    def where(self, index: int) -> str:
        """Return the file and row (or item) of a sample, for error messages."""
        ...


@runtime_checkable
class LocatedArrays(Protocol):
    """The ability of a dataset whose arrays come from different places."""

    def where_in(self, name: str, index: int) -> str:
        """Return the place of one sample in one array: file, array and row, for error messages.

        Args:
            name: Name of the input or target.
            index: The sample.
        """
        ...


@runtime_checkable
class InputReader(Protocol):
    """The ability of a dataset's class to read unlabeled inputs, as prediction needs them.

    A file for prediction goes through the same options and checks as a file for training, so
    delimiter, columns and names of arrays are declared once, in the spec.

    Attributes:
        input_endings: Endings of the files that only this dataset should read, such as
            ``(".csv",)``: lower case, with the dot. Without a matching ending, images and NumPy
            files are read by tinynet, and every other file by `read_inputs`.
    """

    input_endings: ClassVar[tuple[str, ...]]

    @classmethod
    def read_inputs(cls, config: Any, path: str, fields: Mapping[str, Field]) -> dict[str, Array]:
        """Read the inputs of one file.

        Args:
            config: The dataset's config in the spec. Its own paths are not resolved and not read.
            path: The file with the inputs.
            fields: The raw inputs that the model was trained on, by name.

        Returns:
            An array (N, *field.shape) for each name in ``fields``.

        Raises:
            DataError: for a file that is not of this dataset's format, for values that training
                would refuse, and for inputs of another shape.
        """
        ...


@runtime_checkable
class Ranged(Protocol):
    """The ability of a dataset's class to declare the range of its images.

    Prediction warns of image files with other values: pixels of files are 0 to 255.

    Attributes:
        pixel_range: Lowest and highest value of a pixel.
    """

    pixel_range: ClassVar[tuple[float, float]]


@dataclass(frozen=True)
class InputRows:
    """Some unlabeled samples of a source.

    Attributes:
        inputs: The raw inputs by name, as `gather` returns them; each (N, *shape).
        rows: Number of each sample in its source, counted from 0, (N,); dropped rows are missing.
        places: The origin of each sample, for error messages: ``"new.csv, line 7"``.
        kept: The columns that were asked for, by name, as the source has them.
        dropped: The number of samples since the rows before that are left out, as in training.
        left_out: The number and the kept columns of each row that was dropped.
    """

    inputs: dict[str, Array]
    rows: Array
    places: Sequence[str]
    kept: Mapping[str, Sequence[Any]]
    dropped: int = 0
    left_out: Sequence[tuple[int, Mapping[str, Any]]] = ()


@runtime_checkable
class RowReader(Protocol):
    """The ability of a dataset's class to read unlabeled samples from anything like its own source.

    It takes the place of `InputReader` where a source is more than a file of inputs: a table with
    other columns, a folder, or objects in memory; and where the dataset learns.

    Attributes:
        input_endings: As of `InputReader`.
        takes_folders: True if a folder can be read.
    """

    input_endings: ClassVar[tuple[str, ...]]
    takes_folders: ClassVar[bool]

    @classmethod
    def read_rows(
        cls,
        config: Any,
        source: Any,
        fields: Mapping[str, Field],
        state: State,
        keep: Sequence[str],
    ) -> Iterator[InputRows]:
        """Yield the samples of a source, some at a time, so that a large source is never held.

        Args:
            config: The dataset's config in the spec. Its own paths are not resolved and not read.
            source: A path; or a DataFrame, a dict of columns, a list of records, of texts or of
                images, as far as the dataset reads such.
            fields: The raw inputs that the model was trained on, by name.
            state: The state of a `LearningDataset`; else empty.
            keep: Names of columns to return as they are.

        Raises:
            DataError: for a source that is not of this dataset's kind, for values that training
                would refuse, and for columns that do not exist.
        """
        ...


@runtime_checkable
class LearningDataset(Protocol):
    """The ability of a dataset to learn how to encode its samples, such as means and categories.

    Without `with_state`, it encodes as if it had learned from all samples.
    """

    def learn(self, indices: Array) -> State:
        """Return the state, learned from the samples at ``indices`` (N,) alone."""
        ...

    def with_state(self, state: State) -> Dataset:
        """Return the same samples, encoded by a state; do not change the state."""
        ...


@runtime_checkable
class Inferring(Protocol):
    """The ability of a dataset to infer what its config leaves open, such as kinds of columns.

    Its ``Config`` has the option ``inferred: dict[str, JsonValue] | None = None``. The resolved
    spec has the inferred values there, so that other data are read alike: for resuming and
    prediction, and from the separate files of validation and test.

    Attributes:
        inferred: The inferred values; those of the config's option if it has some.
    """

    inferred: Mapping[str, JsonValue]


@runtime_checkable
class Described(Protocol):
    """The ability of a dataset to describe its data in words."""

    def description(self) -> list[str]:
        """Return the lines that ``tinynet check`` prints."""
        ...


@runtime_checkable
class ColumnValues(Protocol):
    """The ability of a dataset whose samples have columns, by which a split can group or sort."""

    def column_values(self, name: str) -> Array:
        """Return the values of a column, (N,): numbers, dates, or ``str`` (dtype ``object``).

        Dates are ``datetime64``. Missing values are NaN, NaT or empty.

        Raises:
            DataError: for a column that does not exist, with a suggestion.
        """
        ...


@runtime_checkable
class CellReader(Protocol):
    """The ability of a dataset's class to read single columns as in training.

    Prediction sorts and groups rows by it as the dataset does by `ColumnValues`.
    """

    @classmethod
    def read_cells(cls, config: Any, name: str, cells: Sequence[Any]) -> Array:
        """Return cells of a column, as `InputRows` keeps them, as `column_values` would."""
        ...


@runtime_checkable
class LeavesOutRows(Protocol):
    """The ability of a dataset that may leave out rows of its source: no window crosses them.

    Attributes:
        source_rows: The number of rows of the source.
        row_numbers: Number of each sample's row, ascending, counted from 0, (N,).
    """

    source_rows: int
    row_numbers: Array

    def source_values(self, name: str) -> Array:
        """Return a column as `ColumnValues` does, of all rows of the source."""
        ...


@runtime_checkable
class TargetReader(Protocol):
    """The ability of a dataset to read targets without inputs, as checks before training need it.

    Without it, inputs are read and dropped.
    """

    def gather_targets(self, indices: Array) -> Batch:
        """Return the batch of `Dataset.gather` at ``indices`` (N,) with ``inputs`` empty."""
        ...


@runtime_checkable
class ReadsAhead(Protocol):
    """The ability of a dataset to prepare for samples that will be gathered soon.

    It serves data larger than memory that are read in blocks. Results must not depend on it.
    """

    def read_ahead(self, indices: Array) -> None:
        """Start to read the samples at ``indices`` (N,) in the background, and do not wait."""
        ...
