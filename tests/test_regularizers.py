"""The built-in regularizers: values by hand, and weight decay of PyTorch."""

import numpy as np
import pytest

from tinynet import registry
from tinynet.errors import ShapeError
from tinynet.spec.network_spec import RegularizerReference


def regularizer(name, **options):
    return registry.default().create(RegularizerReference(type=name, **options))


def test_l1_and_l2_by_hand():
    param = np.array([[1.0, -2.0], [0.0, 3.0]])
    value, gradient = regularizer("l1", factor=0.5).value_and_gradient(param)
    assert value == 3.0
    np.testing.assert_array_equal(gradient, [[0.5, -0.5], [0, 0.5]])
    value, gradient = regularizer("l2", factor=0.5).value_and_gradient(param)
    assert value == 7.0
    np.testing.assert_array_equal(gradient, param)
    value, gradient = regularizer("l1_l2", l1=0.5, l2=0.5).value_and_gradient(param)
    assert value == 10.0
    np.testing.assert_array_equal(gradient, [[1.5, -2.5], [0, 3.5]])


@pytest.mark.parametrize(("mode", "value"), [("rows", 0.8), ("columns", 0.6)])
def test_orthogonal_is_the_mean_absolute_cosine(mode, value):
    param = np.array([[1.0, 0.0], [0.8, -0.6]]) if mode == "rows" else np.array([[2, 3.0], [0, 4]])
    found, _ = regularizer("orthogonal", factor=2.0, mode=mode).value_and_gradient(param)
    assert found == pytest.approx(2 * value)


def test_orthogonal_matrix_has_no_penalty():
    q, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))
    for mode in ("rows", "columns"):
        value, _ = regularizer("orthogonal", mode=mode).value_and_gradient(7 * q)
        assert value == pytest.approx(0, abs=1e-15)


def test_orthogonal_needs_two_axes():
    with pytest.raises(ShapeError, match="at least two axes; this one has shape"):
        regularizer("orthogonal").value_and_gradient(np.ones(3))


@pytest.mark.oracle
def test_values_and_gradients_of_torch():
    torch = pytest.importorskip("torch")
    draw = np.random.default_rng(3)
    for _ in range(100):
        shape = tuple(draw.integers(1, 6, size=draw.integers(2, 5)))
        param, factor = draw.normal(size=shape), float(draw.uniform(0.01, 2))
        w = torch.tensor(param, requires_grad=True)
        matrix = w.reshape(-1, shape[-1])
        expected = {"l1": w.abs().sum(), "l2": w.square().sum()}
        for mode, vectors in (("rows", matrix), ("columns", matrix.T)):
            units = torch.nn.functional.normalize(vectors, dim=1)
            upper = torch.triu(units @ units.T, 1)
            count = len(vectors)
            expected[mode] = upper.abs().sum() / max(count * (count - 1) / 2, 1)
        for name, value in expected.items():
            own = {"factor": factor}
            if name in ("rows", "columns"):
                name, own = "orthogonal", {**own, "mode": name}
            (theirs,) = torch.autograd.grad(factor * value, w, retain_graph=True)
            ours, gradient = regularizer(name, **own).value_and_gradient(param)
            assert ours == pytest.approx(factor * value.item(), rel=1e-10, abs=1e-14)
            np.testing.assert_allclose(gradient, theirs.numpy(), rtol=1e-9, atol=1e-12)
