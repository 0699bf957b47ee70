"""Training with weight_norm and spectral_norm against torch.nn.utils.parametrizations."""

from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinynet

torch = pytest.importorskip("torch")
from torch.nn.utils import parametrizations  # noqa: E402

pytestmark = pytest.mark.oracle

STEPS, RATE = 2, 0.125
LAYERS: dict[str, tuple[dict[str, Any], tuple[int, ...], Any]] = {
    "dense": ({"units": 3}, (4,), lambda: torch.nn.Linear(4, 3)),
    "conv1d": ({"filters": 3, "kernel_size": 2}, (5, 4), lambda: torch.nn.Conv1d(4, 3, 2)),
    "conv2d": (
        {"filters": 2, "kernel_size": [2, 3]},
        (4, 4, 3),
        lambda: torch.nn.Conv2d(3, 2, (2, 3)),
    ),
}


def as_torch(array: Any) -> Any:
    """A weight with units and inputs first, samples with channels first; a matrix transposed."""
    return torch.from_numpy(np.ascontiguousarray(np.transpose(array, order_of(array.ndim))))


def order_of(ndim: int) -> tuple[int, ...]:
    """The axes of torch's weight, as axes of ours."""
    return (ndim - 1, ndim - 2, *range(ndim - 2))


def as_ours(tensor: Any) -> Any:
    array = tensor.detach().numpy()
    return np.transpose(array, np.argsort(order_of(array.ndim)))


@cache
def spec_of(kind: str, layer: str, **options: Any) -> Any:
    spec = {
        "tinynet": 1,
        "name": "norms",
        "network": {
            "input_shape": list(LAYERS[layer][1]),
            "dtype": "float64",
            "layers": [{"type": layer, **LAYERS[layer][0]}, {"type": "flatten"}],
            "parametrizations": [{"type": kind, **options}],
        },
        "training": {
            "steps": STEPS,
            "loss": "mse",
            "optimizer": {"type": "sgd", "learning_rate": RATE},
        },
    }
    return tinynet.load_spec(spec)


def trainer_of(kind: str, layer: str, rng: Any, **options: Any) -> Any:
    """A trainer whose parameters are set by hand."""
    trainer = tinynet.Trainer(spec_of(kind, layer, **options), threads=1)
    for array in trainer.network.params.values():
        array[...] = rng.normal(size=array.shape)
    trainer.network.refresh()
    return trainer


def module_of(layer: str, network: Any) -> Any:
    """A module of torch with the weight and the bias of our layer."""
    module, params = LAYERS[layer][2]().double(), network.nodes[f"{layer}_1"].layer.params
    with torch.no_grad():
        module.bias[...] = torch.from_numpy(params["bias"])
        module.weight[...] = as_torch(params["weight"])
    return module


def torch_step(module: Any, x: Any, y: Any) -> float:
    """One step of SGD; the loss before it."""
    if x.ndim > 2:
        x = np.moveaxis(x, -1, 1)
    output = module(torch.from_numpy(np.ascontiguousarray(x)))
    if output.ndim > 2:
        output = output.movedim(1, -1)
    loss = torch.nn.functional.mse_loss(output.flatten(1), torch.from_numpy(y))
    module.zero_grad()
    loss.backward()
    with torch.no_grad():
        for param in module.parameters():
            param -= RATE * param.grad
    return float(loss.detach())


def batches(trainer: Any, rng: Any) -> Any:
    shape = next(iter(trainer.network.input_shapes.values()))
    units = trainer.network.out_shapes["output"]
    for _ in range(STEPS):
        count = int(rng.integers(1, 6))
        yield rng.normal(size=(count, *shape)), rng.normal(size=(count, *units))


