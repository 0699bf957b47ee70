"""The source of the parameters of a new run."""

from dataclasses import dataclass
from pathlib import Path

from tinynet.checkpoint.layouts.names import Layout
from tinynet.checkpoint.transfer_rules import TransferRules
from tinynet.errors import UsageError


@dataclass(frozen=True)
class StartRequest:
    """The arguments of `tinynet.train` that name the source of a new run's parameters."""

    source: str | Path | None
    rules: TransferRules
    layout: Layout | None

    def __post_init__(self) -> None:
        """Raise `UsageError` for a layout without a source."""
        if self.layout is not None and self.source is None:
            raise UsageError(f"layout={self.layout!r} (--layout) needs a source (--from)")
