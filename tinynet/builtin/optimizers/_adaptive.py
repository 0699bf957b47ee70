"""The options that the family of Adam has in common."""

from pydantic import Field

from tinynet.optimizer import OptimizerConfig


class AdaptiveConfig(OptimizerConfig):
    """The base of a ``Config`` with the options of Adam."""

    beta_1: float = Field(
        default=0.9, ge=0, lt=1, description="Share of the mean gradient kept at each step."
    )
    beta_2: float = Field(
        default=0.999,
        ge=0,
        lt=1,
        description="Share of the mean squared gradient kept at each step.",
    )
    epsilon: float = Field(
        default=1e-8, gt=0, description="Added to the denominator, in units of the gradient."
    )
    weight_decay: float = Field(
        default=0.0, ge=0, description="Share of the parameter added to its gradient (L2)."
    )
