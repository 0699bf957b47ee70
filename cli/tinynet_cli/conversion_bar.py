"""The progress of a conversion on a terminal."""

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress


class ConversionBar:
    """One line at the bottom of the terminal; nothing elsewhere."""

    def __init__(self, *, quiet: bool) -> None:
        console = Console(stderr=True)
        shown = console.is_terminal and not quiet
        self._progress = Progress(console=console, transient=True, disable=not shown)
        self._task = self._progress.add_task("converting", total=1.0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, done: float) -> None:
        """Update the bar."""
        self._progress.update(self._task, completed=done)
