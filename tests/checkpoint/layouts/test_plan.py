"""Plans of transfers from other frameworks: pairs, refusals, and the options that they suggest."""

import numpy as np
import pytest

from tinynet.checkpoint.transfer import TransferRefusedError
from tinynet.checkpoint.transfer_rules import TransferRules
from tinynet.errors import CheckpointMismatchError
from tinynet.network.network import Network

from .loading import load

RNG = np.random.default_rng(0)


def network(*layers, shape=(4,), **keys):
    return Network({"input_shape": list(shape), "layers": list(layers), **keys})


def dense(units, **keys):
    return {"type": "dense", "units": units, **keys}


def linear(units, features, *names):
    """Return the arrays of linear modules of PyTorch."""
    arrays = {}
    for name in names:
        arrays[f"{name}.weight"] = RNG.standard_normal((units, features)).astype(np.float32)
        arrays[f"{name}.bias"] = RNG.standard_normal(units).astype(np.float32)
    return arrays


@pytest.fixture
def file(tmp_path):
    def write(arrays):
        np.savez(tmp_path / "weights.npz", **arrays)
        return tmp_path / "weights.npz"

    return write


def same(net, arrays, **pairs):
    """Compare dense layers with linear modules."""
    for node, module in pairs.items():
        np.testing.assert_array_equal(net.params[f"{node}/weight"].T, arrays[f"{module}.weight"])
        np.testing.assert_array_equal(net.params[f"{node}/bias"], arrays[f"{module}.bias"])


def test_numbers_in_names_are_an_order_even_if_a_program_sorted_them(file):
    """Sorted as text, layer 10 would be before layer 2."""
    arrays = dict(sorted(linear(4, 4, "net.10", "net.2").items()))
    net = network(dense(4), dense(4))
    plan = load(net, file(arrays))
    same(net, arrays, dense_1="net.2", dense_2="net.10")
    note = "of equal shapes, paired by order: net.2 -> dense_1, net.10 -> dense_2"
    assert note in plan.notes


def test_order_of_a_file_that_is_not_sorted_is_that_of_the_model(file):
    arrays = linear(4, 4, "first", "a_second")
    net = network(dense(4), dense(4))
    load(net, file(arrays))
    same(net, arrays, dense_1="first", dense_2="a_second")


def test_names_in_alphabetical_order_tell_nothing(file):
    """Layers that are exchanged without a message would be a wrong model."""
    arrays = dict(sorted(linear(4, 4, "decoder", "encoder").items()))
    net = network(dense(4), dense(4))
    with pytest.raises(TransferRefusedError) as caught:
        load(net, file(arrays))
    message = str(caught.value)
    assert "the file does not tell their order" in message
    assert "weights.npz has  decoder: bias (4,), weight (4, 4)" in message
    assert "the network has  dense_1: weight (4, 4), bias (4,)" in message
    assert "--map decoder=NODE --map encoder=NODE" in message
    assert "--allow-new" not in message
    rules = TransferRules(map={"encoder": "dense_1", "decoder": "dense_2"})
    load(net, file(arrays), rules=rules)
    same(net, arrays, dense_1="encoder", dense_2="decoder")


def test_orders_that_contradict_each_other_are_refused(file):
    arrays = linear(4, 4, "net.10", "net.2")
    with pytest.raises(TransferRefusedError, match="does not tell their order"):
        load(network(dense(4), dense(4)), file(arrays))


def test_more_layers_than_nodes_of_a_shape_are_refused(file):
    arrays = linear(4, 4, "n.0", "n.1", "n.2")
    with pytest.raises(TransferRefusedError, match="because their numbers differ"):
        load(network(dense(4), dense(4)), file(arrays))


