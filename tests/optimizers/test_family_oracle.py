"""Random options of every optimizer that torch.optim has, several steps each, in float64."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.optimizers.adadelta import Adadelta
from tinynet.builtin.optimizers.adagrad import Adagrad
from tinynet.builtin.optimizers.adam import Adam, AdamW
from tinynet.builtin.optimizers.adamax import Adamax
from tinynet.builtin.optimizers.nadam import Nadam
from tinynet.builtin.optimizers.radam import RAdam
from tinynet.builtin.optimizers.rprop import Rprop

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

STEPS = 8
SEEDS = st.integers(0, 2**32 - 1)
SHARE = st.floats(0, 0.99)
EPSILON = st.floats(1e-8, 1e-2)
DECAY = st.sampled_from([0.0, 0.01, 0.3])
MOMENTS = {"beta_1": SHARE, "beta_2": SHARE, "epsilon": EPSILON, "weight_decay": DECAY}

OPTIONS: dict[Any, dict[str, Any]] = {
    Adadelta: {"rho": SHARE, "epsilon": EPSILON, "weight_decay": DECAY},
    Adagrad: {
        "initial_accumulator_value": st.floats(0, 1),
        "epsilon": EPSILON,
        "weight_decay": DECAY,
    },
    Adam: {**MOMENTS, "amsgrad": st.booleans()},
    AdamW: {**MOMENTS, "amsgrad": st.booleans()},
    Adamax: MOMENTS,
    Nadam: {**MOMENTS, "momentum_decay": st.floats(0, 1)},
    RAdam: {**MOMENTS, "beta_2": st.sampled_from([0.0, 0.5, 0.8, 0.9, 0.99, 0.999])},
}

PEERS = {Nadam: "NAdam"}
NAMES = {"epsilon": "eps"}


@pytest.fixture(autouse=True, scope="module")
def float64() -> Any:
    """NAdam keeps the product of its momenta in the default dtype, whatever its parameters."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def peer_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options by the names of torch."""
    renamed = {NAMES.get(key, key): value for key, value in options.items()}
    if "beta_1" in options:
        renamed["betas"] = renamed.pop("beta_1"), renamed.pop("beta_2")
    return renamed


def compare(optimizer: Any, peer: Any, rates: Any, seed: int) -> None:
    """Take steps with both; ``peer`` makes the optimizer of torch for a parameter."""
    rng = np.random.default_rng(seed)
    param = rng.normal(size=(3, 5))
    theirs = torch.nn.Parameter(torch.tensor(param))
    torch_optimizer = peer([theirs])
    slots = optimizer.slots(param)
    for step, rate in enumerate(rates, 1):
        grad = rng.normal(size=param.shape)
        optimizer.update(param, grad, slots, step, rate)
        torch_optimizer.param_groups[0]["lr"] = rate
        theirs.grad = torch.tensor(grad)
        torch_optimizer.step()
        np.testing.assert_allclose(param, theirs.detach().numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("kind", OPTIONS, ids=lambda kind: kind.__name__)
@settings(max_examples=100, deadline=None)
@given(data=st.data(), seed=SEEDS)
def test_random_options_with_a_moving_rate(kind: Any, data: Any, seed: int) -> None:
    options = data.draw(st.fixed_dictionaries(OPTIONS[kind]))
    theirs = getattr(torch.optim, PEERS.get(kind, kind.__name__))
    rates = [0.02 / step for step in range(1, STEPS + 1)]
    compare(
        kind(kind.Config(**options)),
        lambda params: theirs(params, foreach=False, **peer_options(options)),
        rates,
        seed,
    )


@settings(max_examples=100, deadline=None)
@given(
    rate=st.floats(1e-3, 1),
    minus=st.floats(0.1, 0.9),
    plus=st.floats(1.01, 3),
    low=st.floats(1e-3, 1),
    high=st.floats(1, 10),
    seed=SEEDS,
)
def test_random_options_of_rprop(
    rate: float, minus: float, plus: float, low: Any, high: Any, seed: int
) -> None:
    """The steps of torch are bounded in units of the parameter, and its rate is constant."""
    options = {"eta_minus": minus, "eta_plus": plus, "min_factor": low, "max_factor": high}
    compare(
        Rprop(Rprop.Config(**options)),
        lambda params: torch.optim.Rprop(
            params, lr=rate, etas=(minus, plus), step_sizes=(rate * low, rate * high)
        ),
        [rate] * STEPS,
        seed,
    )
