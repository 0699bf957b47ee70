import numpy as np

import tinynet
from tinynet.builtin.layers.stop_gradient import StopGradient
from tinynet.layer import Build, LayerConfig
from tinynet.layer.context import Context

DENSE = {"type": "dense", "units": 1, "use_bias": False, "weight_initializer": "ones"}


def trained(*layers):
    """Return the parameters after one step of SGD from ones, towards 0."""
    spec = {
        "tinynet": 1,
        "name": "stopped",
        "network": {"input_shape": [2], "dtype": "float64", "layers": list(layers)},
        "training": {
            "steps": 1,
            "loss": "mse",
            "optimizer": {"type": "sgd", "learning_rate": 0.125},
        },
    }
    trainer = tinynet.Trainer(spec)
    trainer.train_step(np.array([[1.0, 3.0]]), np.array([[0.0]]))
    return trainer.network.params


def test_the_output_is_the_input():
    layer = StopGradient(LayerConfig(), ((2, 3),), Build())
    x = np.arange(6.0).reshape(1, 2, 3)
    y, _ = layer.forward(Context(), x)
    assert layer.out_shape == (2, 3)
    np.testing.assert_array_equal(y, x)


def test_layers_before_it_do_not_learn():
    params = trained(DENSE, "stop_gradient", DENSE)
    np.testing.assert_array_equal(params["dense_1/weight"], [[1], [1]])
    # y = 4, dy = 2 * 4 = 8, and the input of dense_2 is 4.
    np.testing.assert_allclose(params["dense_2/weight"], [[1 - 0.125 * 8 * 4]])


def test_a_branch_beside_it_still_learns():
    """As in x * stop_gradient(x): the gradient is that of one factor alone."""
    params = trained(
        {**DENSE, "name": "first"},
        "stop_gradient",
        {"type": "multiply", "inputs": ["first", "stop_gradient_1"]},
    )
    # y = 4 * 4 = 16, dy = 32, and the gradient of `first` is 32 * 4.
    np.testing.assert_allclose(params["first/weight"], [[1 - 0.125 * 128], [1 - 0.125 * 384]])
