"""The state of watched runs as plain data."""

from dataclasses import asdict
from typing import Any

from tinynet.commands.watch.following import Watched
from tinynet.commands.watch.view import figures_of


def facts(state: Watched) -> dict[str, Any]:
    """Return the state of a run; figures are those of the last evaluation."""
    record = state.record
    if record is None:
        named = "training" if state.training else "unreadable"
        error = None if state.error is None else str(state.error)
        return {"run": state.path, "state": named, "error": error}
    best = record.best
    return {
        "run": state.path,
        "state": record.state,
        "stop_reason": record.stop_reason,
        "message": record.message or None,
        "epoch": record.epoch,
        "epochs": record.epochs,
        "step": record.step,
        "total_steps": record.total_steps,
        "seconds": round(record.seconds, 3) if record.timed else None,
        "updated": record.updated.isoformat(),
        "best_evaluation": None if best is None else asdict(best),
        "figures": figures_of(record.history[-1]) if record.history else {},
        "test": record.test,
    }
