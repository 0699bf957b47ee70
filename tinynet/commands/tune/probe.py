"""The values of ranges, tried on a spec before they are trained."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from tinynet.commands.summary import dry_network
from tinynet.commands.tune.places import require_separate
from tinynet.commands.tune.space import Space
from tinynet.data.data import Data
from tinynet.errors import LocatedError, Problem, ShapeError, SpecError
from tinynet.network.losses import targets_of
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_spec
from tinynet.text.places import join_pointer
from tinynet.text.wording import format_value, quote
from tinynet.training.checks import check_training, shape_problems


def check_section(path: str | Path, spec: Spec, overrides: Mapping[str, Any]) -> None:
    """Check the ranges of the section ``tuning``, each of whose values the spec must accept.

    Raises:
        SpecError: listing every range that is wrong, with line and column.
        UsageError: for ranges that exclude each other.
    """
    if spec.tuning is None:
        return
    # Those that options set have no range.
    params = {k: v for k, v in spec.tuning.params.items() if k not in overrides}
    if params:
        require_separate(path, params, {})
        Probe(path, overrides, spec, Space(params), frozenset()).check_values()


@dataclass(frozen=True)
class Probe:
    """Tries the values of each range, the others at their first value."""

    path: str | Path
    overrides: Mapping[str, Any]
    spec: Spec
    space: Space
    from_options: frozenset[str]  # the paths of --param

    def check_values(self) -> Spec:
        """Load the spec with every value; return that with the first values.

        Raises:
            SpecError: listing every range with a value that the spec refuses.
        """
        try:
            first = self._load({})
        except LocatedError as error:
            wrong = list(self._wrong_alone()) or [self._wrong_together(error)]
        else:
            wrong = list(self._wrong_values())
            if not wrong:
                return first
        raise self._located(SpecError(wrong))

    def _load(self, values: Mapping[str, JsonValue]) -> Spec:
        return load_spec(self.path, {**self.overrides, **self.space.first(), **values})

    def _wrong_alone(self) -> Iterator[Problem]:
        """Yield the ranges whose first value is refused without the others."""
        for path, value in self.space.first().items():
            try:
                load_spec(self.path, {**self.overrides, path: value})
            except LocatedError as error:
                yield self._problem(path, value, error)

    def _wrong_together(self, error: LocatedError) -> Problem:
        first = ", ".join(f"{k}={format_value(v)}" for k, v in self.space.first().items())
        why = "; ".join(problem.message for problem in error.problems)
        return Problem(f"the spec refuses the values {first} together: {why}")

    def _wrong_values(self) -> Iterator[Problem]:
        """Yield the values that are refused together with the first ones of the other ranges."""
        for path, param in self.space.params.items():
            for value in param.probes():
                try:
                    self._load({path: value})
                except LocatedError as error:
                    yield self._problem(path, value, error)
                    if param.choices is None:
                        break

    def check_networks(self, first: Spec, root: Path, max_params: int) -> None:
        """Build the network of every value, without memory.

        Raises:
            ShapeError: listing every value whose network does not fit.
        """
        data = None
        wrong = []
        for path, param in self.space.params.items():
            for value in param.probes():
                spec = self._load({path: value})
                if spec.network == first.network or spec.data != first.data:
                    continue
                if data is None and spec.data is not None:
                    data = Data(spec.data, root, spec.training.seed)
                try:
                    _check_network(spec, data, max_params)
                except LocatedError as error:
                    wrong.append(self._problem(path, value, error))
        if wrong:
            raise self._located(ShapeError(wrong))

    def _located(self, error: LocatedError) -> LocatedError:
        """Return the error with line and column, unless it is about options alone."""
        return self.spec.locate(error) if any(p.pointer for p in error.problems) else error

    def _problem(self, path: str, value: JsonValue, error: LocatedError) -> Problem:
        """Return the problem of a range whose value the spec refuses."""
        why = "; ".join(_sentence(problem, path) for problem in error.problems)
        shown = f"{path}={format_value(value)}"
        if path in self.from_options:
            return Problem(f"--param {shown}: {why}")
        pointer = "/tuning/params" + join_pointer([path])
        return Problem(f"{shown}: {why}", pointer)


def _check_network(spec: Spec, data: Data | None, max_params: int) -> None:
    network = dry_network(spec, data, max_params)
    if data is not None:
        names = targets_of(network.losses, data.targets, data.inputs)
        if wrong := shape_problems(spec.training, network, data, names):
            raise ShapeError(wrong)
        check_training(spec, network, data, names)


def _sentence(problem: Problem, path: str) -> str:
    message = problem.message.removesuffix(f" (override {path})")
    message = message.removeprefix(f"cannot set {quote(path)}: ")
    return str(replace(problem, message=message, pointer="", line=None, column=None))
