"""RMSprop: the gradient divided by a running mean of its size."""

import numpy as np
from pydantic import Field

from tinynet.optimizer import OptimizerConfig
from tinynet.types import Array


class RMSprop:
    """Gradient descent with each element's rate divided by the size of its recent gradients.

        g = grad + weight_decay * param
        mean_square = rho * mean_square + (1 - rho) * g^2
        mean        = rho * mean + (1 - rho) * g                    if centered, else 0
        velocity    = momentum * velocity + g / (sqrt(mean_square - mean^2) + epsilon)
        param -= rate * velocity

    Tieleman and Hinton, "Lecture 6.5 - RMSProp", 2012; centered as in Graves, "Generating
    Sequences With Recurrent Neural Networks", 2013.
    """

    class Config(OptimizerConfig):
        """Parameters of `rmsprop`."""

        rho: float = Field(
            default=0.9, ge=0, lt=1, description="Share of the running means kept at each step."
        )
        momentum: float = Field(
            default=0.0, ge=0, lt=1, description="Share of the velocity kept from step to step."
        )
        epsilon: float = Field(
            default=1e-8, gt=0, description="Added to the denominator, in units of the gradient."
        )
        centered: bool = Field(
            default=False,
            description="Whether to divide by the standard deviation instead of the mean square.",
        )
        weight_decay: float = Field(
            default=0.0, ge=0, description="Share of the parameter added to its gradient (L2)."
        )

    def __init__(self, config: Config) -> None:
        self.rho = config.rho
        self.momentum = config.momentum
        self.epsilon = config.epsilon
        self.centered = config.centered
        self.weight_decay = config.weight_decay

    def slots(self, param: Array) -> dict[str, Array]:
        names = ["mean_square"]
        if self.centered:
            names.append("mean")
        if self.momentum:
            names.append("velocity")
        return {name: np.zeros_like(param) for name in names}

    def update(
        self, param: Array, grad: Array, slots: dict[str, Array], step: int, rate: float
    ) -> None:
        if self.weight_decay:
            grad = grad + self.weight_decay * param
        scratch = self._size(grad, slots)
        scratch += self.epsilon
        np.divide(grad, scratch, out=scratch)
        if self.momentum:
            velocity = slots["velocity"]
            velocity *= self.momentum
            velocity += scratch
            np.multiply(velocity, rate, out=scratch)
        else:
            scratch *= rate
        param -= scratch

    def _size(self, grad: Array, slots: dict[str, Array]) -> Array:
        """Count ``grad`` into the running means; how large it is by their account, a new array."""
        mean_square = slots["mean_square"]
        size = np.square(grad, out=np.empty_like(grad))
        size -= mean_square
        size *= 1 - self.rho
        mean_square += size
        if not self.centered:
            return np.sqrt(mean_square, out=size)
        mean = slots["mean"]
        np.subtract(grad, mean, out=size)
        size *= 1 - self.rho
        mean += size
        np.square(mean, out=size)
        np.subtract(mean_square, size, out=size)
        # Rounding may leave a variance of 0 a little below it.
        np.maximum(size, 0, out=size)
        return np.sqrt(size, out=size)
