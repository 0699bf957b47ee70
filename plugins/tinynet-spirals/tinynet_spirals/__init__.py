"""Interleaved spirals: a dataset for tinynet that calls itself ``spirals``."""

import math
from typing import Any, Self

import numpy as np
from pydantic import Field as Option
from pydantic import model_validator

from tinynet.dataset import Array, Batch, DatasetConfig, Field

RECIPE = 1
"""Counted up whenever the same config gives other samples; part of the fingerprint."""


class Spirals:
    """Points (x, y) on spirals that wind around each other; the class is the spiral.

        x, y = t * (cos a, sin a) + noise * N(0, 1),    a = 2 pi * (t + spiral / classes)

    Each t is drawn evenly from [0.1, 1): closer to the center nothing tells the spirals apart, and
    at 1 they have made one turn. Sample i lies on spiral i % classes. Input (N, 2), float32; target
    (N,), int64. Everything follows from the config: nothing is read, and the fingerprint is the
    config itself.
    """

    examples: tuple[dict[str, Any], ...] = (
        {"options": {}},
        {"options": {"samples": 31, "classes": 5, "noise": 0.0, "seed": 7}},
    )

    class Config(DatasetConfig):
        """Parameters of `spirals`."""

        samples: int = Option(
            default=1000, ge=2, le=1_000_000, description="Number of points of all spirals."
        )
        classes: int = Option(default=3, ge=2, le=1000, description="Number of spirals.")
        noise: float = Option(
            default=0.02,
            ge=0,
            description="Standard deviation of what is added to x and y, in outer radii.",
        )
        seed: int = Option(default=0, ge=0, description="Seed of the points.")

        @model_validator(mode="after")
        def _a_sample_of_each_class(self) -> Self:
            if self.samples < self.classes:
                raise ValueError(
                    f"{self.samples} samples are too few for {self.classes} classes; set samples"
                    f" to {self.classes} at least"
                )
            return self

    def __init__(self, config: Config) -> None:
        self._config = config
        self.inputs = {"input": Field((2,), "float32", names=("x", "y"))}
        names = tuple(f"spiral_{spiral}" for spiral in range(config.classes))
        self.targets = {"target": Field((), "int64", classes=names)}
        self.fingerprint = f"spirals, recipe {RECIPE}: {config.model_dump_json()}"
        self._labels = np.arange(config.samples, dtype=np.int64) % config.classes
        self._points = self._draw(np.random.default_rng(config.seed))

    def _draw(self, rng: np.random.Generator) -> Array:
        """All points, (samples, 2)."""
        radius = rng.uniform(0.1, 1, len(self))
        angle = 2 * math.pi * (radius + self._labels / self._config.classes)
        points: Array = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        points += self._config.noise * rng.standard_normal(points.shape)
        return points.astype(np.float32)

    def __len__(self) -> int:
        return self._config.samples

    def gather(self, indices: Array) -> Batch:
        """The samples at ``indices`` (N,), in arrays of the caller's own."""
        return Batch({"input": self._points[indices]}, {"target": self._labels[indices]})

    def where(self, index: int) -> str:
        """Number and spiral of a sample: there is no file to point at."""
        return (
            f"spirals, sample {index} of seed {self._config.seed}, on spiral_{self._labels[index]}"
        )
