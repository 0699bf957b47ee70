"""Networks trained for a few steps, compared with the same networks in PyTorch."""

import numpy as np
import pytest

from tinynet.spec.reading import load_spec
from tinynet.training.trainer import Trainer

torch = pytest.importorskip("torch")

pytestmark = pytest.mark.oracle

STEPS = 5
BATCH = 12


def make_trainer(input_shape, layers, optimizer, **training):
    return Trainer(
        load_spec(
            {
                "tinynet": 1,
                "name": "oracle",
                "network": {"input_shape": input_shape, "dtype": "float64", "layers": layers},
                "training": {
                    "steps": STEPS,
                    "batch_size": BATCH,
                    "seed": 3,
                    "loss": "softmax_cross_entropy",
                    "optimizer": optimizer,
                    **training,
                },
            }
        )
    )


def tensors(network):
    """Return every parameter and buffer as a tensor with its own memory."""
    arrays = {**network.params, **network.buffers}
    return {name: torch.tensor(array.copy()) for name, array in arrays.items()}


def conv(x, weight, bias=None, **options):
    """Convolve channels-last arrays with PyTorch."""
    y = torch.nn.functional.conv2d(
        x.permute(0, 3, 1, 2), weight.permute(3, 2, 0, 1), bias, **options
    )
    return y.permute(0, 2, 3, 1)


def max_pool(x):
    return torch.nn.functional.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


def batch_norm(x, t, name):
    """Normalize a batch, and update the running statistics in ``t``."""
    y = torch.nn.functional.batch_norm(
        x.movedim(-1, 1),
        t[f"{name}/running_mean"],
        t[f"{name}/running_var"],
        t[f"{name}/gamma"],
        t[f"{name}/beta"],
        training=True,
        momentum=0.1,
        eps=1e-5,
    )
    return y.movedim(1, -1)


def assert_same_training(trainer, forward, optimizer, batch=BATCH, accumulate=1):
    """Train both on the same batches; compare losses, parameters and buffers."""
    network = trainer.network
    theirs = tensors(network)
    learned = [theirs[name].requires_grad_() for name in sorted(network.trainable)]
    optimizer = optimizer(learned)
    rng = np.random.default_rng(0)
    classes = network.out_shapes["output"][-1]
    for _ in range(STEPS):
        x = rng.standard_normal((batch * accumulate, *network.input_shapes["input"]))
        y = rng.integers(classes, size=batch * accumulate)
        optimizer.zero_grad()
        total = 0.0
        for rows in np.split(np.arange(len(y)), accumulate):
            logits = forward(theirs, torch.tensor(x[rows]))
            loss = torch.nn.functional.cross_entropy(logits, torch.tensor(y[rows]), reduction="sum")
            (loss / len(y)).backward()
            total += loss.item() / len(y)
        optimizer.step()
        assert trainer.train_step(x, y) == pytest.approx(total, rel=1e-12)
    for name, array in {**network.params, **network.buffers}.items():
        np.testing.assert_allclose(
            array, theirs[name].detach().numpy(), rtol=1e-9, atol=1e-9, err_msg=name
        )


CONVOLUTIONAL = [
    {"type": "conv2d", "filters": 4, "kernel_size": 3, "padding": "same", "use_bias": False},
    {"type": "batch_norm"},
    {"type": "relu"},
    {"type": "max_pool2d", "pool_size": 2},
    {"type": "conv2d", "filters": 3, "kernel_size": 3},
    {"type": "gelu"},
    {"type": "flatten"},
    {"type": "dense", "units": 5},
]


def convolutional(t, x):
    x = batch_norm(conv(x, t["conv2d_1/weight"], padding=1), t, "batch_norm_1")
    x = max_pool(torch.relu(x))
    x = torch.nn.functional.gelu(conv(x, t["conv2d_2/weight"], t["conv2d_2/bias"]))
    return x.reshape(len(x), -1) @ t["dense_1/weight"] + t["dense_1/bias"]


def test_a_convolutional_network_with_batch_norm():
    sgd = {"type": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True}
    assert_same_training(
        make_trainer([8, 8, 2], CONVOLUTIONAL, sgd),
        convolutional,
        lambda params: torch.optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True),
    )


def test_gradients_of_several_batches_summed_for_one_update():
    """Each batch has its own statistics and updates the running ones."""
    assert_same_training(
        make_trainer([8, 8, 2], CONVOLUTIONAL, {"type": "adam"}, accumulate=3),
        convolutional,
        lambda params: torch.optim.Adam(params, lr=0.001),
        accumulate=3,
    )


def test_a_residual_graph_with_a_frozen_layer():
    layers = [
        {"type": "dense", "units": 6, "name": "stem"},
        {"type": "tanh", "name": "act"},
        {"type": "dense", "units": 6, "name": "inner", "use_bias": False},
        {"type": "batch_norm", "name": "norm"},
        {"type": "add", "inputs": ["norm", "act"], "name": "sum"},
        {"type": "dense", "units": 6, "name": "fixed", "trainable": False},
        {"type": "multiply", "inputs": ["fixed", "sum", "stem"], "name": "gate"},
        {"type": "concat", "inputs": ["gate", "act", "gate"]},
        {"type": "dense", "units": 4, "name": "head"},
    ]

    def affine(t, name, x):
        return x @ t[f"{name}/weight"] + t[f"{name}/bias"]

    def forward(t, x):
        stem = affine(t, "stem", x)
        act = torch.tanh(stem)
        total = batch_norm(act @ t["inner/weight"], t, "norm") + act
        gate = affine(t, "fixed", total) * total * stem
        return affine(t, "head", torch.cat([gate, act, gate], dim=1))

    trainer = make_trainer([5], layers, {"type": "adamw", "learning_rate": 0.01})
    before = trainer.network.params["fixed/weight"].copy()
    assert_same_training(
        trainer, forward, lambda params: torch.optim.AdamW(params, lr=0.01, weight_decay=0.01)
    )
    np.testing.assert_array_equal(trainer.network.params["fixed/weight"], before)


def test_layer_shared_by_three_nodes():
    layers = [
        {"type": "dense", "units": 6, "name": "step"},
        {"type": "tanh", "name": "first"},
        {"shares": "step", "name": "second"},
        {"shares": "step", "name": "side", "inputs": "input"},
        {"type": "add", "inputs": ["second", "side"]},
        {"type": "dense", "units": 3, "name": "head"},
    ]

    def forward(t, x):
        def step(x):
            return x @ t["step/weight"] + t["step/bias"]

        y = step(torch.tanh(step(x))) + step(x)
        return y @ t["head/weight"] + t["head/bias"]

    assert_same_training(
        make_trainer([6], layers, {"type": "rmsprop", "learning_rate": 0.01}),
        forward,
        lambda params: torch.optim.RMSprop(params, lr=0.01, alpha=0.9, eps=1e-8),
    )
