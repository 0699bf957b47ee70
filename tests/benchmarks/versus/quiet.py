"""Detection of load by other processes, after which a round is repeated."""

import os
from pathlib import Path
from time import perf_counter

QUIET = 0.1
"""Cores that other processes may use; more slows down sides that wait for all threads."""

STAT = Path("/proc/stat")


class Watch:
    """The CPU time of other processes; always zero on systems other than Linux."""

    def __init__(self, pids: list[int]) -> None:
        """Start watching.

        Args:
            pids: The processes of the benchmark, besides this one.
        """
        self._pids = [os.getpid(), *pids]
        self._last = self._reading()

    def others(self) -> float:
        """Return the cores that others kept busy since the last call, including stolen time."""
        (time, total, own), self._last = self._last, self._reading()
        elapsed, busy, ours = (b - a for a, b in zip((time, total, own), self._last, strict=True))
        return max(0.0, busy - ours) / elapsed

    def _reading(self) -> tuple[float, float, float]:
        """Return (clock, seconds of all processes, seconds of ours)."""
        if not STAT.exists():
            return perf_counter(), 0.0, 0.0
        user, nice, system, _, _, _, _, steal = map(int, STAT.read_text().split()[1:9])
        tick = os.sysconf("SC_CLK_TCK")
        # The commands that this process has waited for count as its children.
        ended = os.times()
        own = sum(map(_ticks, self._pids)) / tick + ended.children_user + ended.children_system
        return perf_counter(), (user + nice + system + steal) / tick, own


def _ticks(pid: int) -> int:
    """Return the CPU time of a process with all threads; 0 if it has ended."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return int(after_name[11]) + int(after_name[12])
