"""Twenty steps of every optimizer and option against torch.optim, in float64."""

from typing import Any

import numpy as np
import pytest

from tinynet.builtin.optimizers.adam import Adam, AdamW
from tinynet.builtin.optimizers.rmsprop import RMSprop
from tinynet.builtin.optimizers.sgd import SGD

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle

CASES: list[tuple[Any, dict[str, Any], Any, dict[str, Any]]] = [
    (SGD, {}, torch.optim.SGD, {}),
    (SGD, {"weight_decay": 0.1}, torch.optim.SGD, {"weight_decay": 0.1}),
    (SGD, {"momentum": 0.9}, torch.optim.SGD, {"momentum": 0.9}),
    (
        SGD,
        {"momentum": 0.9, "weight_decay": 0.1},
        torch.optim.SGD,
        {"momentum": 0.9, "weight_decay": 0.1},
    ),
    (
        SGD,
        {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
        torch.optim.SGD,
        {"momentum": 0.8, "nesterov": True, "weight_decay": 0.1},
    ),
    (Adam, {}, torch.optim.Adam, {}),
    (
        Adam,
        {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3},
        torch.optim.Adam,
        {"betas": (0.8, 0.95), "eps": 1e-3},
    ),
    (Adam, {"beta_1": 0.0}, torch.optim.Adam, {"betas": (0.0, 0.999)}),
    (Adam, {"weight_decay": 0.1}, torch.optim.Adam, {"weight_decay": 0.1}),
    (AdamW, {}, torch.optim.AdamW, {}),
    (
        AdamW,
        {"beta_1": 0.8, "beta_2": 0.95, "epsilon": 1e-3, "weight_decay": 0.2},
        torch.optim.AdamW,
        {"betas": (0.8, 0.95), "eps": 1e-3, "weight_decay": 0.2},
    ),
    (RMSprop, {}, torch.optim.RMSprop, {"alpha": 0.9}),
    (
        RMSprop,
        {"rho": 0.99, "epsilon": 1e-3, "weight_decay": 0.1},
        torch.optim.RMSprop,
        {"alpha": 0.99, "eps": 1e-3, "weight_decay": 0.1},
    ),
    (RMSprop, {"momentum": 0.9}, torch.optim.RMSprop, {"alpha": 0.9, "momentum": 0.9}),
    (RMSprop, {"centered": True}, torch.optim.RMSprop, {"alpha": 0.9, "centered": True}),
    (
        RMSprop,
        {"momentum": 0.5, "centered": True, "weight_decay": 0.1},
        torch.optim.RMSprop,
        {"alpha": 0.9, "momentum": 0.5, "centered": True, "weight_decay": 0.1},
    ),
]


@pytest.mark.parametrize(("kind", "options", "peer", "peer_options"), CASES)
def test_twenty_steps_with_a_moving_rate(
    kind: Any, options: Any, peer: Any, peer_options: Any
) -> None:
    rng = np.random.default_rng(3)
    param = rng.normal(size=(5, 7))
    theirs = torch.nn.Parameter(torch.tensor(param))
    torch_optimizer = peer([theirs], lr=0.01, foreach=False, **peer_options)
    optimizer = kind(kind.Config(**options))
    slots = optimizer.slots(param)
    for step in range(1, 21):
        rate = 0.02 / step
        grad = rng.normal(size=param.shape)
        optimizer.update(param, grad, slots, step, rate)
        torch_optimizer.param_groups[0]["lr"] = rate
        theirs.grad = torch.tensor(grad)
        torch_optimizer.step()
        np.testing.assert_allclose(param, theirs.detach().numpy(), rtol=1e-9, atol=1e-9)
