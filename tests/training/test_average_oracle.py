"""Averages of weights against torch.optim.swa_utils."""

import numpy as np
import pytest

from tinynet.spec.average_spec import EmaSpec, SwaSpec
from tinynet.training.average import blend, fraction_of

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("kind", ["ema", "swa"])
def test_averages_are_those_of_torch(kind):
    draw = np.random.default_rng(7)
    for _ in range(100):
        steps, shape = int(draw.integers(1, 12)), tuple(draw.integers(1, 5, 2))
        start, every = (int(number) for number in draw.integers(1, 4, 2))
        decay = float(draw.uniform(0, 1))
        layer = torch.nn.Linear(shape[1], shape[0], bias=False, dtype=torch.float64)
        function = torch.optim.swa_utils.get_ema_multi_avg_fn(decay)
        options = {"multi_avg_fn": function} if kind == "ema" else {}
        expected = torch.optim.swa_utils.AveragedModel(layer, **options)
        spec = (
            EmaSpec(type="ema", decay=decay)
            if kind == "ema"
            else SwaSpec(type="swa", start_step=start, every_steps=every)
        )
        average = {"w": np.zeros(shape)}
        for step in range(1, steps + 1):
            value = draw.normal(size=shape)
            with torch.no_grad():
                layer.weight.copy_(torch.from_numpy(value))
            if kind == "ema" or (step >= start and (step - start) % every == 0):
                expected.update_parameters(layer)
            blend(average, {"w": value}, fraction_of(spec, step))
        if kind == "swa" and steps < start:
            continue
        found = expected.module.weight.detach().numpy()
        np.testing.assert_allclose(average["w"], found, rtol=1e-12, atol=1e-14)
