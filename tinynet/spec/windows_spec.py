"""The ``data.windows`` of a spec: windows of consecutive samples, as of a time series."""

from pydantic import Field

from tinynet.spec.parts import Names, SpecModel


class WindowsSpec(SpecModel):
    """Windows of consecutive samples, with targets at their end or after it.

    A step is one sample, or ``sampling_rate`` samples.
    """

    length: int = Field(ge=1, description="Steps of a window: inputs become (length, ...).")
    horizon: int = Field(
        default=1,
        ge=0,
        description="Steps from the last of a window to its target; 0 takes the target of the last"
        " step itself, as for the class of a window.",
    )
    target_length: int | None = Field(
        default=None,
        ge=1,
        description="Number of steps in the target, the first of which is `horizon` steps after"
        " the window: targets become (target_length, ...). By default the target is one step,"
        " without an axis of its own.",
    )
    stride: int = Field(
        default=1, ge=1, description="Samples from the start of a window to that of the next."
    )
    sampling_rate: int = Field(
        default=1, ge=1, description="Samples from a step of a window to the next."
    )
    targets: Names | None = Field(
        default=None,
        min_length=1,
        description="The features or arrays to forecast, which may be inputs as well. By default"
        " all targets of the dataset.",
    )
    by: str | None = Field(
        default=None,
        min_length=1,
        description="The column that names the series of each sample: no window has samples of two"
        " series. By default that of `split.by`.",
    )

    @property
    def rows(self) -> int:
        """The samples from the first to the last of a window's inputs."""
        return (self.length - 1) * self.sampling_rate + 1

    @property
    def span(self) -> int:
        """The samples from the first of a window to the last of its target."""
        after = self.horizon + (self.target_length or 1) - 1
        return self.rows + after * self.sampling_rate