def require_equal(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


layers, seeds = st.sampled_from(sorted(LAYERS)), st.integers(0, 2**31)


@settings(max_examples=100)
@given(layers, seeds, st.booleans())
def test_weight_norm(layer: str, seed: int, second: bool) -> None:
    rng = np.random.default_rng(seed)
    trainer = trainer_of("weight_norm", layer, rng, axis=-2 if second else -1)
    params, weight = trainer.network.params, trainer.network.nodes[f"{layer}_1"].layer.params
    module = module_of(layer, trainer.network)
    parametrizations.weight_norm(module, dim=1 if second else 0)
    g, v = (getattr(module.parametrizations.weight, f"original{i}") for i in (0, 1))
    with torch.no_grad():
        g.ravel()[...] = torch.from_numpy(params[f"{layer}_1/weight_g"])
        v[...] = as_torch(params[f"{layer}_1/weight_v"])
    for x, y in batches(trainer, rng):
        before = {name: array.copy() for name, array in params.items()}
        require_equal(trainer.train_step(x, y), torch_step(module, x, y))
        gradients = {name: (before[name] - params[name]) / RATE for name in before}
        require_equal(gradients[f"{layer}_1/weight_v"], as_ours(v.grad))
        require_equal(gradients[f"{layer}_1/weight_g"], g.grad.numpy().ravel())
        require_equal(params[f"{layer}_1/weight_v"], as_ours(v))
        require_equal(params[f"{layer}_1/weight_g"], g.detach().numpy().ravel())
        require_equal(weight["weight"], as_ours(module.weight))
        require_equal(weight["bias"], module.bias.detach().numpy())


@settings(max_examples=100)
@given(layers, seeds, st.booleans(), st.integers(1, 3))
def test_spectral_norm(layer: str, seed: int, second: bool, iterations: int) -> None:
    """PyTorch iterates at the start of each pass of training, tinynet after each update."""
    rng = np.random.default_rng(seed)
    axis = -2 if second else -1
    options = {"axis": axis, "power_iterations": iterations}
    trainer = trainer_of("spectral_norm", layer, rng, **options)
    network, address = trainer.network, f"{layer}_1/weight"
    module = module_of(layer, network)
    with torch.no_grad():
        module.weight[...] = as_torch(network.params[address])
    torch.manual_seed(seed)
    parametrizations.spectral_norm(module, n_power_iterations=iterations, dim=1 if second else 0)
    follow(network, address, module, axis)
    network.refresh()
    for x, y in batches(trainer, rng):
        before = network.params[address].copy()
        require_equal(trainer.train_step(x, y), torch_step(module, x, y))
        theirs = module.parametrizations.weight.original
        require_equal((before - network.params[address]) / RATE, as_ours(theirs.grad))
        require_equal(network.params[address], as_ours(theirs))
        ours = [network.buffers[f"{address}_{name}"].copy() for name in "uv"]
        follow(network, address, module, axis)
        for mine, name in zip(ours, "uv", strict=True):
            require_equal(mine, network.buffers[f"{address}_{name}"])


def follow(network: Any, address: str, module: Any, axis: int) -> None:
    """Set our vectors to torch's, as its next pass of training will have them."""
    norm = module.parametrizations.weight[0]
    kept = norm._u.clone(), norm._v.clone()
    weight = module.parametrizations.weight.original
    with torch.no_grad():
        norm._power_method(norm._reshape_weight_to_matrix(weight), norm.n_power_iterations)
        u, v = norm._u.numpy().copy(), norm._v.numpy().copy()
        norm._u[...], norm._v[...] = kept
    network.buffers[f"{address}_u"][...] = u
    # Torch's v runs over the axes of its weight, ours over those of ours, both without the units.
    ndim, units = weight.ndim, axis % weight.ndim
    theirs = [one for one in order_of(ndim) if one != units]
    sizes = [network.params[address].shape[one] for one in theirs]
    mine = np.transpose(v.reshape(sizes), np.argsort(theirs))
    network.buffers[f"{address}_v"][...] = mine.ravel()


@pytest.mark.parametrize("power_iterations", [1, 60])
def test_estimate_approaches_the_largest_singular_value(power_iterations: int) -> None:
    options = {"power_iterations": power_iterations}
    trainer = tinynet.Trainer(spec_of("spectral_norm", "dense", **options))
    layer = trainer.network.nodes["dense_1"].layer
    stored = trainer.network.params["dense_1/weight"]
    largest = np.linalg.svd(stored, compute_uv=False)[0]
    np.testing.assert_allclose(layer.params["weight"], stored / largest, rtol=1e-3)
