"""Random options of `adafactor` against torch.optim, in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.builtin.optimizers.adafactor import Adafactor

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


@settings(max_examples=100, deadline=None)
@given(
    shape=st.lists(st.integers(1, 5), max_size=4),
    decay=st.floats(-2, 0),
    eps1=st.none() | st.floats(1e-12, 1),
    eps2=st.floats(0, 1),
    threshold=st.floats(1, 3),
    weight_decay=st.sampled_from([0.0, 0.01, 0.3]),
    scale=st.sampled_from([0.0, 1e-3, 1.0, 1e3]),
    seed=st.integers(0, 2**32 - 1),
)
def test_random_options_with_a_moving_rate(
    shape, decay, eps1, eps2, threshold, weight_decay, scale, seed
):
    rng = np.random.default_rng(seed)
    param = np.array(scale * rng.normal(size=shape))
    theirs = torch.nn.Parameter(torch.tensor(param))
    options = {"beta2_decay": decay, "eps": (eps1, eps2), "weight_decay": weight_decay}
    peer = torch.optim.Adafactor([theirs], d=threshold, foreach=False, **options)
    optimizer = Adafactor(
        Adafactor.Config(
            beta_2_decay=decay,
            epsilon_1=eps1,
            epsilon_2=eps2,
            clip_threshold=threshold,
            weight_decay=weight_decay,
        )
    )
    slots = optimizer.slots(param)
    for step, rate in enumerate((0.5, 0.9, 0.4, 0.6, 0.01), 1):
        grad = np.array(rng.normal(size=shape))
        optimizer.update(param, grad, slots, step, rate)
        peer.param_groups[0]["lr"] = rate
        theirs.grad = torch.tensor(grad)
        peer.step()
        expected = theirs.detach().numpy()
        np.testing.assert_allclose(param, expected, rtol=1e-9, atol=1e-9)
