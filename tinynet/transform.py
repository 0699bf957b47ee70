"""The protocol of transforms, and every name that the author of a transform imports.

A transform changes an array between the dataset and the network.
"""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from tinynet.config import Config
from tinynet.dataset import TEXT, Field, State
from tinynet.errors import DataError
from tinynet.layer.onnx_graph import OnnxGraph
from tinynet.types import Array

__all__ = [
    "TEXT",
    "Array",
    "DataError",
    "ExportableInverse",
    "ExportableTransform",
    "Field",
    "FittedField",
    "Invertible",
    "MixesSamples",
    "MovesPixels",
    "OnnxGraph",
    "SampleError",
    "SharedState",
    "State",
    "TakesText",
    "Transform",
    "TransformConfig",
]


class TransformConfig(Config):
    """The base of a transform's ``Config``; ``on`` names the array of the dataset to change."""

    reserved: ClassVar[frozenset[str]] = frozenset({"type", "name", "comment", "on"})


class SampleError(DataError):
    """A sample that a transform cannot take.

    Attributes:
        row: Its row in the batch.
        why: The value, what is wrong with it, and what to do.
    """

    def __init__(self, row: int, why: str) -> None:
        self.row, self.why = row, why
        super().__init__(f"sample {row} of the batch: {why}")


class Transform(Protocol):
    """A change of one array of every batch. Constructed as ``Type(config)``."""

    Config: ClassVar[type[Any]]

    def describe(self, field: Field) -> Field:
        """Return the description of the transformed array.

        Raises:
            DataError: if the transform cannot take such an array.
        """
        ...

    def fit(self, field: Field, batches: Iterable[Array]) -> State:
        """Return the state, learned from the training data alone.

        Args:
            field: The description of the array before the transform, as for `describe`.
            batches: The array that the transform will change, (N, *shape) at a time.
        """
        ...

    def apply(
        self,
        state: State,
        batch: Array,
        rng: Callable[[int], np.random.Generator],
        training: bool,
    ) -> Array:
        """Return the changed array.

        Args:
            state: The state from `fit`; do not change it.
            batch: (N, *shape); do not change it.
            rng: Return the random stream of sample ``i`` of the batch. It follows from the seed,
                the epoch, the sample and the transform's position in ``data.transforms``. So the
                streams of two transforms are independent, while one transform of several arrays
                (``"on": ["image", "mask"]``) draws the same numbers for each of them.
            training: False in evaluation and prediction, where nothing is drawn.
        """
        ...


@runtime_checkable
class Invertible(Protocol):
    """The ability of a transform that can be undone: predictions return to the data's units."""

    def invert(self, state: State, batch: Array) -> Array:
        """Return the array that `apply` turned into ``batch`` (N, *shape)."""
        ...


@runtime_checkable
class ExportableTransform(Protocol):
    """The ability of a transform to be exported as operators of ONNX."""

    def to_onnx(self, graph: OnnxGraph, state: State, field: Field, x: str) -> str | None:
        """Add the operators that compute `apply` outside of training.

        A transform of text needs no such method: ONNX has no operators for it.

        Args:
            graph: The graph to which the operators are added.
            state: The state from `fit`.
            field: The description of the array before the transform.
            x: The name of the array, (N, *field.shape), in the dtype of the field.

        Returns:
            The name of the changed array. None if it cannot be computed so with this config: the
            model then takes the changed array as its input.
        """
        ...


@runtime_checkable
class ExportableInverse(Protocol):
    """The ability of an `Invertible` transform to export `invert` as operators of ONNX."""

    def inverse_to_onnx(self, graph: OnnxGraph, state: State, x: str) -> str:
        """Add the operators that compute `invert`, and return the name of the result.

        Args:
            graph: The graph to which the operators are added.
            state: The state from `fit`.
            x: The name of the array, (N, *shape).
        """
        ...


@runtime_checkable
class SharedState(Protocol):
    """The ability of a transform that learns one state from all its arrays.

    Without it, each array of ``"on": ["input", "target"]`` has a state of its own. With it, `fit`
    is called once: with the field of the first array, and with the batches of all arrays, one
    array after the other for each part of the samples. `apply` then gets the same state for every
    array.

    Attributes:
        shared_state: True.
    """

    shared_state: ClassVar[bool]


@runtime_checkable
class FittedField(Protocol):
    """The ability of a transform whose result depends on what it learned, such as its classes."""

    def fitted_field(self, field: Field, state: State) -> Field:
        """Return the description of the transformed array, once the transform is fitted.

        Args:
            field: The description of the array before the transform, as for `describe`.
            state: The state from `fit`.

        Returns:
            The field from `describe`, with everything that the state adds: classes, and also
            another shape, such as the size of a vocabulary. The dtype is the same.
        """
        ...


@runtime_checkable
class TakesText(Protocol):
    """The ability of a transform that takes arrays of text; all others are given numbers only.

    Attributes:
        takes_text: True.
    """

    takes_text: ClassVar[bool]


@runtime_checkable
class MixesSamples(Protocol):
    """The ability of a transform that mixes the samples of a batch, such as mixup.

    Its ``rng`` returns, for every sample and for every array of ``on``, a new generator of the same
    stream, which follows from the seed, the epoch, the batch's position in the epoch and the
    transform's position in ``data.transforms``. So all arrays draw the same numbers.

    Attributes:
        mixes_samples: True.
    """

    mixes_samples: ClassVar[bool]


@runtime_checkable
class MovesPixels(Protocol):
    """The ability of a transform that moves the pixels of images at random, such as a flip.

    A target with the height and width of an input, such as a mask, must be moved with it, so such
    a transform has both arrays in ``on``; everything else is refused.

    Attributes:
        moves_pixels: True.
    """

    moves_pixels: ClassVar[bool]
