"""Layers of small networks, with what Keras computes for them: ``keras_networks.npz``.

This program writes the file anew: ``KERAS_BACKEND=torch python keras_networks.py`` needs Keras 3.
"""

from pathlib import Path

import numpy as np

FILE = Path(__file__).with_suffix(".npz")
HEAD = {"type": "dense", "units": 3}


def conv(kind, filters, **options):
    return {"type": kind, "filters": filters, "kernel_size": 3, **options}


def recurrent(kind, **options):
    return {"type": kind, "units": 4, "return_sequences": True, **options}


NETWORKS = {
    "images": (
        (7, 6, 3),
        [conv("conv2d", 4, padding="same"), {"type": "batch_norm", "epsilon": 0.001}, "relu",
         {"type": "depthwise_conv2d", "kernel_size": 3, "depth_multiplier": 2},
         conv("separable_conv2d", 6), {"type": "prelu", "shared_axes": [1, 2]},
         conv("conv2d_transpose", 5, strides=2), "flatten", {"type": "dense", "units": 5}, "relu",
         HEAD],
    ),
    "volumes": ((4, 4, 4, 1), [conv("conv3d", 2), "flatten", HEAD]),
    "sequences": (
        (6, 3),
        [conv("conv1d", 4, padding="same"), recurrent("lstm", bidirectional=True),
         {"type": "layer_norm", "epsilon": 0.001}, recurrent("gru"),
         recurrent("gru", reset_after=False), recurrent("simple_rnn"),
         {"type": "lstm", "units": 3}, HEAD],
    ),
    "attention": (
        (5, 6),
        [{"type": "multi_head_attention", "num_heads": 2, "key_dim": 4, "value_dim": 3},
         {"type": "group_norm", "groups": 2, "epsilon": 0.001}, HEAD],
    ),
    "tokens": ((4,), [{"type": "embedding", "input_dim": 9, "output_dim": 5}, HEAD]),
}  # fmt: skip
"""Shape of a sample, and the layers."""


def keras_models():
    """Return the models of Keras that compute the same."""
    from keras import Input, Model, Sequential, layers

    def heads(query):
        return layers.MultiHeadAttention(2, 4, 3)(query, query)

    sequence = Input((5, 6))
    attention = layers.Dense(3)(layers.GroupNormalization(2)(heads(sequence)))
    return {
        "images": Sequential([
            Input((7, 6, 3)), layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization(),
            layers.ReLU(), layers.DepthwiseConv2D(3, depth_multiplier=2),
            layers.SeparableConv2D(6, 3), layers.PReLU(shared_axes=[1, 2]),
            layers.Conv2DTranspose(5, 3, strides=2), layers.Flatten(),
            layers.Dense(5, activation="relu"), layers.Dropout(0.5), layers.Dense(3)]),
        "volumes": Sequential([
            Input((4, 4, 4, 1)), layers.Conv3D(2, 3), layers.Flatten(), layers.Dense(3)]),
        "sequences": Sequential([
            Input((6, 3)), layers.Conv1D(4, 3, padding="same"),
            layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
            layers.LayerNormalization(), layers.GRU(4, return_sequences=True),
            layers.GRU(4, return_sequences=True, reset_after=False),
            layers.SimpleRNN(4, return_sequences=True), layers.LSTM(3), layers.Dense(3)]),
        "attention": Model(sequence, attention),
        "tokens": Sequential([Input((4,)), layers.Embedding(9, 5), layers.Dense(3)]),
    }  # fmt: skip


def numbered_weights(model, folder):
    """Return the arrays of Keras's own file of weights, by their names in it."""
    import h5py

    path = folder / "model.weights.h5"
    model.save_weights(path)
    arrays = {}

    def add(name, item):
        if isinstance(item, h5py.Dataset):
            arrays[name] = item[...]

    with h5py.File(path) as file:
        file.visititems(add)
    return arrays


def write(folder):
    """Write the file; ``folder`` is for temporary files."""
    arrays = {}
    rng = np.random.default_rng(0)
    for name, model in keras_models().items():
        for weight in model.weights:
            if "seed" not in weight.path:
                low = 0.5 if weight.path.endswith(("variance", "gamma")) else -0.7
                weight.assign(rng.uniform(low, low + 1.4, weight.shape).astype(np.float32))
        shape = NETWORKS[name][0]
        x = rng.standard_normal((2, *shape)).astype(np.float32)
        if name == "tokens":
            x = rng.integers(0, 9, (2, *shape)).astype(np.int32)
        y = np.array(model.predict(x, verbose=0))
        files = {
            "paths": {weight.path: np.array(weight.numpy()) for weight in model.weights},
            "numbers": numbered_weights(model, folder),
        }
        arrays |= {f"{name}|x": x, f"{name}|y": y}
        for kind, weights in files.items():
            arrays |= {f"{name}|{kind}|{key}": array for key, array in weights.items()}
    np.savez_compressed(FILE, **arrays)


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        write(Path(folder))
