"""Do the data fit the network: their shapes, their rows, and every single target."""

from collections.abc import Mapping

import numpy as np

from tinynet import registry
from tinynet.errors import Problem, ShapeError
from tinynet.network.engine import Inputs
from tinynet.network.network import Network
from tinynet.targets import Bad
from tinynet.types import Array, Shape


def require_inputs(network: Network, shapes: Mapping[str, Shape]) -> None:
    """Make sure that every input of the network is there, and of its shape.

    Args:
        network: The network.
        shapes: Shape of one sample of each input of the data.

    Raises:
        ShapeError: if one is not.
    """
    for name, shape in network.input_shapes.items():
        found = shapes.get(name.partition(":")[2] or name)
        if found is None:
            message = f"the data have no {name!r}; their inputs are {', '.join(shapes)}"
            raise ShapeError([Problem(message, "/network")])
        if found != shape:
            message = f"{name} has the shape {shape} here, and {found} in the data"
            raise ShapeError([Problem(message, "/network/input_shape")])


def require_rows(x: Inputs, y: Mapping[str, Array], weights: Array | None) -> None:
    """Make sure that all arrays of a step have a row for each sample, and that there are samples.

    Args:
        x: The inputs.
        y: What each output is compared with, by the output's name.
        weights: How much each sample counts, or None.

    Raises:
        ShapeError: if they do not.
    """
    inputs = x.values() if isinstance(x, Mapping) else (x,)
    rows = {np.shape(array)[:1] for array in (*inputs, *y.values())}
    if weights is not None:
        rows.add(np.shape(weights)[:1])
    flat = weights is None or np.ndim(weights) == 1
    if len(rows) > 1 or () in rows or (0,) in rows or not flat:
        arrays = dict(x) if isinstance(x, Mapping) else {"x": x}
        arrays |= {f"y {name}" if len(y) > 1 else "y": array for name, array in y.items()}
        arrays |= {} if weights is None else {"weights": weights}
        shapes = ", ".join(f"{name} {np.shape(array)}" for name, array in arrays.items())
        raise ShapeError(
            "a step needs a row for each sample in every array, and a single weight in each row of"
            f" weights; they are {shapes}"
        )


def target_problems(network: Network, shapes: Mapping[str, Shape]) -> list[Problem]:
    """Every loss that cannot compare its output with its target.

    Args:
        network: A network with a loss for each output.
        shapes: Shape of one sample of what each output is compared with, by the output's name.
    """
    problems = []
    for head in network.heads:
        if head.checks is not None:
            try:
                with registry.blaming(head.loss, "check_shapes", head.pointer):
                    head.checks.check_shapes(network.out_shapes[head.output], shapes[head.output])
            except ShapeError as error:
                problems.append(Problem(str(error), head.pointer))
    return problems


def first_bad_target(network: Network, targets: Mapping[str, Array]) -> Bad | None:
    """The row of the first target that a loss cannot use, and why; None if there is none.

    Args:
        network: A network with a loss for each output.
        targets: What each output is compared with, (N, *target_shape), by the output's name.
    """
    for head in network.heads:
        if head.checks is not None:
            shape = network.out_shapes[head.output]
            with registry.blaming(head.loss, "bad_target", head.pointer):
                bad = head.checks.bad_target(shape, targets[head.output])
            if bad is not None:
                of = f"of the output {head.output!r}: " if len(network.heads) > 1 else ""
                return bad[0], of + bad[1]
    return None


def made_up_predictions(network: Network, samples: int) -> dict[str, Array]:
    """Return predictions of zeros, (N, *out_shape), for each output with a loss, by its name.

    Args:
        network: A network with losses.
        samples: How many.
    """
    zeros = {
        name: np.zeros((samples, *shape), network.dtype)
        for name, shape in network.trained_shapes.items()
    }
    return network.predictions(zeros)
