"""The ``training.average`` part of a spec: averages of the weights during training."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from tinynet.length import Length
from tinynet.spec.parts import SpecModel


class EmaSpec(SpecModel):
    """The exponential moving average of the weights (Polyak and Juditsky, 1992)."""

    type: Literal["ema"] = Field(description="An exponential moving average.")
    decay: float = Field(
        default=0.999,
        ge=0,
        lt=1,
        description="Factor of the average at each update; the new weights have 1 - decay. The"
        " average starts as the weights after the first update.",
    )


class SwaSpec(SpecModel):
    """Stochastic weight averaging (Izmailov et al., 2018): the mean of some steps' weights."""

    type: Literal["swa"] = Field(description="Stochastic weight averaging.")
    start_step: Length = Field(
        description="The first step whose weights count, commonly at three quarters of the run;"
        " before it the weights themselves are evaluated.",
    )
    every_steps: Length = Field(
        default=1, description="Count the weights of every n-th step from start_step on."
    )


AverageSpec: TypeAlias = Annotated[EmaSpec | SwaSpec, Field(discriminator="type")]
"""An average of the weights."""

AVERAGES: dict[str, type[SpecModel]] = {"ema": EmaSpec, "swa": SwaSpec}
"""The averages by their types."""
