"""Lookahead over optimizers of torch, by the formula of the paper, in float64."""

import numpy as np
import pytest

from tinynet.spec.training_spec import LookaheadSpec, OptimizerReference
from tinynet.training.lookahead import Lookahead
from tinynet.training.updater import Updater

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.oracle


@pytest.mark.parametrize(
    ("optimizer", "peer"),
    [
        ({"type": "sgd", "momentum": 0.9}, lambda p: torch.optim.SGD(p, 0.1, momentum=0.9)),
        ({"type": "adam", "epsilon": 1e-8}, lambda p: torch.optim.Adam(p, 0.1, foreach=False)),
    ],
)
def test_steps_are_those_of_the_paper(optimizer, peer):
    draw = np.random.default_rng(5)
    for _ in range(100):
        every, fraction = int(draw.integers(1, 5)), float(draw.uniform(0.05, 1))
        shapes = [tuple(draw.integers(1, 4, draw.integers(0, 3))) for _ in range(2)]
        params = {f"layer/{i}": np.array(draw.normal(size=s)) for i, s in enumerate(shapes)}
        theirs = {name: torch.nn.Parameter(torch.tensor(a)) for name, a in params.items()}
        slow = {name: tensor.detach().clone() for name, tensor in theirs.items()}
        inner = peer(theirs.values())
        updater = Updater(params, params, OptimizerReference.model_validate(optimizer))
        lookahead = Lookahead(LookaheadSpec(every_steps=every, fraction=fraction), params)
        for step in range(1, 9):
            gradients = {name: draw.normal(size=array.shape) for name, array in params.items()}
            for name, tensor in theirs.items():
                tensor.grad = torch.tensor(gradients[name])
            inner.step()
            with torch.no_grad():
                for name, tensor in theirs.items() if step % every == 0 else ():
                    slow[name] = slow[name] + fraction * (tensor - slow[name])
                    tensor.copy_(slow[name])
            updater.update(gradients, step - 1, 0.1)
            lookahead.update(step, lambda: None)
            for name, tensor in theirs.items():
                expected = tensor.detach().numpy()
                np.testing.assert_allclose(params[name], expected, rtol=1e-9, atol=1e-12)
