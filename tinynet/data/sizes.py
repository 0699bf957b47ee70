"""Sizes of the splits of a spec's data, and which of them are defaults."""

from dataclasses import dataclass

from tinynet.data.data import Data
from tinynet.data.splits import DEFAULT_PART
from tinynet.spec.data_spec import DataSpec


@dataclass(frozen=True)
class SplitSizes:
    """Samples in each split; ``default`` names those that the spec does not mention."""

    train: int
    val: int
    test: int
    default: tuple[str, ...]

    @classmethod
    def of(cls, spec: DataSpec, data: Data) -> "SplitSizes":
        """Return the sizes of the splits of a spec's data."""
        train, val, test = data.size("train"), data.size("val"), data.size("test")
        default = []
        if val and spec.split.validation is None and spec.validation is None:
            default.append("validation")
        if test and spec.split.test is None and spec.test is None:
            default.append("test")
        return cls(train, val, test, tuple(default))

    def __str__(self) -> str:
        sizes = (
            f"{self.train:,} samples for training, {self.val:,} for validation, {self.test:,} for"
            " the test"
        )
        if not self.default:
            return sizes
        parts = f"{' and '.join(self.default)}: {DEFAULT_PART:.0%} by default"
        return f"{sizes} ({parts}, set by data.split)"
