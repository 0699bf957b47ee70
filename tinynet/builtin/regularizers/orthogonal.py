"""The penalty of rows or columns that are not orthogonal."""

from typing import Literal

import numpy as np
from pydantic import Field

from tinynet.errors import ShapeError
from tinynet.regularizer import RegularizerConfig
from tinynet.types import Array


class Orthogonal:
    """The mean absolute cosine between two vectors: factor * mean(|cos(w_i, w_j)|), i < j.

    The vectors are the rows or the columns of the parameter, whose axes but the last are taken as
    one, the rows. Their lengths do not count; a single vector has no penalty. Brock et al., "Neural
    photo editing with introspective adversarial networks", 2017; normalized as in Keras.

    Raises:
        ShapeError: when called for a parameter of fewer than two axes.
    """

    class Config(RegularizerConfig):
        """Options of `orthogonal`."""

        factor: float = Field(default=0.01, ge=0, description="Factor of the mean.")
        mode: Literal["rows", "columns"] = Field(
            default="rows", description="The vectors: 'rows', or 'columns' (one for each unit)."
        )

    def __init__(self, config: Config) -> None:
        self._factor, self._mode = config.factor, config.mode

    def value_and_gradient(self, param: Array) -> tuple[float, Array]:
        if param.ndim < 2:
            raise ShapeError(
                "orthogonal needs a parameter of at least two axes; this one has shape"
                f" {param.shape}"
            )
        matrix = param.reshape(-1, param.shape[-1])
        vectors = matrix if self._mode == "rows" else matrix.T
        count = len(vectors)
        if count < 2:
            return 0.0, np.zeros_like(param)
        lengths = np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))
        # A vector of zeros has no direction; it stays as it is.
        scales = np.divide(1, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        units = vectors * scales
        cosines = units @ units.T
        np.fill_diagonal(cosines, 0)
        factor = self._factor / (count * (count - 1))
        signs = np.sign(cosines)
        pulls = 2 * factor * (signs @ units)
        along = (pulls * units).sum(axis=1, keepdims=True)
        gradients = (pulls - along * units) * scales
        if self._mode == "columns":
            gradients = gradients.T
        penalty = factor * float(np.abs(cosines).sum(dtype=np.float64))
        return penalty, gradients.reshape(param.shape)
