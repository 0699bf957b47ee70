"""Check of classes against the protocol of their kind."""

import inspect
from typing import Any

from tinynet.config import Config
from tinynet.constraint import Constraint, ConstraintConfig
from tinynet.dataset import Dataset, DatasetConfig
from tinynet.fleet import Fleet
from tinynet.initializer import Initializer, InitializerConfig
from tinynet.kernels import Kernels
from tinynet.layer import Layer, LayerConfig
from tinynet.logger import Logger, LoggerConfig
from tinynet.loss import Loss, LossConfig
from tinynet.metric import Metric, MetricConfig
from tinynet.optimizer import Optimizer, OptimizerConfig
from tinynet.parametrization import Parametrization, ParametrizationConfig
from tinynet.regularizer import Regularizer, RegularizerConfig
from tinynet.schedule import (
    AdaptiveSchedule,
    AdaptiveScheduleConfig,
    Schedule,
    ScheduleConfig,
)
from tinynet.text.wording import quote
from tinynet.transform import Transform, TransformConfig

PROTOCOLS: dict[str, tuple[type[Any], type[Config] | None]] = {
    "layers": (Layer, LayerConfig),
    "losses": (Loss, LossConfig),
    "optimizers": (Optimizer, OptimizerConfig),
    "schedules": (Schedule, ScheduleConfig),
    "metrics": (Metric, MetricConfig),
    "initializers": (Initializer, InitializerConfig),
    "regularizers": (Regularizer, RegularizerConfig),
    "constraints": (Constraint, ConstraintConfig),
    "parametrizations": (Parametrization, ParametrizationConfig),
    "datasets": (Dataset, DatasetConfig),
    "transforms": (Transform, TransformConfig),
    "loggers": (Logger, LoggerConfig),
    "kernels": (Kernels, None),
    "fleets": (Fleet, None),
}
"""The protocol of each group, and the base of its ``Config``; kernels and fleets have none."""

SPECIAL = ("__call__", "__len__")
"""The special methods that a protocol may require."""


def required_methods(group: str) -> list[str]:
    """Return the methods that every type of a group must have."""
    protocol, _ = PROTOCOLS[group]
    return [
        name
        for name, value in vars(protocol).items()
        if inspect.isfunction(value) and (not name.startswith("_") or name in SPECIAL)
    ]


def breach(group: str, cls: type[Any]) -> str:
    """Describe what a class lacks of its protocol; empty if nothing."""
    protocol, base = PROTOCOLS[group]
    required = required_methods(group)
    if group == "schedules" and issubclass(cls.Config, AdaptiveScheduleConfig):
        protocol, required = AdaptiveSchedule, ["start", "update", "factor"]
    # Not getattr: it would find the `__call__` of every class.
    held = {
        name for parent in cls.__mro__ for name, value in vars(parent).items() if value is not None
    }
    never = _never_called(group, cls)
    missing = [quote(name) for name in required if name not in held and name not in never]
    if missing:
        return f"{cls.__name__} lacks {' and '.join(missing)} of the protocol {protocol.__name__}"
    if base is not None and not issubclass(cls.Config, base):
        return f"the Config of {cls.__name__} does not derive from {base.__name__}"
    return ""


def _never_called(group: str, cls: type[Any]) -> list[str]:
    """Return the methods that a class may lack because of what it declares."""
    if group == "layers" and not getattr(cls, "differentiable", True):
        return ["backward"]
    if group == "losses" and getattr(cls, "output_count", 1) != 1:
        return ["predict"]
    return []
