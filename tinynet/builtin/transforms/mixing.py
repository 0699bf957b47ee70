"""Stages that mix the samples of a batch."""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np
from pydantic import Field as ConfigField

from tinynet.builtin.transforms._images import PIXELS, column, stored, working
from tinynet.builtin.transforms._numbers import RNGs
from tinynet.builtin.transforms._training_only import TrainingOnly
from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.transform import State, TransformConfig
from tinynet.types import Array


class Mixup(TrainingOnly):
    """Each sample mixed with another of its batch, in training only: y = w x[i] + (1 - w) x[j].

    (N, ...) -> (N, ...). Inputs and targets are mixed alike, so list both in ``on``; the weights w
    have the distribution Beta(alpha, alpha) and are independent (Zhang et al., "mixup: Beyond
    Empirical Risk Minimization", 2018).
    """

    family = "augmentation"
    example: ClassVar = {"on": ["input", "target"], "alpha": 0.2}
    mixes_samples: ClassVar = True

    class Config(TransformConfig):
        """Parameters of `mixup`."""

        alpha: float = ConfigField(
            default=0.2,
            gt=0,
            le=1000,
            description="Parameter of the distribution of the weights; 0.2 mostly changes samples"
            " little, 1 makes all weights equally likely.",
        )

    def __init__(self, config: Config) -> None:
        self._alpha = config.alpha

    def describe(self, field: Field) -> Field:
        _require_no_classes("mixup", field)
        if np.dtype(field.dtype).kind != "f" and not _holds_images(field):
            raise _not_floats("mixup", field)
        return field

    def fit(self, field: Field, batches: Iterable[Array]) -> State:
        return {}

    def apply(self, state: State, batch: Array, rng: RNGs, training: bool) -> Array:
        if not training:
            return batch
        draws = rng(0)
        partners = draws.permutation(len(batch))
        return _mixed(batch, partners, draws.beta(self._alpha, self._alpha, len(batch)))


class CutMix(TrainingOnly):
    """A rectangle of each image replaced by that of another image of the batch, in training only.

    (N, H, W, C) -> (N, H, W, C) for images and for masks of their size; other targets are mixed in
    proportion to the areas. List the image first, and then the targets, in ``on``. The share that
    an image keeps has the distribution Beta(alpha, alpha), before the rectangle is cut at the
    borders (Yun et al., "CutMix: Regularization Strategy to Train Strong Classifiers with
    Localizable Features", 2019).

    State: ``image_size``, (2,), int64: height and width.
    """

    family = "augmentation"
    example: ClassVar = {"on": ["input", "target"], "alpha": 1.0}
    examples: ClassVar = (
        {"field": Field((4, 3, 1), "uint8"), "samples": np.arange(96).reshape(8, 4, 3, 1)},
    )
    mixes_samples: ClassVar = True
    shared_state: ClassVar = True

    class Config(TransformConfig):
        """Parameters of `cutmix`."""

        alpha: float = ConfigField(
            default=1.0,
            gt=0,
            le=1000,
            description="Parameter of the distribution of the shares; 1 makes all equally likely.",
        )

    def __init__(self, config: Config) -> None:
        self._alpha = config.alpha

    def describe(self, field: Field) -> Field:
        if len(field.shape) < 2:
            _require_no_classes("cutmix", field)
            if np.dtype(field.dtype).kind != "f":
                raise _not_floats("cutmix", field)
        return field

    def fit(self, field: Field, batches: Iterable[Array]) -> State:
        if len(field.shape) not in (2, 3):
            raise DataError(
                'cutmix needs the images first in "on", but the samples of this array have the'
                f' shape {field.shape}; write "on": ["input", "target"]'
            )
        return {"image_size": np.array(field.shape[:2], np.int64)}

    def apply(self, state: State, batch: Array, rng: RNGs, training: bool) -> Array:
        if not training:
            return batch
        size = state["image_size"]
        draws = rng(0)
        partners = draws.permutation(len(batch))
        kept = draws.beta(self._alpha, self._alpha, len(batch))
        centers = draws.random((len(batch), 2)) * size
        half = np.sqrt(1 - kept).reshape(-1, 1) * size / 2
        first = np.rint(centers - half).clip(0, size).astype(np.intp)
        end = np.rint(centers + half).clip(0, size).astype(np.intp)
        if batch.shape[1:3] != tuple(size):
            _require_floats(batch)
            return _mixed(batch, partners, 1 - np.prod(end - first, axis=1) / np.prod(size))
        y = batch.copy()
        for i, ((top, left), (bottom, right)) in enumerate(zip(first, end, strict=True)):
            y[i, top:bottom, left:right] = batch[partners[i], top:bottom, left:right]
        return y


def _mixed(batch: Array, partners: Array, weights: Array) -> Array:
    """Return w x[i] + (1 - w) x[partners[i]] for each sample i and its weight w, (N,)."""
    x = working(batch)
    own = column(weights, x.ndim).astype(x.dtype)
    y = x * own
    y += x[partners] * (1 - own)
    return stored(y, batch.dtype)


def _holds_images(field: Field) -> bool:
    return field.dtype in PIXELS and len(field.shape) > 1


def _require_no_classes(name: str, field: Field) -> None:
    if field.classes is not None:
        raise DataError(
            f"{name} mixes numbers, but this array holds the indices of {len(field.classes)}"
            ' classes; add {"type": "one_hot", "on": "target"} before it'
        )


def _not_floats(name: str, field: Field) -> DataError:
    return DataError(
        f"{name} mixes floats or images, but this array holds {field.dtype}; for classes, add"
        ' {"type": "one_hot", "on": "target"} before it, for quantities {"type": "scale", "on":'
        ' "target"}'
    )


def _require_floats(batch: Array) -> None:
    if batch.dtype.kind != "f":
        raise DataError(
            f"cutmix cannot mix {batch.dtype} of shape {batch.shape[1:]}, which is not the size of"
            ' the images; for classes, add {"type": "one_hot", "on": "target"} before it'
        )
