"""Images whose channels become features of a sequence: the rows after it are converted."""

import numpy as np
import pytest

from tinynet.network.network import Network

from .loading import load

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from .test_torch_oracle import channels_first, randomize  # noqa: E402

pytestmark = pytest.mark.oracle


class Model(nn.Module):
    """Layers, with a function between the first ones and the others."""

    def __init__(self, first, between, *rest):
        super().__init__()
        self.first, self.between, self.rest = first, between, nn.ModuleList(rest)

    def forward(self, x):
        x = self.between(self.first(x))
        for layer in self.rest:
            if isinstance(layer, nn.MultiheadAttention):
                x = layer(x, x, x)[0]
            elif isinstance(layer, nn.BatchNorm1d | nn.Conv1d) and x.ndim == 3:
                x = layer(x.transpose(1, 2)).transpose(1, 2)
            else:
                x = layer(x)
            x = x[0] if isinstance(x, tuple) else x
        return x


CONV2D = {"type": "conv2d", "filters": 4, "kernel_size": 3}
GRU = {"type": "gru", "units": 5, "return_sequences": True}
TIME_FIRST = {"type": "permute", "dims": [2, 1, 3]}
NO_MOVE = {"type": "permute", "dims": [1, 2, 3]}


def reshape(*shape):
    return {"type": "reshape", "target_shape": list(shape)}


def conv2d():
    return nn.Conv2d(3, 4, 3)  # (7, 5, 3) -> (5, 3, 4)


def rows(x):
    """Return a sequence over the rows of images: (N, C, H, W) -> (N, H, C * W)."""
    return x.permute(0, 2, 1, 3).flatten(2)


CASES = {
    "gru": (lambda: Model(conv2d(), rows, nn.GRU(12, 5, batch_first=True, bidirectional=True)),
            [CONV2D, reshape(5, 12), {**GRU, "bidirectional": True}], "gru_1"),
    "lstm": (lambda: Model(conv2d(), rows, nn.LSTM(12, 5, batch_first=True)),
             [CONV2D, reshape(5, -1), {**GRU, "type": "lstm"}], "lstm_1"),
    "dense": (lambda: Model(conv2d(), rows, nn.ReLU(), nn.LayerNorm(12), nn.Linear(12, 2)),
              [CONV2D, reshape(5, 12), "relu", "layer_norm", {"type": "dense", "units": 2}],
              "layer_norm_1, dense_1"),
    "columns": (lambda: Model(conv2d(), lambda x: x.permute(0, 3, 1, 2).flatten(2),
                              nn.GRU(20, 5, batch_first=True)),
                [CONV2D, TIME_FIRST, reshape(3, 20), GRU], "gru_1"),
    "attention": (lambda: Model(conv2d(), rows, nn.MultiheadAttention(12, 2, batch_first=True),
                                nn.Linear(12, 2)),
                  [CONV2D, reshape(5, 12), {"type": "multi_head_attention", "num_heads": 2},
                   {"type": "dense", "units": 2}], "multi_head_attention_1"),
    "convolution": (lambda: Model(conv2d(), rows, nn.BatchNorm1d(12), nn.Conv1d(12, 2, 3)),
                    [CONV2D, reshape(5, 12), "batch_norm",
                     {"type": "conv1d", "filters": 2, "kernel_size": 3}], "batch_norm_1, conv1d_1"),
    "flattened": (lambda: Model(conv2d(), rows, nn.Flatten(), nn.Linear(60, 2)),
                  [CONV2D, reshape(5, 12), "flatten", {"type": "dense", "units": 2}], "dense_1"),
    "single_step": (lambda: Model(conv2d(), lambda x: x.flatten(1).unsqueeze(1),
                                  nn.GRU(60, 5, batch_first=True)),
                    [CONV2D, reshape(1, 60), GRU], "gru_1"),
    "vector_as_sequence": (
        lambda: Model(conv2d(), lambda x: x.flatten(1).unsqueeze(1),
                      nn.GRU(60, 5, batch_first=True)),
        [CONV2D, "flatten", reshape(1, 60), GRU], ""),
    "channels_last": (lambda: Model(conv2d(), lambda x: x.permute(0, 2, 3, 1).flatten(2),
                                    nn.GRU(12, 5, batch_first=True)),
                      [CONV2D, NO_MOVE, reshape(5, 12), GRU], ""),
    "channels_first": (lambda: Model(conv2d(), nn.Flatten(), nn.Linear(60, 2)),
                       [CONV2D, {"type": "permute", "dims": [3, 1, 2]}, "flatten",
                        {"type": "dense", "units": 2}], ""),
    "tokens": (lambda: Model(conv2d(), lambda x: x.flatten(2).transpose(1, 2),
                             nn.GRU(4, 5, batch_first=True)),
               [CONV2D, reshape(15, 4), GRU], ""),
}  # fmt: skip
"""The module, the layers, and the nodes whose rows follow from an assumed order."""


