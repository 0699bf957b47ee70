"""The profile of a run: where the time of a training step goes, and its memory."""

from pathlib import Path

from pydantic import NonNegativeFloat, NonNegativeInt, ValidationError

from tinynet.errors import CheckpointCorruptError, CheckpointIOError, explaining_io
from tinynet.files.atomic import replacing
from tinynet.files.strict import READ, open_strictly
from tinynet.profiling.parts import Memory, Part, ProcessTimes, Row, RunWork, StepTimes
from tinynet.profiling.table import table_lines

NAME = "profile.json"
TRACE_NAME = "trace.json.gz"

_MAX_FILE = 2**26
"""The most bytes of a profile that are read."""


class Profile(Part):
    """The profile of a run. With several processes, the rows are those of the first.

    Attributes:
        first: Number of the first recorded step.
        last: Number of the last recorded step.
        samples: Mean number of samples in a step.
        threads: Number of threads.
        kernels: The instructions that the kernels use.
        recorded: The durations of the recorded steps.
        typical: Those of the half of them whose durations are nearest to the median: the rows are
            means over these steps, so that a disturbance of the machine has no effect.
        layers: The durations of the steps in which layers were called one by one; None without any.
        plain: The durations of the steps between them, which were not recorded; None without any.
        rows: The rows of the table, nodes first.
        background: Seconds per step of work in threads that no step waited for, by name.
        memory: The memory.
        run: The work of the whole run.
        processes: The times of all processes; empty for a single one.
    """

    first: NonNegativeInt
    last: NonNegativeInt
    samples: NonNegativeFloat
    threads: NonNegativeInt
    kernels: str
    recorded: StepTimes
    typical: StepTimes
    layers: StepTimes | None
    plain: StepTimes | None
    rows: tuple[Row, ...]
    background: dict[str, float]
    memory: Memory
    run: RunWork
    processes: tuple[ProcessTimes, ...] = ()

    @property
    def overhead(self) -> float | None:
        """The part by which recording makes a step longer; None if it is not known."""
        if self.plain is None or not self.plain.quartile:
            return None
        return self.recorded.quartile / self.plain.quartile - 1

    def write(self, path: Path) -> None:
        """Write the profile as JSON.

        Raises:
            CheckpointIOError: if it cannot be written.
        """
        text = self.model_dump_json(indent=1)
        with explaining_io(path), replacing(path) as write_at:
            write_at(0, text.encode() + b"\n")

    def lines(self, width: int | None, *, whole: bool = False) -> list[str]:
        """Return the table as lines of text.

        Args:
            width: Columns of the terminal; None if it is none.
            whole: Show all nodes; otherwise those of a large network that take little time are
                added up.
        """
        return table_lines(self, width, whole=whole)

    def __str__(self) -> str:
        return "\n".join(self.lines(None, whole=True))


def read_profile(run: Path) -> Profile:
    """Read the profile of a run.

    Raises:
        CheckpointIOError: if there is none.
        CheckpointCorruptError: if it is damaged.
    """
    path = run / NAME
    try:
        with explaining_io(path), open(open_strictly(path, READ), "rb") as file:
            text = file.read(_MAX_FILE)
    except CheckpointIOError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            raise CheckpointIOError(
                f"{run} has no profile; add --profile to tinynet train or tinynet resume"
            ) from error
        raise
    try:
        return Profile.model_validate_json(text)
    except ValidationError as error:
        raise CheckpointCorruptError(
            f"{path} is damaged; tinynet resume {run} --profile records another"
        ) from error
