"""The space of a search: its ranges as distributions of Optuna, and samples as JSON values."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import JsonValue

from tinynet.errors import UsageError
from tinynet.spec.tuning_spec import ParamSpec
from tinynet.text.wording import format_list

MAX_GRID = 100_000
"""Most combinations of a grid."""


@dataclass(frozen=True)
class Space:
    """The ranges of a search by path."""

    params: Mapping[str, ParamSpec]

    @cached_property
    def _labels(self) -> dict[str, dict[str, JsonValue]]:
        """The choices of each path by the texts that Optuna stores, which holds no lists."""
        labels = {}
        for path, param in self.params.items():
            if param.choices is not None:
                texts = [v if isinstance(v, str) else json.dumps(v) for v in param.choices]
                if len(set(texts)) < len(texts):  # 16 and "16"
                    texts = [json.dumps(value) for value in param.choices]
                labels[path] = dict(zip(texts, param.choices, strict=True))
        return labels

    def suggest(self, trial: Any) -> dict[str, JsonValue]:
        """Draw the values of a trial of Optuna; those that it has already are kept."""
        return {path: self._suggest(trial, path, param) for path, param in self.params.items()}

    def _suggest(self, trial: Any, path: str, param: ParamSpec) -> JsonValue:
        if param.choices is not None:
            labels = self._labels[path]
            return labels[trial.suggest_categorical(path, list(labels))]
        assert param.low is not None
        assert param.high is not None
        if param.is_whole:
            low, high = _whole_bounds(param)
            drawn: int = trial.suggest_int(
                path, low, high, step=param.step or 1, log=param.is_logarithmic
            )
            return drawn
        value: float = trial.suggest_float(path, param.low, param.high, log=param.is_logarithmic)
        return value

    def values(self, drawn: Mapping[str, Any]) -> dict[str, JsonValue]:
        """Return the JSON values of parameters that Optuna stores; those unknown are left out."""
        return {
            path: self._labels[path].get(drawn[path]) if path in self._labels else drawn[path]
            for path in self.params
            if path in drawn
        }

    def first(self) -> dict[str, JsonValue]:
        """Return the first value of each range."""
        return {path: param.probes()[0] for path, param in self.params.items()}

    @cached_property
    def size(self) -> int | None:
        """Number of combinations; None if a range is not finite."""
        if any(param.kind in ("float", "log") for param in self.params.values()):
            return None
        return math.prod(len(self._listed(path)) for path in self.params)

    @cached_property
    def grid_size(self) -> int:
        """Number of combinations.

        Raises:
            UsageError: for a range that is not finite, or too many combinations.
        """
        endless = [path for path, param in self.params.items() if param.kind in ("float", "log")]
        if endless:
            raise UsageError(
                f"a grid needs finitely many values, but {format_list(endless)} has any number"
                " between two bounds; use choice:A,B,C or int:LOW:HIGH:STEP for it, or another"
                " --sampler"
            )
        size = math.prod(len(self._listed(path)) for path in self.params)
        if size > MAX_GRID:
            raise UsageError(
                f"the grid has {size:,} combinations, more than {MAX_GRID:,}; use --sampler tpe"
            )
        return size

    def grid_point(self, number: int) -> dict[str, Any]:
        """Return one combination as Optuna stores it; the last path varies fastest."""
        left, chosen = number % self.grid_size, dict[str, Any]()
        for path in reversed(list(self.params)):
            values = self._listed(path)
            left, place = divmod(left, len(values))
            chosen[path] = values[place]
        return chosen

    def _listed(self, path: str) -> list[Any] | range:
        if path in self._labels:
            return list(self._labels[path])
        low, high = _whole_bounds(self.params[path])
        return range(low, high + 1, self.params[path].step or 1)


def _whole_bounds(param: ParamSpec) -> tuple[int, int]:
    """Return the bounds of whole numbers, the upper one on a step, as Optuna requires."""
    assert param.low is not None
    assert param.high is not None
    low, high, step = int(param.low), int(param.high), param.step or 1
    return low, low + (high - low) // step * step
