"""Checks of the arguments of public functions: their names, and the types of their values.

An unknown keyword is an error that suggests the right one: ignored, it would waste the training.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf
from operator import index
from pathlib import Path
from typing import Any, get_args

from tinynet.checkpoint.layouts.names import LAYOUTS
from tinynet.checkpoint.transfer_rules import TransferRules
from tinynet.data.splits import SplitName
from tinynet.errors import UsageError
from tinynet.fleet import Fleet
from tinynet.run.options import Settings
from tinynet.spec.models import Spec
from tinynet.spec.reading import overrides_fault, source_fault
from tinynet.spec.training_spec import TrainingSpec
from tinynet.text.wording import closest, format_list, suggest

_OPTIONAL = {
    "checkpoint", "data", "data_root", "fleet", "kernels", "layout", "observer", "overrides",
    "profile", "run_dir", "source", "split", "test", "threads", "validation",
}  # fmt: skip
"""The arguments that may be None."""


def check_arguments(
    function: str,
    values: Mapping[str, Any],
    others: Iterable[str] = Settings.__annotations__,
    required: str = "",
) -> None:
    """Raise `UsageError` for unknown keywords and unusable values; see `_FAULTS`.

    Args:
        function: The name of the called function, which takes ``**settings``.
        values: Its arguments by name, as `locals` returns them at its start.
        others: The keywords that it accepts besides its named arguments.
        required: An argument that must not be None here, although it may be in other functions.
    """
    named = {name: value for name, value in values.items() if name != "settings"}
    available = [*named, *others]
    values = named | values["settings"]
    problems = [
        _unknown(name, value, available, values)
        for name, value in values.items()
        if name not in available
    ]
    optional = _OPTIONAL - {required}
    problems += _faults({k: v for k, v in values.items() if v is not None or k not in optional})
    if problems:
        raise UsageError("\n  ".join(f"{function}(): {problem}" for problem in problems))


# Unknown names --------------------------------------------------------------------------------

_DISPLAYS = {"progress_bar", "progressbar", "verbose"}
_OBSERVERS = {"callback", "callbacks", "hooks", "on_epoch_end", "progress", "verbose"}
_DATA = {
    "dataset", "features", "labels", "targets", "test_data", "train_data", "val_data",
    "validation_data", "x", "x_train", "y", "y_train",
}  # fmt: skip
_SPEC_VALUES = {
    **{name: f"training.{name}" for name in TrainingSpec.model_fields},
    "dtype": "network.dtype",
    "test_split": "data.split.test",
    "validation_split": "data.split.validation",
    "learning_rate": "training.optimizer.learning_rate",
    "lr": "training.optimizer.learning_rate",
}
"""Where the spec holds values that other frameworks take as keywords."""

_OTHER_NAMES = {
    "checkpoint": "source", "init_from": "source", "pretrained": "source", "weights": "source",
    "backend": "fleet", "distributed": "fleet", "strategy": "fleet",
    "data_dir": "data_root", "root": "data_root",
    "folder": "run_dir", "log_dir": "run_dir", "output_dir": "run_dir", "save_dir": "run_dir",
    "n_jobs": "threads", "num_threads": "threads", "num_workers": "threads", "workers": "threads",
}  # fmt: skip
"""The arguments by their names in other frameworks."""


def _unknown(name: str, value: Any, available: list[str], values: Mapping[str, Any]) -> str:
    """Describe an unknown argument, and suggest how to get the same effect."""
    start = f"there is no argument {name!r}"
    trains = "overrides" in available
    similar = _OTHER_NAMES.get(name)
    if similar not in available:
        similar = closest(name, available)
    elif similar is not None:
        return f"{start}; did you mean {similar!r}?"
    if trains and name in _SPEC_VALUES:
        return f"{start}; the spec holds this value: {_override(name, value, values)}"
    if trains and name.lower() in _DATA:
        return f"{start}; pass arrays as data=(x, y), with validation=(x, y) and test=(x, y)"
    if "progress" in available and name in _DISPLAYS:
        return f"{start}; progress=True shows the progress"
    if "observer" in available and name in _OBSERVERS:
        return f"{start}; observer=f calls f(event) for every event, such as observer=print"
    if similar is not None:
        return f"{start}; did you mean {similar!r}?"
    if trains and (near := closest(name, _SPEC_VALUES)):
        return f"{start}; did you mean {_override(near, value, values)}?"
    return f"{start}; available: {format_list(available)}"


def _override(name: str, value: Any, values: Mapping[str, Any]) -> str:
    is_json = value is None or type(value) in (str, bool, int, float, list, dict)
    shown = repr(value) if is_json and len(repr(value)) <= 60 else "..."
    # Epochs and steps exclude each other.
    more = ', "training.epochs": None' if name == "steps" else ""
    overrides = f'{{"{_SPEC_VALUES[name]}": {shown}{more}}}'
    if isinstance(values.get("spec"), Spec):
        return f"tinynet.load_spec(file, overrides={overrides})"
    return f"overrides={overrides}"


# Values ---------------------------------------------------------------------------------------


def _faults(values: Mapping[str, Any]) -> Iterator[str]:
    """Describe each value that cannot be used."""
    for name, value in values.items():
        if name in _FAULTS and (fault := _FAULTS[name](value)):
            yield f"{name}={_short(value)} {fault}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"<{type(value).__name__}>"


def _path(value: Any) -> str | None:
    return None if isinstance(value, str | os.PathLike) else "must be a path, a str or a Path"


def _run_dir(value: Any) -> str | None:
    fault = _path(value)
    if fault and (hasattr(value, "__len__") or hasattr(value, "gather")):
        return f"{fault}; pass data as data=(x, y)"
    return fault


def _spec(value: Any) -> str | None:
    return None if isinstance(value, Spec) else source_fault(value)


def _folder(value: Any) -> str | None:
    return _path(value) or (None if Path(value).is_dir() else "is not an existing folder")


def _flag(value: Any) -> str | None:
    # NumPy's bool is not a bool.
    return None if type(value).__name__ in ("bool", "bool_") else "must be True or False"


def _count(value: Any) -> str | None:
    try:
        fits = index(value) >= 1 and _flag(value) is not None
    except TypeError:
        fits = False
    return None if fits else "must be an integer of at least 1"


def _profile(value: Any) -> str | None:
    if _flag(value) is None or _count(value) is None:
        return None
    return "must be True, False, or the number of steps to record"


def _rules(value: Any) -> str | None:
    if isinstance(value, TransferRules):
        return None
    return "must be tinynet.TransferRules, such as tinynet.TransferRules(allow_new=('head/*',))"


def _observer(value: Any) -> str | None:
    several = value if isinstance(value, list | tuple) else [value]
    if all(map(callable, several)):
        return None
    return "must be a function that is called with every event, or a list of such functions"


def _loggers(value: Any) -> str | None:
    if isinstance(value, list | tuple) and all(isinstance(one, str | Mapping) for one in value):
        return None
    return 'must be a list of names or objects, such as ["csv"]'


def _checkpoint(value: Any) -> str | None:
    return _path(value) and "must be 'best', 'last', or the name of a checkpoint file"


def _kernels(value: Any) -> str | None:
    return None if isinstance(value, str) else "must be a name, such as 'numpy'"


def _fleet(value: Any) -> str | None:
    parts = [name for name in vars(Fleet) if not name.startswith("_")]
    if isinstance(value, str) or all(hasattr(value, name) for name in parts):
        return None
    return "must be a name, such as 'mpi' or 'none', or an object of the protocol tinynet.fleet"


def _seconds(value: Any) -> str | None:
    number = isinstance(value, int | float) and _flag(value) is not None
    return None if number and 0 < value < inf else "must be a positive number of seconds"


def _layout(value: Any) -> str | None:
    return None if value in LAYOUTS else f"must be one of {format_list(LAYOUTS)}"


def split_fault(value: Any) -> str | None:
    """Return the reason why a value does not name a split, or None."""
    splits = (*get_args(SplitName), "validation")
    if not isinstance(value, str):
        return f"must be one of {format_list(splits)}"
    return None if value in splits else f"is not a split; {suggest(value, splits)}"


_FAULTS: dict[str, Callable[[Any], str | None]] = {
    "allow_data_change": _flag,
    "allow_reset": _flag,
    "checkpoint": _checkpoint,
    "data_root": _folder,
    "exact": _flag,
    "fleet": _fleet,
    "fleet_timeout": _seconds,
    "keep_data": _flag,
    "kernels": _kernels,
    "layout": _layout,
    "lock": _flag,
    "loggers": _loggers,
    "max_params": _count,
    "observer": _observer,
    "overrides": overrides_fault,
    "path": _path,
    "preprocessed": _flag,
    "profile": _profile,
    "progress": _flag,
    "resume": _flag,
    "rules": _rules,
    "run_dir": _run_dir,
    "source": _path,
    "spec": _spec,
    "split": split_fault,
    "strict_finite": _flag,
    "verify_data": _flag,
    "threads": _count,
}
"""The check of a value by the parameter's name: it returns the fault, or None."""
