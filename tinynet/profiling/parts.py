"""The parts of a profile."""

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt


class Part(BaseModel):
    """A part of a profile, which can be written as JSON."""

    model_config = ConfigDict(frozen=True, strict=False, allow_inf_nan=False)


class Row(Part):
    """A row of the table. Times are seconds, means over the typical steps.

    Attributes:
        kind: ``node``, ``chain``, ``layer``, ``loss`` or ``section``. A chain is several nodes
            whose kernels are replayed in one call. The rows of its layers follow it, with times of
            the steps in which they were called one by one; they are no part of the sum.
        name: The node, the loss, or the section. Nodes that are computed together are joined:
            ``conv2d_1, relu_1``; of a chain, the first and the last: ``conv2d_1 ... dense_1``.
        type: The types of the nodes; empty for a section.
        output: Shape of one sample of the output of the last node; None for other rows.
        forward: Time of the forward pass.
        backward: Time of the backward pass.
        total: All time, both included.
        kernels: The part of it that was spent in kernels.
        bytes: Bytes of the arrays that the forward pass makes, its outputs and what it keeps for
            the backward, in all shards of a step; None for other rows.
    """

    kind: str
    name: str
    type: str = ""
    output: tuple[NonNegativeInt, ...] | None = None
    forward: float
    backward: float
    total: float
    kernels: float
    bytes: NonNegativeInt | None = None


class StepTimes(Part):
    """The durations of steps, in seconds.

    Attributes:
        count: Number of steps.
        mean: Their mean.
        median: Their median.
        quartile: Their first quartile, on which a disturbance of the machine has little effect.
        least: The shortest.
        most: The longest.
    """

    count: NonNegativeInt
    mean: NonNegativeFloat
    median: NonNegativeFloat
    quartile: NonNegativeFloat
    least: NonNegativeFloat
    most: NonNegativeFloat


class Memory(Part):
    """The memory of the first process, in bytes.

    Attributes:
        peak: The largest memory that the process has had, with Python and its packages.
        parameters: The parameters.
        optimizer: The state of the optimizer.
        workspaces: The arrays that one step after another uses again, of all threads.
    """

    peak: NonNegativeInt
    parameters: NonNegativeInt
    optimizer: NonNegativeInt
    workspaces: NonNegativeInt


class Work(Part):
    """Work of the whole run.

    Attributes:
        count: The number of times.
        seconds: The time in all.
    """

    count: NonNegativeInt = 0
    seconds: NonNegativeFloat = 0.0


class RunWork(Part):
    """The work of this process from its first step to its last.

    Attributes:
        steps: The steps, without the saves.
        evaluations: The evaluations of the validation split, without the saves.
        saves: The saves, without the part that a background thread does.
    """

    steps: Work
    evaluations: Work
    saves: Work


class ProcessTimes(Part):
    """The time of one of several processes.

    Attributes:
        host: The name of its machine.
        step: Seconds of a step.
        waiting: Seconds of a step in which it waited for the others, or exchanged data with them.
    """

    host: str
    step: NonNegativeFloat
    waiting: NonNegativeFloat
