"""Transforms that change nothing outside of training."""

from tinynet.dataset import Field
from tinynet.transform import OnnxGraph, State


class TrainingOnly:
    """A base of transforms whose `apply` returns the batch outside of training."""

    def to_onnx(self, graph: OnnxGraph, state: State, field: Field, x: str) -> str:
        return x
