"""Analytic gradients against finite differences.

Along a direction d, the slope of f(t) = <dy, forward(x + t d)> at 0 must be <gradient, d>. Slopes
are central differences at two step sizes, combined by Richardson extrapolation: the error falls
with the fourth power of the step, so float64 leaves ten correct digits. If the two disagree, there
is a kink nearby, and a smaller step is used.
"""

import math
from collections.abc import Callable

import numpy as np

from tinynet.testing.arrays import Arrays
from tinynet.testing.checks import CheckFailed, require
from tinynet.types import Array

STEPS = (1e-4, 1e-5, 1e-6)
TOLERANCE = 1e-6
SMOOTH = 1e-7
ELEMENTS = 4
SEARCHED = 256

Evaluate = Callable[[Arrays], Array]
"""The output as a function of named float64 arrays."""


def require_gradients(
    evaluate: Evaluate, point: Arrays, gradients: Arrays, dy: Array, rng: np.random.Generator
) -> None:
    """Compare the gradient of each array, along one random direction and at a few elements.

    Args:
        evaluate: The function; it must not change its arguments.
        point: The arguments of the function, in float64.
        gradients: The gradients from `backward` for ``dy``, by the names of ``point``.
        dy: Gradient of the output.
        rng: The random stream for directions and elements.

    Raises:
        CheckFailed: naming the array, the element, both numbers and the tolerance.
    """
    for name, value in point.items():
        gradient = gradients[name]
        if not np.isfinite(gradient).all():
            raise CheckFailed(f"the gradient of {name} has NaN or infinity in it")

        def along(t: float, direction: Array, name: str = name, value: Array = value) -> Array:
            return evaluate({**point, name: value + t * direction})

        elements = rng.permutation(value.size)
        for element in elements[:ELEMENTS]:
            _compare_element(along, dy, name, gradient, int(element))
        direction = rng.uniform(0.5, 1.0, value.shape) * rng.choice((-1.0, 1.0), value.shape)
        finding = _compare(along, dy, gradient, direction)
        if finding:
            for element in elements[ELEMENTS:SEARCHED]:
                _compare_element(along, dy, name, gradient, int(element))
            raise CheckFailed(f"the gradient of {name} along a random direction is {finding}")


def _compare_element(
    along: Callable[[float, Array], Array], dy: Array, name: str, gradient: Array, element: int
) -> None:
    direction = np.zeros(gradient.shape)
    direction.flat[element] = 1.0
    finding = _compare(along, dy, gradient, direction)
    index = ", ".join(str(int(i)) for i in np.unravel_index(element, gradient.shape))
    place = f"{name} at [{index}]" if index else name
    require(not finding, f"the gradient of {place} is {finding}")


def _compare(
    along: Callable[[float, Array], Array], dy: Array, gradient: Array, direction: Array
) -> str:
    """Return the fault, or an empty string."""
    analytic = float(np.vdot(gradient, direction))
    size = math.sqrt(float(np.vdot(gradient * direction, gradient * direction)))
    for step in STEPS:
        coarse, noise = _central(along, dy, direction, step)
        fine, _ = _central(along, dy, direction, step / 2)
        scale = max(abs(coarse), abs(fine), size)
        if abs(coarse - fine) <= SMOOTH * scale + noise:
            break
    else:
        return (
            f"not to be measured: forward has a kink or a jump here (slopes {coarse:.9g} and"
            f" {fine:.9g} at steps {step:.0e} and {step / 2:.0e}); hand in smoother `inputs`"
        )
    numeric = (4 * fine - coarse) / 3
    allowed = TOLERANCE * max(abs(numeric), size) + noise
    if abs(analytic - numeric) <= allowed:
        return ""
    return f"{analytic:.9g} (analytic) instead of {numeric:.9g} (numeric), tolerance {allowed:.1e}"


def _central(
    along: Callable[[float, Array], Array], dy: Array, direction: Array, step: float
) -> tuple[float, float]:
    """Return the slope by central difference, and the bound of its rounding error."""
    above, below = along(step, direction), along(-step, direction)
    slope = float(np.vdot(dy, above - below)) / (2 * step)
    size = float(np.linalg.norm(dy)) * float(np.abs(above).max(initial=0.0))
    return slope, 8 * float(np.finfo(np.float64).eps) * size / step
