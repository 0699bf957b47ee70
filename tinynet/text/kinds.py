"""The kinds of plugins. The command line imports this for its help, so it imports nothing."""

KINDS = {
    "layers": "layer",
    "losses": "loss",
    "optimizers": "optimizer",
    "schedules": "schedule",
    "metrics": "metric",
    "initializers": "initializer",
    "regularizers": "regularizer",
    "constraints": "constraint",
    "parametrizations": "parametrization",
    "datasets": "dataset",
    "transforms": "transform",
    "loggers": "logger",
    "kernels": "set of kernels",
    "fleets": "fleet",
}
"""Name of one plugin of each group, for messages."""

GROUPS = tuple(KINDS)
"""The groups of plugins; the entry-point group of ``layers`` is ``tinynet.layers``, and so on."""

NOT_IN_SPECS = ("kernels", "fleets")
"""The groups whose types no spec names: they have no ``Config``."""
