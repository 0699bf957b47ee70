"""The triplet loss: an anchor is nearer to a similar sample than to another one."""

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from tinynet.builtin.losses._positions import require_sample_weights
from tinynet.errors import ShapeError
from tinynet.loss import Context, LossConfig
from tinynet.targets import Bad
from tinynet.types import Array, Shape


class Triplet:
    """Triplet loss: max(d(anchor, positive) - d(anchor, negative) + margin, 0).

    A loss of three outputs, ``"anchor+positive+negative"``, each (N,
    ...), without a target. d(x, y) is the p-norm of x - y + epsilon over all elements of a sample;
    its gradient at 0 is 0.

    Source: Schroff, Kalenichenko and Philbin, "FaceNet", 2015, there with squared distances; and
    Balntas et al., "Learning Local Feature Descriptors with Triplets", 2016, for ``swap``.
    """

    family = "embeddings"
    example: ClassVar = {"margin": 1}
    per_sample = True
    output_count = 3
    takes_target = False
    examples = ({"options": {"margin": 9.0}, "out_shape": [[3], [3], [3]]},)

    class Config(LossConfig):
        """Parameters of `triplet`."""

        margin: float = Field(
            default=1.0,
            gt=0,
            description="Least difference of the distances at which there is no loss.",
        )
        p: float = Field(default=2.0, ge=1, description="Exponent of the norm.")
        epsilon: float = Field(
            default=1e-6, ge=0, description="Added to each difference before the norm is taken."
        )
        swap: bool = Field(
            default=False,
            description="Take the distance of positive and negative where that is smaller than the"
            " distance of anchor and negative.",
        )

    def __init__(self, config: Config) -> None:
        self.margin, self.p = config.margin, config.p
        self.epsilon, self.swap = config.epsilon, config.swap

    def forward(
        self,
        ctx: Context,
        outputs: tuple[Array, Array, Array],
        targets: None = None,
        weights: Array | None = None,
    ) -> tuple[float, Any]:
        self.check_shapes(tuple(output.shape[1:] for output in outputs))
        require_sample_weights("triplet", weights)
        anchor, positive, negative = (output.reshape(len(output), -1) for output in outputs)
        near, d_near = self._distance(anchor, positive)
        far, d_far = self._distance(anchor, negative)
        swapped = np.zeros(len(far), bool)
        if self.swap:
            other, d_other = self._distance(positive, negative)
            swapped = other < far
            far = np.where(swapped, other, far)
            d_far = np.where(swapped[:, None], d_other, d_far)
        losses = np.maximum(near - far + self.margin, 0)
        factors = (losses > 0).astype(near.dtype)
        if weights is not None:
            losses = losses * weights
            factors *= weights
        total = float(losses.sum(dtype=np.float64))
        if not ctx.keep:
            return total, None
        d_near *= factors[:, None]
        d_far *= factors[:, None]
        from_positive = d_far * swapped[:, None]
        gradients = d_near - (d_far - from_positive), -d_near - from_positive, d_far
        return total, tuple(gradient.reshape(outputs[0].shape) for gradient in gradients)

    def backward(self, ctx: Context, cache: Any) -> tuple[Array, Array, Array]:
        gradients: tuple[Array, Array, Array] = cache
        return gradients

    def check_shapes(self, out_shape: tuple[Shape, ...], target_shape: Shape | None = None) -> None:
        if len(set(out_shape)) != 1:
            raise ShapeError(
                "triplet needs three outputs of one shape; they have the shapes"
                f" {', '.join(map(str, out_shape))}"
            )

    def bad_target(self, out_shape: tuple[Shape, ...], targets: Array) -> Bad | None:
        return None

    def _distance(self, left: Array, right: Array) -> tuple[Array, Array]:
        """Return the distances of rows, (N,), and their gradient with respect to ``left``."""
        difference = left - right + self.epsilon
        size = np.abs(difference)
        # Divided by the largest number first, powers neither overflow nor become 0.
        largest = size.max(axis=1, keepdims=True)
        size /= np.where(largest > 0, largest, 1)
        norm = np.sum(size**self.p, axis=1, keepdims=True) ** (1 / self.p)
        size /= np.where(norm > 0, norm, 1)
        return (norm * largest)[:, 0], np.sign(difference) * size ** (self.p - 1)
