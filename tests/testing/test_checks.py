"""A finding says who, what, where and by how much, and says it once."""

import subprocess
import sys
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from tinynet import registry
from tinynet.errors import UsageError
from tinynet.testing import layer_checks, loss_checks, optimizer_checks
from tinynet.testing.arrays import Arrays, spread
from tinynet.testing.checks import Check, CheckFailed, run_all
from tinynet.testing.gradients import require_gradients
from tinynet.testing.state import no_global_randomness, require_unchanged, snapshot
from tinynet.types import Array

RNG = np.random.default_rng


def fail() -> None:
    raise CheckFailed("it is broken")


def stumble() -> None:
    raise KeyError("weight")


STUMBLED = f"raised KeyError: 'weight' ({__file__}:{stumble.__code__.co_firstlineno + 1})"


def test_a_finding_names_the_plugin_and_the_check() -> None:
    with pytest.raises(CheckFailed, match=r"^Dense, shapes: it is broken$"):
        Check("Dense", "shapes", fail)()


def test_an_exception_of_the_plugin_is_a_finding_that_keeps_its_cause() -> None:
    with pytest.raises(CheckFailed) as info:
        Check("Dense", "shapes", stumble)()
    assert str(info.value) == f"Dense, shapes: {STUMBLED}"
    assert isinstance(info.value.__cause__, KeyError)


def test_a_plugin_that_exits_is_a_finding_and_not_the_end_of_the_check() -> None:
    """Else `tinynet plugins check` would end with exit code 0, as if every promise were kept."""
    finding = Check("Dense", "shapes", lambda: sys.exit(0)).finding()
    assert str(finding).startswith("raised SystemExit: 0")


def test_a_check_is_named_so_that_pytest_can_select_it() -> None:
    assert str(Check("Dense", "shapes", fail)) == "Dense-shapes"


def test_a_check_says_what_it_finds_without_saying_again_what_it_is() -> None:
    assert Check("Dense", "shapes", fail).finding() == "it is broken"
    assert Check("Dense", "shapes", stumble).finding() == STUMBLED
    assert Check("Dense", "config", lambda: None).finding() is None


def test_all_findings_are_told_and_each_only_once() -> None:
    checks = [
        Check("Dense", "shapes", fail),
        Check("Dense", "purity", stumble),
        Check("Dense", "dtypes", fail),
        Check("Dense", "config", lambda: None),
    ]
    with pytest.raises(CheckFailed) as info:
        run_all(checks)
    assert str(info.value).splitlines() == [
        "Dense, shapes (and 1 other checks): it is broken",
        f"Dense, purity: {STUMBLED}",
    ]


def test_inputs_have_no_ties_and_no_zeros_that_a_kink_could_sit_on() -> None:
    for count in range(1, 40):
        a, b = spread(RNG(count), [(count, 3), (count,)], "float64")
        together = np.sort(np.concatenate([a.ravel(), b.ravel(), [0.0]]))
        assert np.diff(together).min() > 1 / (8 * count)


def gradients_of(function: np.ufunc, slope: Array, x: Array) -> None:
    def evaluate(values: Arrays) -> Array:
        y: Array = function(values["x"])
        return y

    require_gradients(evaluate, {"x": x}, {"x": slope}, np.ones(x.shape), RNG(0))


def test_a_right_gradient_passes_next_to_a_kink() -> None:
    x = np.array([-1.0, 3e-6, 2.0])
    gradients_of(np.abs, np.sign(x), x)


def test_a_gradient_wrong_by_a_hundred_thousandth_is_found() -> None:
    x = np.linspace(0.1, 2.0, 40)
    with pytest.raises(CheckFailed, match=r"x at \[\d+\] is .* \(analytic\) instead of"):
        gradients_of(np.sin, np.cos(x) * (1 + 1e-5), x)


def test_one_wrong_element_among_many_is_found_and_located() -> None:
    x = np.linspace(0.1, 2.0, 100)
    slope = np.cos(x)
    slope[77] += 0.01
    with pytest.raises(CheckFailed, match=r"the gradient of x at \[77\] is"):
        gradients_of(np.sin, slope, x)


def test_a_function_that_jumps_is_called_so_instead_of_wrong() -> None:
    with pytest.raises(CheckFailed, match="forward has a kink or a jump here"):
        gradients_of(np.floor, np.zeros(2), np.array([1.0, 2.0]))


def test_a_gradient_that_is_not_finite_is_found() -> None:
    with pytest.raises(CheckFailed, match="the gradient of x has NaN or infinity in it"):
        gradients_of(np.sin, np.array([np.nan]), np.array([1.0]))


class Thing:
    def __init__(self) -> None:
        self.parts = {"weight": np.zeros(3), "list": [1, (2, None)]}
        self.itself = self
        self.rng = RNG(0)


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda thing: thing.parts["weight"].fill(1), r"changed thing\.parts\['weight'\]"),
        (lambda thing: thing.parts["list"].append(3), r"changed thing\.parts\['list'\]"),
        (lambda thing: thing.parts.update(weight=np.zeros(3, "f4")), r"changed thing\.parts\['w"),
        (lambda thing: vars(thing).update(extra=1), r"set thing\.extra"),
        (lambda thing: vars(thing).pop("itself"), r"removed thing\.itself"),
        (lambda thing: thing.rng.random(), r"changed thing\.rng"),
    ],
)
def test_a_change_of_an_object_is_seen_wherever_it_is(
    change: Callable[[Thing], None], finding: str
) -> None:
    thing = Thing()
    before = snapshot(thing, "thing")
    require_unchanged(before, snapshot(thing, "thing"), "nobody")
    change(thing)
    with pytest.raises(CheckFailed, match=f"somebody {finding}"):
        require_unchanged(before, snapshot(thing, "thing"), "somebody")


def test_global_random_generators_are_as_before_once_they_were_watched() -> None:
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    with no_global_randomness("nobody"):
        pass
    finding = r"somebody changed np\.random's global state"
    with pytest.raises(CheckFailed, match=finding), no_global_randomness("somebody"):
        np.random.random()
    assert np.random.random() == expected


def test_the_kit_needs_no_test_framework() -> None:
    code = "import sys, tinynet.testing; print({'pytest', 'hypothesis'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"


@pytest.mark.parametrize(
    "checks",
    [
        partial(layer_checks, registry.default().load("layers", "relu"), {}, [(3,)]),
        partial(optimizer_checks, registry.default().load("optimizers", "sgd"), {}),
        partial(loss_checks, registry.default().load("losses", "mse"), {}, (1,), np.zeros((2, 1))),
    ],
    ids=["layer", "optimizer", "loss"],
)
def test_a_string_of_dtypes_is_refused(checks: Callable[..., list[Check]]) -> None:
    """Each of its characters would be taken for a dtype, and ``"f"`` is one."""
    with pytest.raises(UsageError, match=r"^dtypes='float32' must be .* \['float32'\]$"):
        checks(dtypes="float32")
    assert checks(dtypes=["float32"])
