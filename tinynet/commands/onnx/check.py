"""Comparison of an exported model, run by onnxruntime, with the network itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinynet.commands.onnx.outputs import expected_outputs
from tinynet.commands.onnx.preprocessing import ModelInput, preprocess
from tinynet.errors import UsageError
from tinynet.prediction.model import Model
from tinynet.types import Array

TOLERANCE = 1e-4
"""The largest relative difference of an output."""

NOT_INSTALLED = (
    "the model was not compared with the network: onnxruntime is not installed: pip install"
    " 'tinynet-core[onnx]'"
)


class DifferentModelError(UsageError):
    """The exported model computes something else than the network."""


@dataclass(frozen=True)
class Comparison:
    """The result of the check.

    Attributes:
        samples: The number of samples that were compared.
        source: Their origin, for people.
        differences: The largest difference of each output of numbers, relative to the largest
            absolute value of that output.
    """

    samples: int
    source: str
    differences: dict[str, float]

    @property
    def largest(self) -> float:
        """The largest relative difference of all outputs."""
        return max(self.differences.values(), default=0.0)


def open_session(serialized: bytes) -> Callable[[Mapping[str, Array]], dict[str, Array]] | None:
    """Return a function that runs the model; None if onnxruntime is not installed."""
    try:
        import onnxruntime
    except ModuleNotFoundError:
        return None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    try:
        session: Any = onnxruntime.InferenceSession(
            serialized, options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        reason = " ".join(str(error).split())
        raise DifferentModelError(f"onnxruntime cannot load the model: {reason}") from error
    names = [output.name for output in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(names, dict(inputs)), strict=True))


def compare(
    model: Model,
    inputs: Sequence[ModelInput],
    arrays: Mapping[str, Array],
    source: str,
    run: Callable[[Mapping[str, Array]], dict[str, Array]],
) -> Comparison:
    """Compare the outputs of the exported model with those of the network.

    Args:
        model: The model.
        inputs: The inputs of the exported model.
        arrays: Samples of these inputs, (N, *shape) each, by name.
        source: The origin of the samples.
        run: Runs the exported model.

    Raises:
        DifferentModelError: for an output that differs by more than `TOLERANCE`.
    """
    expected = expected_outputs(model, preprocess(model.preprocessing, inputs, arrays))
    found = run(arrays)
    # A model that depends on the number of samples would differ here.
    first = run({name: array[:1] for name, array in arrays.items()})
    differences: dict[str, float] = {}
    problems: list[str] = []
    for name, array in expected.items():
        parts = [(found[name], array), (first[name], array[:1])]
        if any(part.shape != other.shape for part, other in parts):
            problems.append(f"{name} has the shape {found[name].shape}, not {array.shape}")
        elif array.dtype.kind in "fiu":
            differences[name] = max(_difference(*pair, np.abs(array)) for pair in parts)
            if not differences[name] <= TOLERANCE:
                problems.append(f"{name} differs by {differences[name]:.2g}")
        elif wrong := _different_labels(name, found, expected):
            problems.append(f"{wrong:,} of {array.size:,} labels of {name} differ")
    if problems:
        raise DifferentModelError(
            f"the exported model differs from the network for {len(array):,} {source}:"
            f" {'; '.join(problems)} (at most {TOLERANCE:g}, relative to the largest value, is"
            " allowed); to write it all the same, add --no-check"
        )
    return Comparison(len(array), source, differences)


def _difference(found: Array, expected: Array, sizes: Array) -> float:
    """Return the largest difference, relative to the largest of some absolute values."""
    if not found.size:
        return 0.0
    largest = float(np.abs(found.astype(np.float64) - expected).max())
    return largest / (float(sizes.max()) or 1.0)


def _different_labels(name: str, found: Mapping[str, Array], expected: Mapping[str, Array]) -> int:
    """Return the number of labels that differ, but not for scores that are as good as equal."""
    wrong = found[name] != expected[name]
    for part in ("probabilities", "outputs"):
        scores = expected.get(f"{name.removesuffix('labels')}{part}")
        if scores is not None and scores.shape[:-1] == wrong.shape and scores.shape[-1] > 1:
            second, best = np.moveaxis(np.sort(scores, axis=-1)[..., -2:], -1, 0)
            wrong &= best - second > TOLERANCE * np.abs(scores).max()
    return int(wrong.sum())