def branches(*names):
    """Return layers of two branches, each a dense layer and a normalization."""
    units = {"long": 5, "short": 6}
    return [
        *(
            layer
            for name in names
            for layer in (
                dense(units[name], inputs="input", name=f"{name}_1"),
                {"type": "dense", "units": 4, "name": f"{name}_2"},
                {"type": "batch_norm", "name": f"{name}_3"},
            )
        ),
        {"type": "add", "inputs": ["long_3", "short_3"]},
    ]


@pytest.mark.parametrize("names", [("long", "short"), ("short", "long")])
def test_order_of_parallel_branches_follows_from_the_layers_before(file, names):
    """The order of branches in a spec is arbitrary; by it, normalizations would be exchanged."""
    arrays = {}
    for number, units in enumerate((5, 6)):
        arrays |= linear(units, 4, f"z{number}") | linear(4, units, f"b{number}")
        ones = np.full(4, number, np.float32)
        arrays |= {f"n{number}.{name}": ones for name in ("weight", "bias")}
        arrays |= {f"n{number}.running_{name}": ones for name in ("mean", "var")}
    net = network(*branches(*names))
    load(net, file(arrays))
    same(net, arrays, long_1="z0", long_2="b0", short_1="z1", short_2="b1")
    assert (net.params["long_3/gamma"] == 0).all()
    assert (net.params["short_3/gamma"] == 1).all()


def test_equal_layers_of_parallel_branches_are_refused(file):
    arrays = linear(4, 4, "y", "x")
    net = network(
        dense(4, name="a", inputs="input"), dense(4, name="b", inputs="input"),
        {"type": "add", "inputs": ["a", "b"]},
    )  # fmt: skip
    with pytest.raises(TransferRefusedError, match="in parallel branches of the network"):
        load(net, file(arrays))


def test_names_that_both_have_come_first(file):
    arrays = linear(4, 4, "model.b", "model.a")
    net = network(dense(4, name="a"), dense(4, name="b"))
    load(net, file(arrays))
    same(net, arrays, a="model.a", b="model.b")


def test_default_names_are_not_names_in_common(file):
    """Keras's dense_1 is its second layer."""
    arrays = {
        f"{layer}/{name}": RNG.standard_normal(shape).astype(np.float32)
        for layer in ("dense", "dense_1")
        for name, shape in (("kernel", (4, 4)), ("bias", (4,)))
    }
    net = network(dense(4), dense(4))
    load(net, file(arrays), "keras")
    np.testing.assert_array_equal(net.params["dense_1/weight"], arrays["dense/kernel"])
    np.testing.assert_array_equal(net.params["dense_2/weight"], arrays["dense_1/kernel"])


def test_new_head_needs_permission(file):
    arrays = linear(5, 4, "body.0") | linear(7, 5, "fc")
    net = network(dense(5), "relu", dense(3, name="head"))
    before = net.params["head/weight"].copy()
    with pytest.raises(TransferRefusedError) as caught:
        load(net, file(arrays))
    assert set(caught.value.plan.options) == {
        "--allow-new 'head/*'",
        "--allow-dropped 'fc.*'",
    }
    rules = TransferRules(allow_new=("head/*",), allow_dropped=("fc.*",))
    assert load(net, file(arrays), rules=rules).summary == "2 carried, 2 new, 2 dropped"
    same(net, arrays, dense_1="body.0")
    np.testing.assert_array_equal(net.params["head/weight"], before)


def test_single_array_is_converted_as_its_parameter_needs_it(file):
    arrays = linear(5, 4, "q") | linear(5, 4, "other")
    net = network(dense(5))
    rules = TransferRules(
        map={"q.weight": "dense_1/weight", "other.bias": "dense_1/bias"}, allow_dropped=("*",)
    )
    load(net, file(arrays), rules=rules)
    np.testing.assert_array_equal(net.params["dense_1/weight"], arrays["q.weight"].T)
    np.testing.assert_array_equal(net.params["dense_1/bias"], arrays["other.bias"])


