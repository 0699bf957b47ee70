"""Modules of PyTorch that need a word: weight normalization, projections, other frameworks."""

import numpy as np
import pytest

from tinynet.checkpoint.layouts.recognition import layout_advice
from tinynet.checkpoint.transfer import TransferRefusedError
from tinynet.network.network import Network

from .loading import load

DENSE = {"type": "dense", "units": 3, "name": "fc"}


def refusal(path, arrays, *layers, shape):
    np.savez(path, **{name: np.ones(size, np.float32) for name, size in arrays.items()})
    network = Network({"input_shape": list(shape), "layers": list(layers)})
    with pytest.raises(TransferRefusedError) as caught:
        load(network, path)
    return str(caught.value)


@pytest.mark.parametrize("names", [("weight_g", "weight_v"), ("original0", "original1")])
@pytest.mark.parametrize("is_normalized", [True, False])
def test_weight_normalization_is_computed(tmp_path, names, is_normalized):
    """Its two arrays are the weight in another form, in the spelling of old and new versions."""
    prefix = "fc.parametrizations.weight." if names[0] == "original0" else "fc."
    v = np.random.default_rng(0).standard_normal((3, 4)).astype(np.float32)
    g = np.array([[1], [2], [3]], np.float32)
    path = tmp_path / "weights.npz"
    arrays = {prefix + names[0]: g, prefix + names[1]: v, "fc.bias": np.zeros(3, np.float32)}
    np.savez(path, **arrays)
    spec = {"input_shape": [4], "layers": [DENSE]}
    if is_normalized:
        spec["parametrizations"] = [{"params": ["fc/weight"], "type": "weight_norm"}]
    network = Network(spec)
    load(network, path)
    x = np.eye(4, dtype=np.float32)
    expected = (g * v / np.linalg.norm(v, axis=1, keepdims=True)).T
    np.testing.assert_allclose(network.predict(x), expected, rtol=1e-5, atol=1e-6)


def test_projections_of_an_lstm_are_explained(tmp_path):
    arrays = {"rnn.weight_ih_l0": (16, 3), "rnn.weight_hh_l0": (16, 2), "rnn.bias_ih_l0": 16,
              "rnn.bias_hh_l0": 16, "rnn.weight_hr_l0": (2, 4)}  # fmt: skip
    layer = {"type": "lstm", "units": 4}
    message = refusal(tmp_path / "w.npz", arrays, layer, shape=(5, 3))
    assert "rnn is an LSTM with projections (proj_size), which `lstm` does not have" in message


def test_learned_keys_of_attention_are_explained(tmp_path):
    arrays = {"a.in_proj_weight": (12, 4), "a.in_proj_bias": 12, "a.out_proj.weight": (4, 4),
              "a.out_proj.bias": 4, "a.bias_k": (1, 1, 4), "a.bias_v": (1, 1, 4)}  # fmt: skip
    layer = {"type": "multi_head_attention", "num_heads": 2}
    message = refusal(tmp_path / "w.npz", arrays, layer, shape=(5, 4))
    assert message.count("a has a key and a value that are learned (add_bias_kv=True)") == 1


def test_other_parametrizations_are_explained(tmp_path):
    arrays = {"fc.parametrizations.weight.original": (3, 4), "fc.parametrizations.weight.0._u": 3,
              "fc.bias": 3}  # fmt: skip
    message = refusal(tmp_path / "w.npz", arrays, DENSE, shape=(4,))
    assert "torch.nn.utils.parametrize.remove_parametrizations" in message


@pytest.mark.parametrize(
    ("names", "framework"),
    [
        (("features.0.weight", "features.0.bias", "scale"), "torch"),
        (("weight", "bias"), "torch"),
        (("rnn.weight_ih_l0", "rnn.bias_hh_l0_reverse"), "torch"),
        (("dense/kernel", "dense/bias"), "keras"),
        (("bn/gamma", "bn/beta", "bn/moving_mean", "bn/moving_variance"), "keras"),
        (("layers/dense/vars/0", "layers/dense/vars/1"), "keras"),
        (("dense/dense/kernel:0", "dense/dense/bias:0"), "keras"),
        (("dense_1/weight", "dense_1/bias"), None),
        (("block_1.dense_1/weight",), None),
        (("glove",), "unknown"),
        (("bn/gamma", "bn/beta"), "unknown"),
    ],
)
def test_files_are_recognized_by_their_names(names, framework):
    """Otherwise a forgotten --layout suggests to drop all weights of the file."""
    for layout in (None, "torch", "keras"):
        advice = layout_advice(names, layout)
        if framework in ("unknown", layout):
            assert advice == ""
        else:
            expected = "leave out --layout" if framework is None else f"--layout {framework}"
            assert advice.endswith(expected)
