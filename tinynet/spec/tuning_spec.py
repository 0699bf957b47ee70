"""The ``tuning`` part of a spec: the values that ``tinynet tune`` varies. Training ignores it."""

import json
import math
from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, JsonValue, model_validator
from pydantic_core import InitErrorDetails

from tinynet.spec.parts import SpecModel, as_tuple
from tinynet.text.mistakes import mistake, refusal
from tinynet.text.wording import format_value

MAX_CHOICES = 1000
"""Most choices of one value."""

ParamKind = Literal["float", "log", "int", "log-int", "choice"]
Sampler = Literal["tpe", "random", "grid"]
Pruner = Literal["median", "hyperband", "none"]

_WHOLE = ("int", "log-int")
_LOGARITHMIC = ("log", "log-int")


class ParamSpec(SpecModel):
    """The range of one value: two bounds, or a list of choices."""

    kind: ParamKind = Field(
        description="'float' or 'int' between two bounds, 'log' or 'log-int' on a logarithmic"
        " scale, or 'choice'."
    )
    low: float | None = Field(default=None, description="The lower bound, which is included.")
    high: float | None = Field(default=None, description="The upper bound, which is included.")
    step: int | None = Field(default=None, ge=1, description="The step of 'int'.")
    choices: Annotated[tuple[JsonValue, ...] | None, BeforeValidator(as_tuple)] = Field(
        default=None,
        min_length=1,
        max_length=MAX_CHOICES,
        description="The values of 'choice': any JSON.",
    )

    @property
    def is_whole(self) -> bool:
        """True if every value is a whole number."""
        return self.kind in _WHOLE

    @property
    def is_logarithmic(self) -> bool:
        """True if values are drawn on a logarithmic scale."""
        return self.kind in _LOGARITHMIC

    @model_validator(mode="after")
    def _is_range(self) -> Self:
        choice = self.kind == "choice"
        wrong = list(self._choice_mistakes() if choice else self._bound_mistakes())
        for key in ("low", "high", "step") if choice else ("choices",):
            value = getattr(self, key)
            if value is not None:
                wrong.append(mistake("range", f"{self.kind!r} has no {key!r}", key, value=value))
        if self.step is not None and self.kind in ("float", "log", "log-int"):
            message = f"a step is for 'int' only, not for {self.kind!r}"
            wrong.append(mistake("range", message, "step", value=self.step))
        if wrong:
            raise refusal(wrong)
        return self

    def _choice_mistakes(self) -> Iterator[InitErrorDetails]:
        if self.choices is None:
            yield mistake("range", "'choice' needs 'choices', a list of values")
            return
        if len(self.choices) == 1:
            only = format_value(self.choices[0])
            message = f"a single choice varies nothing; set the value itself to {only}"
            yield mistake("range", message, "choices", value=self.choices[0])
        seen = set()
        for index, value in enumerate(self.choices):
            text = json.dumps(value, sort_keys=True)
            if text in seen:
                message = f"the choice {format_value(value)} is given twice; keep one of the two"
                yield mistake("range", message, "choices", index, value=value)
            seen.add(text)

    def _bound_mistakes(self) -> Iterator[InitErrorDetails]:
        if self.low is None or self.high is None:
            missing = " and ".join(repr(k) for k in ("low", "high") if getattr(self, k) is None)
            yield mistake("range", f"{self.kind!r} needs {missing}")
            return
        for key, value in (("low", self.low), ("high", self.high)):
            if self.is_whole and not value.is_integer():
                message = f"a whole number is expected for {self.kind!r}, not {value:g}"
                yield mistake("range", message, key, value=value)
        if self.is_logarithmic and self.low <= 0:
            message = f"must be more than 0 for {self.kind!r}, not {self.low:g}"
            yield mistake("range", message, "low", value=self.low)
        elif self.low >= self.high:
            message = f"must be less than 'high', which is {self.high:g}, not {self.low:g}"
            yield mistake("range", message, "low", value=self.low)
        elif self.step is not None and self.low + self.step > self.high:
            message = f"must be at most {self.high - self.low:g}, the range, not {self.step}"
            yield mistake("range", message, "step", value=self.step)

    def probes(self) -> list[JsonValue]:
        """Return values that show whether a spec accepts the range: bounds and a middle, or all."""
        if self.choices is not None:
            return list(self.choices)
        assert self.low is not None
        assert self.high is not None
        if self.is_whole:
            return [int(self.low), int(self.high)]
        # The middle is no whole number, which a place for whole numbers would accept.
        middle = self.low + (self.high - self.low) / math.pi
        return [self.low, middle, self.high]


class TuningSpec(SpecModel):
    """The values that ``tinynet tune`` varies, and how. Training ignores this section."""

    params: dict[str, ParamSpec] = Field(
        default_factory=dict,
        description="The ranges by the dotted path of a value, as for --set:"
        " training.optimizer.learning_rate, vars.width.",
    )
    trials: int | None = Field(default=None, ge=1, description="Number of trials.")
    metric: str | None = Field(
        default=None,
        description="The figure to improve, such as 'val/loss'; by default that of keep_best, else"
        " of early_stopping, else val/loss.",
    )
    sampler: Sampler = Field(
        default="tpe",
        description="Choice of the values: 'tpe' learns from earlier trials, 'random' does not,"
        " 'grid' tries every combination.",
    )
    pruner: Pruner = Field(
        default="median",
        description="Rule that ends a trial early: 'median' compares with earlier trials at the"
        " same evaluation, 'hyperband' in brackets.",
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="Seed of the sampler.")
