"""The plan of a study: everything that decides its trials, saved in its folder."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, JsonValue, ValidationError

from tinynet.commands.tune.space import Space
from tinynet.config import Frozen
from tinynet.errors import CheckpointFormatError, UsageError, explaining_io
from tinynet.files.atomic import replacing
from tinynet.files.strict import READ, open_strictly
from tinynet.spec.tuning_spec import ParamSpec, Pruner, Sampler
from tinynet.text.mistakes import problems
from tinynet.text.wording import format_list, format_value

KEEP_BEST = "training.checkpoint.keep_best"
"""The path of the setting by which trials keep the best checkpoint."""

_MAX_BYTES = 2**26
"""Most bytes of a plan that are read."""


class Plan(Frozen):
    """The plan of a study.

    Attributes:
        version: Version of the file.
        name: The spec's name.
        document: The spec as it is in its file, without the section ``tuning``.
        data_root: The folder that relative data paths start in.
        reads_files: True if the spec has data paths.
        overrides: The changes of ``--set``.
        params: The ranges by path.
        trials: Number of trials.
        metric: The figure that is improved.
        greater: True if a greater figure is better.
        sampler: The name of the sampler.
        pruner: The name of the pruner.
        seed: Seed of the sampler.
        evaluations: Number of evaluations of a whole trial.
        every_steps: Steps between evaluations; None if they follow epochs.
        fingerprints: Those of the data, by the part of the spec that names each; None in plans
            of older versions.
        jobs: Number of trials at the same time.
        spec_file: The spec's file; None if it is unknown, or outside of the current folder in a
            study that is resumed.
        output: The file of ``--output``, likewise.
    """

    version: Literal[1] = 1
    name: str
    document: dict[str, JsonValue]
    data_root: str
    reads_files: bool
    overrides: dict[str, JsonValue]
    params: dict[str, ParamSpec] = Field(min_length=1)
    trials: int = Field(ge=1)
    metric: str
    greater: bool
    sampler: Sampler
    pruner: Pruner
    seed: int
    evaluations: int = Field(ge=1)
    every_steps: int | None = None
    fingerprints: dict[str, str] | None = None
    jobs: int = Field(default=1, ge=1, le=256)
    spec_file: str | None = None
    output: str | None = None

    @property
    def space(self) -> Space:
        """The space of the search."""
        return Space(self.params)

    def changes(self, values: dict[str, JsonValue]) -> dict[str, JsonValue]:
        """Return the overrides of a trial, which keeps its best checkpoint by the metric."""
        best: dict[str, JsonValue] = {KEEP_BEST: {"metric": self.metric}}
        return {**self.overrides, **best, **values}

    def evaluation_number(self, step: int, epoch: int) -> int:
        """Return the number of an evaluation, from 1, which is the same in a resumed run."""
        return epoch if self.every_steps is None else -(-step // self.every_steps)

    def best_of(self, figures: list[float]) -> float | None:
        """Return the best of some values of the metric; None without one."""
        return (max if self.greater else min)(figures, default=None)

    def require_same(self, new: "Plan") -> None:
        """Require that another plan continues this one; more trials are allowed.

        Raises:
            UsageError: naming each difference.
        """
        differences = list(self._differences(new))
        if differences:
            raise UsageError(
                "the study was started with another plan: "
                + "; ".join(differences)
                + ". Leave out SPEC and these options to continue it, or start a new study in"
                " another folder (--run)"
            )

    def _differences(self, new: "Plan") -> Iterator[str]:
        if self.document != new.document:
            yield "the spec was changed"
        if self.overrides != new.overrides:
            yield "--set differs"
        for path in self.params.keys() | new.params.keys():
            if path not in self.params:
                yield f"{path} is new (it varies {format_list(sorted(self.params))})"
            elif path not in new.params:
                yield f"{path} is missing"
            elif self.params[path] != new.params[path]:
                yield f"{path} was {describe(self.params[path])}, not {describe(new.params[path])}"
        # Moved data are allowed: their fingerprints are compared.
        for key in ("metric", "sampler", "pruner", "seed"):
            old, now = getattr(self, key), getattr(new, key)
            if old != now:
                yield f"{key.replace('_', ' ')} was {old}, not {now}"

    def write(self, path: Path) -> None:
        """Save the plan."""
        text = json.dumps(self.model_dump(mode="json", exclude_none=True), indent=2) + "\n"
        with explaining_io(path), replacing(path) as write_at:
            write_at(0, text.encode())


def read_plan(path: Path) -> Plan:
    """Load a plan.

    Raises:
        CheckpointFormatError: if it is damaged.
        CheckpointIOError: if it cannot be read.
    """
    with explaining_io(path), open(open_strictly(path, READ), "rb") as file:
        text = file.read(_MAX_BYTES + 1)
    raw: Any = None
    try:
        raw = json.loads(text)
        return Plan.model_validate(raw)
    except ValidationError as error:
        first = problems(error, raw)[0]
        raise CheckpointFormatError(f"{path} is not the plan of a study: {first}") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointFormatError(f"{path} is not the plan of a study: {error}") from error


def describe(param: ParamSpec) -> str:
    """Return a range as ``--param`` has it."""
    if param.choices is not None:
        return f"choice:{','.join(map(format_value, param.choices))}"
    bounds = f"{param.kind}:{param.low:g}:{param.high:g}"
    return bounds if param.step is None else f"{bounds}:{param.step}"
