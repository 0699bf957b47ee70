"""tinynet: neural networks for NumPy, declared in JSON, extended by plugins, resumable exactly.

Submodules are imported on first use, so that ``import tinynet`` costs nothing that is not needed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tinynet.network import Network as Network
    from tinynet.run import Run as Run
    from tinynet.run import evaluate as evaluate
    from tinynet.run import load as load
    from tinynet.run import resume as resume
    from tinynet.run import train as train
    from tinynet.spec import Spec as Spec
    from tinynet.spec_file import load_spec as load_spec
    from tinynet.training import Trainer as Trainer
    from tinynet.transfer import TransferRules as TransferRules

__version__ = "0.1.0"

_HOME = {
    "Network": "tinynet.network",
    "Run": "tinynet.run",
    "Spec": "tinynet.spec",
    "Trainer": "tinynet.training",
    "TransferRules": "tinynet.transfer",
    "evaluate": "tinynet.run",
    "load": "tinynet.run",
    "load_spec": "tinynet.spec_file",
    "resume": "tinynet.run",
    "train": "tinynet.run",
}

_SUBMODULES = frozenset({"errors", "layer", "registry", "testing"})

__all__ = [*_HOME, "errors", "layer", "registry", "testing"]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    if name in _SUBMODULES:
        return import_module(f"tinynet.{name}")
    raise AttributeError(f"module 'tinynet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
