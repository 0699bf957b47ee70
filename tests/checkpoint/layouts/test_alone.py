"""Files of a single module, whose arrays have no module's name: `nn.Linear(4, 3).state_dict()`."""

import numpy as np
import pytest

from tinynet.checkpoint.transfer import TransferRefusedError
from tinynet.checkpoint.transfer_rules import TransferRules
from tinynet.network.network import Network

from .loading import load

RNG = np.random.default_rng(0)
DENSE = {"type": "dense", "units": 3}
ATTENTION = {"type": "multi_head_attention", "num_heads": 2}

TORCH = {
    "linear": ((4,), DENSE, {"weight": (3, 4), "bias": (3,)}),
    "linear_without_bias": ((4,), {**DENSE, "use_bias": False}, {"weight": (3, 4)}),
    "weight_norm": (
        (4,),
        DENSE,
        {
            "bias": (3,),
            "parametrizations.weight.original0": (3, 1),
            "parametrizations.weight.original1": (3, 4),
        },
    ),
    "old_weight_norm": ((4,), DENSE, {"bias": (3,), "weight_g": (3, 1), "weight_v": (3, 4)}),
    "batch_norm": (
        (4,),
        {"type": "batch_norm"},
        {
            **dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (4,)),
            "num_batches_tracked": (),
        },
    ),
    "embedding": (
        (5,),
        {"type": "embedding", "input_dim": 7, "output_dim": 2},
        {"weight": (7, 2)},
    ),
    "gru": (
        (5, 3),
        {"type": "gru", "units": 4},
        {"weight_ih_l0": (12, 3), "weight_hh_l0": (12, 4), "bias_ih_l0": 12, "bias_hh_l0": 12},
    ),
    "attention": (
        (5, 4),
        ATTENTION,
        {
            "in_proj_weight": (12, 4),
            "in_proj_bias": (12,),
            "out_proj.weight": (4, 4),
            "out_proj.bias": (4,),
        },
    ),
}
KERAS = {
    "dense": ((4,), DENSE, {"kernel": (4, 3), "bias": (3,)}),
    "dense_by_number": ((4,), DENSE, {"vars/0": (4, 3), "vars/1": (3,)}),
    "layer_norm": ((4,), {"type": "layer_norm"}, {"gamma": (4,), "beta": (4,)}),
}
CASES = [("torch", name) for name in TORCH] + [("keras", name) for name in KERAS]


def written(path, shapes):
    arrays = {name: RNG.random(shape).astype(np.float32) + 1 for name, shape in shapes.items()}
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(("layout", "name"), CASES)
def test_a_module_alone_is_paired_with_the_only_layer(tmp_path, layout, name):
    """Otherwise users must rename the arrays of a file before they can load it."""
    shape, layer, shapes = (TORCH if layout == "torch" else KERAS)[name]
    path = written(tmp_path / "weights.npz", shapes)
    network = Network({"input_shape": list(shape), "layers": [layer]})
    counts = load(network, path, layout).counts()
    assert counts["new"] == counts["dropped"] == 0
    assert counts["carried"] == len(network.params) + len(network.buffers)


def test_values_of_a_linear_module(tmp_path):
    path = written(tmp_path / "weights.npz", {"weight": (3, 4), "bias": (3,)})
    network = Network({"input_shape": [4], "layers": [DENSE]})
    load(network, path)
    with np.load(path) as arrays:
        np.testing.assert_array_equal(network.params["dense_1/weight"], arrays["weight"].T)
        np.testing.assert_array_equal(network.params["dense_1/bias"], arrays["bias"])


def test_a_module_alone_can_be_mapped_to_one_of_several_layers(tmp_path):
    path = written(tmp_path / "weights.npz", {"weight": (4, 4), "bias": (4,)})
    layer = {"type": "dense", "units": 4}
    network = Network({"input_shape": [4], "layers": [layer, layer]})
    with pytest.raises(TransferRefusedError, match="--map module=NODE"):
        load(network, path)
    rules = TransferRules(map={"module": "dense_2"}, allow_new=("dense_1/*",))
    load(network, path, rules=rules)
    with np.load(path) as arrays:
        np.testing.assert_array_equal(network.params["dense_2/weight"], arrays["weight"].T)


def test_parameters_of_a_whole_model_are_not_a_module(tmp_path):
    """A model's own `weight` beside its modules is not the weight of a layer."""
    shapes = {"fc.weight": (3, 4), "fc.bias": (3,), "weight": (3, 4), "bias": (3,)}
    path = written(tmp_path / "weights.npz", shapes)
    network = Network({"input_shape": [4], "layers": [DENSE]})
    with pytest.raises(TransferRefusedError) as caught:
        load(network, path)
    assert set(caught.value.plan.options) == {"--allow-dropped weight", "--allow-dropped bias"}