def test_wrong_names_are_listed_with_suggestions(file):
    rules = TransferRules(map={"boddy": "dense_1", "body": "dense_7"})
    with pytest.raises(CheckpointMismatchError) as caught:
        load(network(dense(5)), file(linear(5, 4, "body")), rules=rules)
    message = str(caught.value)
    assert "weights.npz has no layer 'boddy'; did you mean 'body'?" in message
    assert "the network has no node 'dense_7' with parameters" in message


def test_gru_that_resets_before_the_product_is_refused(file):
    arrays = {"weight_ih": (12, 3), "weight_hh": (12, 4), "bias_ih": (12,), "bias_hh": (12,)}
    made = {f"rnn.{name}_l0": np.zeros(shape, np.float32) for name, shape in arrays.items()}
    net = network({"type": "gru", "units": 4, "reset_after": False}, shape=(5, 3))
    with pytest.raises(TransferRefusedError, match='set "reset_after" to true'):
        load(net, file(made))


def test_part_of_reordered_rows_cannot_overlap(file):
    """The first rows of a flattened image are other pixels than here."""
    arrays = linear(2, 12, "fc")
    net = network("flatten", dense(3, name="fc"), shape=(2, 2, 3))
    rules = TransferRules(overlap=("fc/*",))
    with pytest.raises(CheckpointMismatchError, match="leave out --overlap"):
        load(net, file(arrays), rules=rules)


def test_joined_features_keep_the_order_of_each_part(file):
    arrays = linear(2, 14, "fc")
    layers = [
        {"type": "flatten", "name": "f", "inputs": "input:image"},
        {"type": "concat", "inputs": ["f", "input:more"]},
        dense(2),
    ]
    net = Network({"input_shape": {"image": [2, 2, 3], "more": [2]}, "layers": layers})
    load(net, file(arrays))
    weight = net.params["dense_1/weight"]
    image, more = arrays["fc.weight"][:, :12], arrays["fc.weight"][:, 12:]
    expected = image.reshape(2, 3, 2, 2).transpose(2, 3, 1, 0).reshape(12, 2)
    np.testing.assert_array_equal(weight[:12], expected)
    np.testing.assert_array_equal(weight[12:], more.T)


@pytest.mark.parametrize("shape", [(4,), (2, 3)])
def test_flattened_sequences_of_vectors_keep_their_order(file, shape):
    """PyTorch has the vectors of an embedding last, unlike the channels of an image."""
    tokens = int(np.prod(shape))
    arrays = {"e.weight": RNG.standard_normal((7, 5)), **linear(2, 5 * tokens, "fc")}
    net = network({"type": "embedding", "input_dim": 7, "output_dim": 5}, "flatten", dense(2),
                  shape=shape)  # fmt: skip
    load(net, file(arrays))
    same(net, arrays, dense_1="fc")


def test_flattened_branches_of_a_convolution_have_channels_first(file):
    kernels = {f"c{n}.weight": RNG.standard_normal((n, 2, 1)) for n in (1, 2)}
    arrays = {**kernels, **linear(2, 12, "fc")}
    conv = {"type": "conv1d", "kernel_size": 1, "use_bias": False, "inputs": "input"}
    net = network(
        {**conv, "filters": 1, "name": "a"}, {**conv, "filters": 2, "name": "b"},
        {"type": "concat", "inputs": ["a", "b"]}, "flatten", dense(2), shape=(4, 2),
    )  # fmt: skip
    load(net, file(arrays))
    expected = arrays["fc.weight"].reshape(2, 3, 4).transpose(2, 1, 0).reshape(12, 2)
    np.testing.assert_array_equal(net.params["dense_1/weight"], expected)


def test_arrays_that_only_training_needs_are_noted(file):
    arrays = {
        "bn.weight": np.ones(4), "bn.bias": np.ones(4), "bn.running_mean": np.ones(4),
        "bn.running_var": np.ones(4), "bn.num_batches_tracked": np.array(7),
    }  # fmt: skip
    plan = load(network("batch_norm"), file(arrays))
    assert plan.notes == ("not needed: num_batches_tracked (1)",)


