"""The conformance kit: checks that a plugin keeps the promises of its protocol.

For every kind of plugin there are two functions. ``layer_checks`` and its siblings return named
checks, to run one by one; with pytest:

    @pytest.mark.parametrize("check", layer_checks(MyLayer, {"units": 3}, [(5,)]), ids=str)
    def test_my_layer_keeps_its_promises(check):
        check()

``check_layer`` and its siblings run all of them, and raise one error with every finding.

``plugin_checks`` returns the checks of everything that an installed distribution registers, as
``tinynet plugins check`` does.
"""

from tinynet.testing.arguments import NotCheckableError
from tinynet.testing.checks import Check, CheckFailed
from tinynet.testing.constraints import check_constraint, constraint_checks
from tinynet.testing.datasets import check_dataset, dataset_checks
from tinynet.testing.fleets import check_fleet, fleet_checks
from tinynet.testing.initializers import check_initializer, initializer_checks
from tinynet.testing.kernels import check_kernels, kernel_checks
from tinynet.testing.layers import check_layer, layer_checks
from tinynet.testing.loggers import check_logger, logger_checks
from tinynet.testing.losses import check_loss, loss_checks
from tinynet.testing.metrics import check_metric, metric_checks
from tinynet.testing.optimizers import check_optimizer, optimizer_checks
from tinynet.testing.parametrizations import check_parametrization, parametrization_checks
from tinynet.testing.registered import plugin_checks
from tinynet.testing.regularizers import check_regularizer, regularizer_checks
from tinynet.testing.schedules import check_schedule, schedule_checks
from tinynet.testing.transforms import check_transform, transform_checks

__all__ = [
    "Check",
    "CheckFailed",
    "NotCheckableError",
    "check_constraint",
    "check_dataset",
    "check_fleet",
    "check_initializer",
    "check_kernels",
    "check_layer",
    "check_logger",
    "check_loss",
    "check_metric",
    "check_optimizer",
    "check_parametrization",
    "check_regularizer",
    "check_schedule",
    "check_transform",
    "constraint_checks",
    "dataset_checks",
    "fleet_checks",
    "initializer_checks",
    "kernel_checks",
    "layer_checks",
    "logger_checks",
    "loss_checks",
    "metric_checks",
    "optimizer_checks",
    "parametrization_checks",
    "plugin_checks",
    "regularizer_checks",
    "schedule_checks",
    "transform_checks",
]
