"""The protocol of datasets, and every name that the author of a dataset imports."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Protocol, TypeAlias, runtime_checkable

from tinynet.config import Config
from tinynet.errors import DataError
from tinynet.types import Array, Shape

__all__ = [
    "Array",
    "Batch",
    "DataError",
    "Dataset",
    "DatasetConfig",
    "Field",
    "FilePath",
    "InputReader",
    "Located",
    "LocatedArrays",
    "Ranged",
    "Shape",
]


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
        dtype: NumPy's name of the dtype: ``"uint8"``, ``"float32"``, ``"int64"``.
        classes: Names of the classes, where a value is the index of one; else None.
        names: Names of the features, where the array is a row of them; else None.
        text_unit: The unit of text, where the values are a text: ``"character"`` for Unicode code
            points, ``"byte"`` for bytes of UTF-8; else None.
    """

    shape: Shape
    dtype: str
    classes: tuple[str, ...] | None = None
    names: tuple[str, ...] | None = None
    text_unit: str | None = None


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
