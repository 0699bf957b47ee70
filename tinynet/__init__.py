"""tinynet: neural networks for NumPy, declared in JSON, extended by plugins, resumable exactly.

Submodules are imported on first use, so that ``import tinynet`` costs nothing that is not needed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinynet.checkpoint.transfer_rules import TransferRules as TransferRules
    from tinynet.commands.report.report import make_report as make_report
    from tinynet.commands.runs.frame import runs as runs
    from tinynet.network.network import Network as Network
    from tinynet.run.evaluation import evaluate as evaluate
    from tinynet.run.models import generate as generate
    from tinynet.run.models import load as load
    from tinynet.run.models import load_model as load_model
    from tinynet.run.result import Run as Run
    from tinynet.run.training_run import resume as resume
    from tinynet.run.training_run import train as train
    from tinynet.spec.models import Spec as Spec
    from tinynet.spec.reading import load_spec as load_spec
    from tinynet.training.trainer import Trainer as Trainer

__version__ = "0.1.0"

_HOME = {
    "Network": "tinynet.network.network",
    "Run": "tinynet.run.result",
    "Spec": "tinynet.spec.models",
    "Trainer": "tinynet.training.trainer",
    "TransferRules": "tinynet.checkpoint.transfer_rules",
    "evaluate": "tinynet.run.evaluation",
    "generate": "tinynet.run.models",
    "load": "tinynet.run.models",
    "load_model": "tinynet.run.models",
    "load_spec": "tinynet.spec.reading",
    "make_report": "tinynet.commands.report.report",
    "resume": "tinynet.run.training_run",
    "runs": "tinynet.commands.runs.frame",
    "train": "tinynet.run.training_run",
}

_SUBMODULES = frozenset({"errors", "events", "layer", "registry", "testing"})

__all__ = [*_HOME, "errors", "events", "layer", "registry", "testing"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in _SUBMODULES:
        return import_module(f"tinynet.{name}")
    raise AttributeError(f"module 'tinynet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