@pytest.mark.parametrize(("layout", "names"), [("keras", ("g", "b")), ("torch", ("w", "b"))])
def test_another_epsilon_than_the_framework_s_is_a_warning(file, layout, names):
    """Keras's default is 0.001; with 1e-5, features of a small variance have other outputs."""
    roles = {"g": "n/gamma", "w": "n.weight", "b": f"n{'/' if layout == 'keras' else '.'}beta"}
    arrays = {roles[name].replace("n.beta", "n.bias"): np.ones(4, np.float32) for name in names}
    default, other = (1e-3, 1e-5) if layout == "keras" else (1e-5, 1e-3)
    net = network({"type": "layer_norm", "epsilon": other})
    (warning,) = load(net, file(arrays), layout).warnings
    assert f"--set network.layers.layer_norm_1.epsilon={default:g}" in warning
    assert not load(
        network({"type": "layer_norm", "epsilon": default}), file(arrays), layout
    ).warnings


def test_attention_to_another_sequence_is_told_from_self_attention(file):
    """Both have equal shapes, and a file sorted by name has them in the other order."""
    shapes = {"in_proj_weight": (12, 4), "in_proj_bias": (12,), "out_proj.weight": (4, 4),
              "out_proj.bias": (4,)}  # fmt: skip
    arrays = {
        f"layers.0.{module}.{name}": RNG.standard_normal(shape).astype(np.float32)
        for module in ("multihead_attn", "self_attn")
        for name, shape in shapes.items()
    }
    attention = {"type": "multi_head_attention", "num_heads": 2}
    layers = [
        {**attention, "name": "own", "inputs": "input:x"},
        {**attention, "name": "other", "inputs": ["own", "input:y"]},
    ]
    net = Network({"input_shape": {"x": [3, 4], "y": [5, 4]}, "layers": layers})
    load(net, file(arrays))
    for node, module in (("own", "self_attn"), ("other", "multihead_attn")):
        expected = arrays[f"layers.0.{module}.out_proj.weight"]
        np.testing.assert_array_equal(net.params[f"{node}/output_weight"].T, expected)


@pytest.mark.parametrize("before", [None, "permute"])
def test_square_scales_after_a_convolution_are_transposed(file, before):
    """Their shape does not tell the order of their axes, so an error would have no message."""
    gamma, beta = RNG.standard_normal((2, 4, 4)).astype(np.float32)
    kernel = RNG.standard_normal((4, 2, 1)).astype(np.float32)
    path = file({"c.weight": kernel, "n.weight": gamma, "n.bias": beta})
    conv = {"type": "conv1d", "filters": 4, "kernel_size": 1, "use_bias": False}
    same_order = [{"type": "permute", "dims": [1, 2]}] if before else []
    net = network(conv, *same_order, {"type": "layer_norm", "axis": [1, 2]}, shape=(4, 2))
    plan = load(net, path)
    expected = gamma if before else gamma.T
    np.testing.assert_array_equal(net.params["layer_norm_1/gamma"], expected)
    np.testing.assert_array_equal(net.params["layer_norm_1/beta"], beta if before else beta.T)
    named = ["gamma, beta of layer_norm_1 may differ" in warning for warning in plan.warnings]
    assert any(named) == (before is None)


@pytest.mark.parametrize("shape", [(5, 4), (4, 5)])
def test_scales_of_a_sequence_have_the_order_that_their_shape_tells(file, shape):
    gamma = RNG.standard_normal(shape).astype(np.float32)
    net = network({"type": "layer_norm", "axis": [1, 2], "center": False}, shape=(5, 4))
    load(net, file({"n.weight": gamma}))
    expected = gamma if shape == (5, 4) else gamma.T
    np.testing.assert_array_equal(net.params["layer_norm_1/gamma"], expected)
