"""Outputs of a model for some samples, before they are turned into labels."""

from typing import NamedTuple

from tinynet.prediction.raw_inputs import RawInputs
from tinynet.types import Array


class Computed(NamedTuple):
    """Outputs of some samples.

    Attributes:
        raw: The origin of the samples; of their arrays, the texts alone.
        values: The outputs, (N, *out_shape) each by its name, in the units of the data.
    """

    raw: RawInputs
    values: dict[str, Array]
