"""Clipped gradients against torch.nn.utils."""

import numpy as np
import pytest

from tinynet.spec.training_spec import OptimizerReference
from tinynet.training.updater import Updater

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


def test_steps_with_clipped_values_are_those_of_torch():
    draw = np.random.default_rng(3)
    for _ in range(100):
        shapes = [tuple(draw.integers(1, 5, draw.integers(0, 4))) for _ in range(3)]
        limit, rate, momentum = (float(value) for value in draw.uniform(0.05, 0.9, 3))
        params = {f"layer/{index}": draw.normal(size=shape) for index, shape in enumerate(shapes)}
        theirs = {n: torch.nn.Parameter(torch.tensor(array)) for n, array in params.items()}
        peer = torch.optim.SGD(theirs.values(), lr=rate, momentum=momentum)
        reference = OptimizerReference.model_validate(
            {"type": "sgd", "momentum": momentum, "clip_value": limit}
        )
        updater = Updater(params, params, reference)
        for step in range(3):
            gradients = {n: draw.normal(size=array.shape) for n, array in params.items()}
            for name, tensor in theirs.items():
                tensor.grad = torch.tensor(gradients[name])
            torch.nn.utils.clip_grad_value_(theirs.values(), limit)
            peer.step()
            updater.update(gradients, step, rate)
            for name, tensor in theirs.items():
                expected = tensor.detach().numpy()
                np.testing.assert_allclose(params[name], expected, rtol=1e-12, atol=1e-14)
