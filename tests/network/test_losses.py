"""The loss, weight and target of each output of a network."""

import numpy as np
import pytest

from tinynet.builtin.losses.regression import MSE
from tinynet.builtin.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from tinynet.engine.losses import OutputLoss
from tinynet.errors import SpecError
from tinynet.network.losses import output_losses, targets_of
from tinynet.network.network import Network
from tinynet.spec.training_spec import LossReference

LOSS = MSE(MSE.Config())
SHAPES = {"a": (2,), "b": (3,)}


def dense(name, units, inputs="input"):
    return {"type": "dense", "units": units, "name": name, "inputs": inputs}


def network(outputs, **options):
    spec = {"layers": [dense("a", 2), dense("b", 3)], "outputs": outputs}
    return Network(spec, (4,), seed=1, **options)


def problems(call, *arguments):
    with pytest.raises(SpecError) as caught:
        call(*arguments)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    "loss",
    [LOSS, "mse", {"type": "mse"}, LossReference(type="mse"), {"output": "mse"}, {"output": LOSS}],
)
def test_loss_of_an_only_output_has_several_forms(loss):
    (head,) = output_losses(loss, {"output": (3,)})
    assert (head.name, head.weight, head.target) == ("output", 1.0, None)
    assert isinstance(head.loss, MSE)


def test_weight_and_target_are_those_of_the_spec():
    losses = {
        "b": {"type": "mse", "weight": 2.0},
        "a": {"type": "softmax_cross_entropy", "target": "kind", "label_smoothing": 0.1},
    }
    first, second = output_losses(losses, SHAPES)
    assert isinstance(first.loss, SoftmaxCrossEntropy)
    assert (first.name, first.weight, first.target) == ("a", 1.0, "kind")
    assert (second.name, second.weight, second.target) == ("b", 2.0, None)
    assert (first.pointer, second.pointer) == ("/training/loss/a", "/training/loss/b")


def test_loss_may_be_an_object():
    first, second = output_losses({"a": LOSS, "b": {"type": "mae", "weight": 0.5}}, SHAPES)
    assert first.loss is LOSS
    assert second.weight == 0.5


def test_network_without_a_loss_has_no_losses():
    assert output_losses(None, SHAPES) == ()


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (
            "mse",
            [
                "/loss: the network has the outputs a, b; name those that the losses are for:"
                ' {"a": {"type": "mse"}, "b": {"type": "mse"}} (an output that is left out is not'
                " trained)"
            ],
        ),
        (
            LOSS,
            [
                "/loss: the network has the outputs a, b; name those that the losses are for:"
                ' {"a": {"type": "..."}, "b": {"type": "..."}} (an output that is left out is not'
                " trained)"
            ],
        ),
        (
            {"a": "mse", "b": "mse", "c": "mse"},
            ["/loss/c: the network has no output 'c'; available: a, b"],
        ),
        (
            {"a": "mze", "b": LOSS},
            ["/loss/a: there is no loss 'mze'; did you mean 'mse'?"],
        ),
    ],
)
def test_losses_for_wrong_outputs_are_an_error(loss, expected):
    assert problems(output_losses, loss, SHAPES) == expected


# Targets ------------------------------------------------------------------------------------


def head(output, target=None):
    return OutputLoss(output, LOSS, target=target, pointer=f"/training/loss/{output}")


@pytest.mark.parametrize(
    ("target", "targets", "expected"),
    [
        ("mask", ["kind", "mask"], "mask"),  # said by the spec
        (None, ["kind", "mask"], "kind"),  # called like the output
        ("mask", ["kind", "mask", "area"], "mask"),
        (None, ["target"], "target"),  # the only one
    ],
)
def test_target_of_an_output(target, targets, expected):
    assert targets_of([head("kind", target)], targets, ["input"]) == {"kind": expected}


def test_two_outputs_may_have_the_same_target():
    heads = [head("kind"), head("again", "kind")]
    assert targets_of(heads, ["kind", "area"], ["input"]) == {"kind": "kind", "again": "kind"}


def test_all_outputs_without_a_target_are_reported():
    """An output must never be trained on an arbitrary target."""
    heads = [head("shape"), head("size", "aera"), head("kind")]
    assert problems(targets_of, heads, ["kind", "area"], ["input"]) == [
        "/training/loss/shape/target: the output 'shape' could be compared with any of area, kind;"
        " name one of them as 'target'",
        "/training/loss/size/target: there is no target 'aera'; did you mean 'area'?",
    ]


# Predictions --------------------------------------------------------------------------------


def test_several_outputs_are_predicted_by_name():
    x = np.random.default_rng(0).random((5, 4), np.float32)
    raw = network(["b", "a"]).predict(x, batch_size=2)
    assert {name: array.shape for name, array in raw.items()} == {"a": (5, 2), "b": (5, 3)}
    losses = {"a": "mse", "b": "softmax_cross_entropy"}
    predicted = network({"b": "b", "a": "a"}, loss=losses).predict(x)
    np.testing.assert_allclose(predicted["a"], raw["a"], rtol=1e-5)
    np.testing.assert_allclose(predicted["b"].sum(axis=1), 1, rtol=1e-6)


def test_outputs_are_ordered_by_name():
    """A checkpoint keeps no order of keys, so the order in the file would not survive a resume."""
    assert list(network(["b", "a"]).outputs) == ["a", "b"]
    assert [h.name for h in network(["b", "a"], loss={"b": "mse", "a": "mse"}).losses] == [
        "a",
        "b",
    ]


def test_only_output_is_predicted_as_an_array():
    layers = [dense("a", 2)]
    named = Network({"layers": layers, "outputs": {"kind": "a"}}, (4,), loss={"kind": "mse"})
    plain = Network({"layers": layers}, (4,), loss="mse")
    x = np.ones((3, 4), np.float32)
    np.testing.assert_array_equal(named.predict(x), plain.predict(x))
    assert named.out_shapes == {"kind": (2,)}
    assert isinstance(named.loss, MSE)
    assert network(["a", "b"], loss={"a": "mse", "b": "mse"}).loss is None