def check(shape, make, layers, takers, path):
    torch.manual_seed(0)
    module = randomize(make())
    np.savez(path, **{name: tensor.numpy() for name, tensor in module.state_dict().items()})
    network = Network({"input_shape": list(shape), "layers": layers})
    plan = load(network, path)
    x = np.random.default_rng(0).standard_normal((3, *shape)).astype(np.float32)
    with torch.no_grad():
        y = module(torch.tensor(channels_first(x).copy())).numpy()
    np.testing.assert_allclose(network.predict(x), y, rtol=1e-5, atol=1e-5)
    notes = [note for note in plan.warnings if "may differ" in note]
    assert len(notes) == bool(takers)
    if takers:
        assert f"the order of the features of {takers} may differ" in notes[0]


@pytest.mark.parametrize("name", CASES)
def test_features_of_an_image_are_converted(name, tmp_path):
    """Otherwise a recognizer of text computes nonsense, without a message."""
    make, layers, takers = CASES[name]
    check((7, 5, 3), make, layers, takers, tmp_path / "weights.npz")


def test_features_of_a_volume_are_converted(tmp_path):
    def make():
        between = lambda x: x.permute(0, 2, 1, 3, 4).flatten(2)  # noqa: E731
        return Model(nn.Conv3d(2, 3, 2), between, nn.GRU(36, 5, batch_first=True))

    conv = {"type": "conv3d", "filters": 3, "kernel_size": 2}
    layers = [conv, reshape(3, 36), GRU]
    check((4, 5, 4, 2), make, layers, "gru_1", tmp_path / "weights.npz")


@pytest.mark.parametrize("is_plain", [True, False])
def test_sequences_of_vectors_become_images(tmp_path, is_plain):
    def make():
        def between(x):
            return x.unflatten(2, (4, 2)).permute(0, 2, 1, 3)

        return Model(nn.Linear(3, 8), between, nn.Conv2d(4, 2, 1))

    conv = {"type": "conv2d", "filters": 2, "kernel_size": 1}
    layers = [{"type": "dense", "units": 8}, reshape(5, 2, 4),
              *([] if is_plain else ["identity"]), conv]  # fmt: skip
    torch.manual_seed(0)
    module = randomize(make())
    path = tmp_path / "weights.npz"
    np.savez(path, **{name: tensor.numpy() for name, tensor in module.state_dict().items()})
    network = Network({"input_shape": [5, 3], "layers": layers})
    plan = load(network, path)
    x = np.random.default_rng(0).standard_normal((3, 5, 3)).astype(np.float32)
    with torch.no_grad():
        y = np.moveaxis(module(torch.tensor(x)).numpy(), 1, -1)
    np.testing.assert_allclose(network.predict(x), y, rtol=1e-5, atol=1e-5)
    assert "the order of the features of dense_1 may differ" in plan.warnings[0]
