"""Networks: construction, size limits, parameters, predictions and wrong inputs."""

import numpy as np
import pytest

from tinynet.errors import DataError, ShapeError, SpecError
from tinynet.network.network import Network

WIDTH = 3


def dense(name, inputs=None, **more):
    node = {"type": "dense", "units": WIDTH, "name": name, **more}
    return node if inputs is None else {**node, "inputs": inputs}


def join(type_name, name, *inputs):
    return {"type": type_name, "name": name, "inputs": list(inputs)}


def network(*layers, input_shape=(WIDTH,), dtype="float64", **options):
    return Network({"layers": list(layers)}, input_shape, dtype=dtype, seed=1, **options)


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


TWO_INPUTS = [
    dense("a", "input:left"),
    dense("b", "input:right"),
    join("multiply", "c", "a", "b"),
]
SHARED_NORM = [
    {"type": "batch_norm", "name": "a"},
    dense("b"),
    {"shares": "a", "name": "c"},
]

# Building -----------------------------------------------------------------------------------


def test_dry_network_may_be_larger_than_memory():
    """`check` and `summary` of a huge spec must not run out of memory."""
    layers = [dense("a") | {"units": 10**6}, dense("b") | {"units": 10**6}, {"type": "batch_norm"}]
    net = network(*layers, input_shape=(10**6,), dry=True, max_params=10**13)
    assert net.params["b/weight"].shape == (10**6, 10**6)
    assert net.out_shapes["output"] == (10**6,)
    assert sum(param.size for param in net.params.values()) > 2 * 10**12


def test_parameters_are_counted_before_they_are_allocated():
    with pytest.raises(SpecError, match=r"40,000,000,000 bytes|max-params") as caught:
        network(dense("a") | {"units": 10**10}, input_shape=(1,))
    assert caught.value.problems[0].pointer == "/network/layers/0"
    net = network(dense("a"), max_params=12)
    assert sum(param.size for param in net.params.values()) == 12
    with pytest.raises(SpecError, match="at most 11 are allowed"):
        network(dense("a"), max_params=11)


def test_all_layers_with_wrong_input_shapes_are_reported():
    with pytest.raises(ShapeError) as caught:
        network(
            dense("a"),
            {"type": "conv2d", "filters": 1, "kernel_size": 3, "name": "b"},
            {"type": "add", "inputs": ["a"], "name": "c"},
            join("concat", "d", "b", "c"),
        )
    assert [problem.pointer for problem in caught.value.problems] == [
        "/network/layers/1",
        "/network/layers/2",
    ]
    assert "its input is a (3,)" in str(caught.value)


def test_a_layer_with_too_many_inputs_is_a_shape_error():
    with pytest.raises(ShapeError, match="dense does not take 2 inputs; its inputs are a "):
        network(dense("a"), dense("b", ["a", "input"]))


def test_parameters_are_live_and_their_mapping_is_fixed():
    net = network(dense("a"), {"type": "batch_norm", "name": "n"}, {"shares": "a", "name": "again"})
    assert set(net.params) == {"a/weight", "a/bias", "n/gamma", "n/beta"}
    assert set(net.buffers) == {"n/running_mean", "n/running_var"}
    assert net.params["a/weight"] is net.nodes["a"].layer.params["weight"]
    assert net.buffers["n/running_var"] is net.nodes["n"].layer.buffers["running_var"]
    assert net.nodes["again"].layer is net.nodes["a"].layer
    x, before = draw(2, WIDTH), net.predict(draw(2, WIDTH))
    net.params["a/bias"][...] += 1
    assert not np.allclose(net.predict(x), before)
    for mapping in (net.params, net.buffers, net.nodes):
        with pytest.raises(TypeError):
            mapping["a/weight"] = 0


def test_nodes_are_in_topological_order():
    net = network(join("add", "c", "b", "a"), dense("b", "a"), dense("a", "input"), dense("d", "c"))
    assert list(net.nodes) == ["a", "b", "c", "d"]
    assert net.nodes["c"].inputs == ("b", "a")
    assert net.out_shapes["output"] == (WIDTH,)


