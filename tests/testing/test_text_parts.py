"""The kit takes datasets and transforms of text, and finds what is wrong with them."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from tinynet.dataset import TEXT, Batch, DatasetConfig, Field
from tinynet.testing import CheckFailed, check_dataset, check_transform, transform_checks
from tinynet.testing.datasets import dataset_checks
from tinynet.transform import TransformConfig
from tinynet.types import Array

SAMPLES = ["one", "two words", "", "Zwölf"]
FIELD = Field((), TEXT)


def objects(items: Any) -> Array:
    array = np.empty(len(items), object)
    array[:] = items
    return array


class Lines:
    """Four texts."""

    items: Any = SAMPLES

    class Config(DatasetConfig):
        pass

    def __init__(self, config: Any) -> None:
        self.inputs = {"input": FIELD}
        self.targets: dict[str, Field] = {}
        self.fingerprint = "four texts"
        self.texts = objects(self.items)

    def __len__(self) -> int:
        return 4

    def gather(self, indices: Array) -> Batch:
        return Batch({"input": self.texts[indices]}, {})


class Bytes(Lines):
    items = (b"one", b"two", b"three", b"four")


class NumPyText(Lines):
    def gather(self, indices: Array) -> Batch:
        return Batch({"input": np.array(SAMPLES)[indices]}, {})


class HandsOutItsOwnTexts(Lines):
    def gather(self, indices: Array) -> Batch:
        if np.array_equal(indices, np.arange(len(indices))):
            return Batch({"input": self.texts[: len(indices)]}, {})
        return super().gather(indices)


class Upper:
    """Text in capitals."""

    takes_text = True

    class Config(TransformConfig):
        pass

    def __init__(self, config: Any) -> None:
        pass

    def describe(self, field: Field) -> Field:
        return field

    def fit(self, field: Field, batches: Iterable[Array]) -> dict[str, Array]:
        return {}

    def apply(self, state: Any, batch: Array, rng: Callable[..., Any], training: bool) -> Array:
        return objects([text.upper() for text in batch])


class ChangesTheTexts(Upper):
    def apply(self, state: Any, batch: Array, rng: Callable[..., Any], training: bool) -> Array:
        batch[:] = super().apply(state, batch, rng, training)
        return batch


class JoinsTheBatch(Upper):
    def apply(self, state: Any, batch: Array, rng: Callable[..., Any], training: bool) -> Array:
        return objects([text + str(len(batch)) for text in batch])


class NumbersForTexts(Upper):
    def apply(self, state: Any, batch: Array, rng: Callable[..., Any], training: bool) -> Array:
        return objects([len(text) for text in batch])


def test_correct_ones_pass() -> None:
    check_dataset(Lines, {})
    check_transform(Upper, {}, FIELD, SAMPLES)


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (Bytes, "fields"),
        (NumPyText, "fields"),
        (HandsOutItsOwnTexts, "copies"),
        (ChangesTheTexts, "pure"),
        (JoinsTheBatch, "per_sample"),
        (NumbersForTexts, "description"),
    ],
)
def test_a_broken_one_is_found_by_the_check_that_names_its_fault(
    broken: type[Any], check: str
) -> None:
    if issubclass(broken, Lines):
        checks = dataset_checks(broken, {})
    else:
        checks = transform_checks(broken, {}, FIELD, SAMPLES)
    (candidate,) = (one for one in checks if one.name == check)
    with pytest.raises(CheckFailed, match=f"{broken.__name__}, {check}: "):
        candidate()
