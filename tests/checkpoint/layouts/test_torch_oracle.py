"""Weights of PyTorch's modules: the network computes the same outputs."""

import numpy as np
import pytest

from tinynet.checkpoint.transfer_rules import TransferRules
from tinynet.network.network import Network

from .loading import load

torch = pytest.importorskip("torch")
from .torch_networks import NETWORKS  # noqa: E402

pytestmark = pytest.mark.oracle


def randomize(module):
    """Give every parameter and running statistic random values, as after training."""
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 2)
            elif tensor.is_floating_point():
                tensor.normal_(std=0.5)
    return module.eval()


def channels_first(x):
    return np.moveaxis(x, -1, 1) if x.ndim > 2 else x


@pytest.mark.parametrize("ending", ["npz", "safetensors"])
@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_equal_those_of_the_module(name, ending, tmp_path):
    """Otherwise a model of PyTorch loses its accuracy without a message."""
    shape, make, layers = NETWORKS[name]
    torch.manual_seed(0)
    module = randomize(make())
    path = tmp_path / f"weights.{ending}"
    state = {name: tensor.numpy() for name, tensor in module.state_dict().items()}
    if ending == "npz":
        np.savez(path, **state)
    else:
        pytest.importorskip("safetensors.numpy").save_file(state, path)
    network = Network({"input_shape": list(shape), "layers": layers})
    # A file that is sorted by name does not tell the place of the shortcut.
    pairs = {"downsample.1": "batch_norm_1"} if name == "residual" and ending != "npz" else {}
    plan = load(network, path, rules=TransferRules(map=pairs))
    assert plan.counts()["new"] == plan.counts()["dropped"] == 0
    x = np.random.default_rng(0).standard_normal((3, *shape)).astype(np.float32)
    is_sequence = isinstance(module, torch.nn.Module) and (
        hasattr(module, "rnn") or hasattr(module, "encoder") or name == "rms_norm"
    )
    with torch.no_grad():
        y = module(torch.tensor(x if is_sequence else channels_first(x).copy())).numpy()
    expected = y if is_sequence or y.ndim < 3 else np.moveaxis(y, 1, -1)
    np.testing.assert_allclose(network.predict(x), expected, rtol=1e-5, atol=1e-5)