def test_initial_parameter_depends_on_seed_and_name_alone():
    """A new node must not change the initial parameters of the others."""
    one, two = network(dense("a")), network(dense("b"), dense("a", "b"), input_shape=(WIDTH,))
    np.testing.assert_array_equal(one.params["a/weight"], two.params["a/weight"])
    other = Network({"layers": [dense("a")]}, (WIDTH,), dtype="float64", seed=2)
    assert not np.array_equal(one.params["a/weight"], other.params["a/weight"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_all_arrays_have_the_dtype_of_the_network(dtype):
    net = network(*SHARED_NORM, dtype=dtype)
    for given_dtype in ("float64", "float32", "uint8", "bool"):
        x = (draw(4, WIDTH) > 0).astype(given_dtype)
        passing = net.forward(x, training=True)
        assert passing.outputs["output"].dtype == dtype
        gradients = passing.backward({"output": draw(4, WIDTH).astype(dtype)})
        assert {gradient.dtype.name for gradient in gradients.values()} == {dtype}
        assert net.predict(x).dtype == dtype


# Predicting ---------------------------------------------------------------------------------

IMAGE_LAYERS = [
    {"type": "conv2d", "filters": 4, "kernel_size": 3},
    {"type": "batch_norm"},
    {"type": "relu"},
    {"type": "max_pool2d", "pool_size": 2},
    {"type": "dropout", "rate": 0.5},
    {"type": "flatten"},
    {"type": "dense", "units": 5},
]


@pytest.mark.parametrize("batch_size", [1, 2, 5, 7, 100])
def test_predictions_do_not_depend_on_the_batch_size(batch_size):
    net = network(*IMAGE_LAYERS, input_shape=(8, 8, 2), loss="softmax_cross_entropy")
    x = draw(7, 8, 8, 2)
    whole = net.predict(x)
    assert whole.shape == (7, 5)
    np.testing.assert_allclose(whole.sum(axis=1), 1)
    np.testing.assert_allclose(net.predict(x, batch_size=batch_size), whole, rtol=1e-12)
    np.testing.assert_array_equal(net.predict(x), whole, "prediction draws nothing, keeps nothing")


def test_predictions_belong_to_the_caller():
    """The next batch reuses the workspace and must not change returned arrays."""
    net = network({"type": "relu"})
    first = net.predict(draw(4, WIDTH))
    kept = first.copy()
    net.predict(draw(4, WIDTH, seed=1))
    np.testing.assert_array_equal(first, kept)


def test_prediction_for_no_samples_is_empty():
    net = network(*IMAGE_LAYERS, input_shape=(8, 8, 2), loss="softmax_cross_entropy")
    assert net.predict(np.empty((0, 8, 8, 2))).shape == (0, 5)


def test_prediction_without_a_loss_is_the_output():
    net, x = network(dense("a")), draw(2, WIDTH)
    weight, bias = net.params["a/weight"], net.params["a/bias"]
    np.testing.assert_allclose(net.predict(x), x @ weight + bias)


def test_embedding_gets_integer_indices():
    """In float32, index 16,777,217 would silently become 16,777,216."""
    net = network(
        {"type": "embedding", "input_dim": 2**24 + 2, "output_dim": 1, "name": "e"},
        dtype="float32",
        input_shape=(2,),
    )
    x = np.array([[2**24 + 1, 2**24]])
    weight = net.params["e/weight"]
    weight[...] = 0
    weight[2**24 + 1] = 7
    np.testing.assert_array_equal(net.predict(x)[0, :, 0], [7, 0])
    gradients = net.forward(x, training=True).backward({"output": np.ones((1, 2, 1), np.float32)})
    assert gradients["e/weight"][2**24 + 1] == 1


def test_inputs_by_short_or_full_name():
    net = network(*TWO_INPUTS, input_shape={"left": (WIDTH,), "right": (WIDTH,)})
    left, right = draw(4, WIDTH), draw(4, WIDTH, seed=1)
    long = net.predict({"input:left": left, "input:right": right})
    np.testing.assert_array_equal(net.predict({"right": right, "left": left}), long)
    assert net.input_shapes == {"input:left": (WIDTH,), "input:right": (WIDTH,)}


WRONG = {
    "another shape": (
        np.zeros((2, 4)),
        ShapeError,
        r"^input must have the shape \(N, 3\); its shape is \(2, 4\)$",
    ),
    "no batch axis": (np.zeros(3), ShapeError, r"its shape is \(3,\)"),
    "a number": (np.float64(1), ShapeError, r"its shape is \(\)"),
    "text": (np.array([["a", "b", "c"]]), DataError, "must hold real numbers"),
    "complex numbers": (np.zeros((2, 3), complex), DataError, "complex128"),
    "rows of several lengths": ([[1.0, 2.0, 3.0], [1.0]], ShapeError, "input is not an array"),
    "masked values": (
        np.ma.masked_invalid([[1.0, 2.0, np.nan]]),
        DataError,
        r"masked values; fill them with",
    ),
    "another name": ({"image": np.zeros((2, 3))}, ShapeError, "no array for the network's input"),
}


@pytest.mark.parametrize(("x", "error", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_inputs_are_an_error(x, error, message):
    net = network(dense("a"))
    for use in (net.predict, net.forward):
        with pytest.raises(error, match=message):
            use(x)


def test_an_array_with_nothing_masked_is_an_ordinary_one():
    net, x = network(dense("a")), draw(2, WIDTH)
    assert np.array_equal(net.predict(np.ma.asarray(x)), net.predict(x))


def test_inputs_of_different_lengths_are_an_error():
    net = network(*TWO_INPUTS)
    with pytest.raises(ShapeError, match="the same N for every input"):
        net.predict({"left": draw(2, WIDTH), "right": draw(3, WIDTH)})
    with pytest.raises(ShapeError, match="input:left, input:right; pass a dict"):
        net.predict(draw(2, WIDTH))


def test_input_without_a_shape_is_an_error():
    with pytest.raises(SpecError, match="input_shape"):
        Network({"layers": [dense("a")]})
    with pytest.raises(SpecError) as caught:
        network(*TWO_INPUTS, input_shape={"lefd": (WIDTH,), "right": (WIDTH,)})
    assert [(problem.pointer, problem.message) for problem in caught.value.problems] == [
        ("/network/layers/0/inputs/0", "there is no 'input:left', only input:lefd, input:right")
    ]
    with pytest.raises(ShapeError, match="each axis must be at least 1"):
        network(dense("a"), input_shape=(0,))


@pytest.mark.parametrize("shape", [3, (3.0,), "ab", {"input": 3}])
def test_invalid_input_shape_is_an_error(shape):
    with pytest.raises(ShapeError, match="a shape is a tuple of integers"):
        network(dense("a"), input_shape=shape)


@pytest.mark.parametrize("spec", [3, None, [dense("a")], "digits_cnn.json"])
def test_wrong_network_spec_is_an_error(spec):
    with pytest.raises(SpecError, match="the network must be the 'network' part of a spec"):
        Network(spec, (WIDTH,))


def test_batch_size_must_be_positive():
    with pytest.raises(ShapeError, match="batch_size must be at least 1, not 0"):
        network(dense("a")).predict(draw(2, WIDTH), batch_size=0)


WRONG_OPTIONS = [{"dtype": "float16"}, {"loss": "mean"}, {"loss": {"tpye": 1}}, {"loss": 3}]


@pytest.mark.parametrize("options", WRONG_OPTIONS)
def test_a_wrong_dtype_or_loss_is_a_spec_error(options):
    with pytest.raises(SpecError) as caught:
        network(dense("a"), **options)
    assert "pydantic" not in str(caught.value)
