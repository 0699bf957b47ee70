"""Networks of PyTorch, each with the layers of a network here that computes the same."""

import torch
from torch import nn

DENSE = {"type": "dense", "units": 5}


class Recurrent(nn.Module):
    """A recurrent module whose output of the last step is read."""

    def __init__(self, module, features):
        super().__init__()
        self.rnn, self.head = module, nn.Linear(features, 3)

    def forward(self, x):
        y, _ = self.rnn(x)
        return self.head(y)


class Attention(nn.Module):
    """An encoder layer that normalizes after each part, and learned positions."""

    def __init__(self):
        super().__init__()
        self.positions = nn.Parameter(torch.randn(1, 5, 8))
        self.encoder = nn.TransformerEncoder(
            nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True), 2,
            enable_nested_tensor=False,
        )  # fmt: skip

    def forward(self, x):
        return self.encoder(x + self.positions)


class Residual(nn.Module):
    """A block whose shortcut has a convolution and a normalization of its own."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 4, 3, 1, 1), nn.BatchNorm2d(4)
        self.downsample = nn.Sequential(nn.Conv2d(3, 4, 1, 2), nn.BatchNorm2d(4))

    def forward(self, x):
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        return torch.relu(y + self.downsample(x))


def block(name, source):
    """Return the layers of an encoder layer."""
    return [
        {"type": "multi_head_attention", "num_heads": 2, "name": f"{name}_a", "inputs": source},
        {"type": "add", "inputs": [source, f"{name}_a"], "name": f"{name}_b"},
        {"type": "layer_norm", "name": f"{name}_c"},
        {"type": "dense", "units": 12, "name": f"{name}_d"},
        {"type": "relu"},
        {"type": "dense", "units": 8, "name": f"{name}_e"},
        {"type": "add", "inputs": [f"{name}_c", f"{name}_e"], "name": f"{name}_f"},
        {"type": "layer_norm", "name": f"{name}_g"},
    ]


def conv(kind, filters, **options):
    return {"type": kind, "filters": filters, "kernel_size": 3, **options}


def recurrent(kind, units=4, **options):
    return {"type": kind, "units": units, "return_sequences": True, **options}


HEAD = {"type": "dense", "units": 3}
NETWORKS = {
    "dense": ((4,), lambda: nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.ReLU(),
                                          nn.Linear(5, 3, bias=False)),
              [DENSE, "batch_norm", "relu", {**HEAD, "use_bias": False}]),
    "conv2d": ((7, 6, 3), lambda: nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 6, 3, groups=2),
        nn.GroupNorm(2, 6), nn.PReLU(6), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(),
        nn.BatchNorm1d(24), nn.Linear(24, 5), nn.ReLU(), nn.Linear(5, 3)),
        [conv("conv2d", 4, padding=1), "batch_norm", "relu", conv("conv2d", 6, groups=2),
         {"type": "group_norm", "groups": 2}, {"type": "prelu", "shared_axes": [1, 2]},
         {"type": "max_pool2d", "pool_size": 2}, "flatten", {"type": "dropout", "rate": 0.5},
         "batch_norm", DENSE, "relu", HEAD]),
    "conv1d": ((9, 3), lambda: nn.Sequential(
        nn.Conv1d(3, 4, 3), nn.ReLU(), nn.ConvTranspose1d(4, 6, 3, stride=2), nn.Flatten(),
        nn.Linear(90, 3)),
        [conv("conv1d", 4), "relu", conv("conv1d_transpose", 6, strides=2), "flatten", HEAD]),
    "conv3d": ((4, 5, 6, 2), lambda: nn.Sequential(
        nn.Conv3d(2, 3, 3), nn.BatchNorm3d(3), nn.ConvTranspose3d(3, 4, 2), nn.Flatten(),
        nn.Linear(4 * 3 * 4 * 5, 3)),
        [conv("conv3d", 3), "batch_norm", conv("conv3d_transpose", 4, kernel_size=2), "flatten",
         HEAD]),
    "depthwise": ((6, 6, 4), lambda: nn.Sequential(
        nn.Conv2d(4, 8, 3, groups=4), nn.Conv2d(8, 8, 3, groups=8, bias=False),
        nn.Conv2d(8, 6, 1)),
        [{"type": "depthwise_conv2d", "kernel_size": 3, "depth_multiplier": 2},
         conv("separable_conv2d", 6)]),
    "depthwise_1d": ((8, 4), lambda: nn.Sequential(
        nn.Conv1d(4, 8, 3, groups=4), nn.Conv1d(8, 8, 3, groups=8, bias=False),
        nn.Conv1d(8, 6, 1)),
        [{"type": "depthwise_conv1d", "kernel_size": 3, "depth_multiplier": 2},
         conv("separable_conv1d", 6)]),
    "decoder": ((5,), lambda: nn.Sequential(
        nn.Linear(5, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Unflatten(1, (4, 2, 3)),
        nn.ConvTranspose2d(4, 6, 3, stride=2, groups=2), nn.Conv2d(6, 1, 3)),
        [{"type": "dense", "units": 24}, "batch_norm", "relu",
         {"type": "reshape", "target_shape": [2, 3, 4]},
         conv("conv2d_transpose", 6, strides=2, groups=2), conv("conv2d", 1)]),
    "image_norm": ((4, 5, 3), lambda: nn.Sequential(
        nn.LayerNorm((3, 4, 5)), nn.InstanceNorm2d(3, affine=True), nn.Conv2d(3, 2, 3)),
        [{"type": "layer_norm", "axis": [1, 2, 3]}, "instance_norm", conv("conv2d", 2)]),
    "sequence_norm": ((9, 3), lambda: nn.Sequential(
        nn.Conv1d(3, 7, 3), nn.ReLU(), nn.LayerNorm((7, 7)), nn.Conv1d(7, 4, 2),
        nn.LayerNorm((4, 6)), nn.Flatten(), nn.Linear(24, 3)),
        [conv("conv1d", 7), "relu", {"type": "layer_norm", "axis": [1, 2]},
         conv("conv1d", 4, kernel_size=2), {"type": "layer_norm", "axis": [1, 2]}, "flatten",
         HEAD]),
    "lstm": ((5, 3), lambda: Recurrent(nn.LSTM(3, 4, 2, batch_first=True), 4),
             [recurrent("lstm"), recurrent("lstm"), HEAD]),
    "lstm_bidirectional": ((5, 3), lambda: Recurrent(
        nn.LSTM(3, 4, bidirectional=True, batch_first=True), 8),
        [recurrent("lstm", bidirectional=True), HEAD]),
    "lstm_without_bias": ((5, 3), lambda: Recurrent(nn.LSTM(3, 4, bias=False, batch_first=True), 4),
                          [recurrent("lstm", use_bias=False), HEAD]),
    "gru": ((5, 3), lambda: Recurrent(nn.GRU(3, 4, bidirectional=True, batch_first=True), 8),
            [recurrent("gru", bidirectional=True), HEAD]),
    "simple_rnn": ((5, 3), lambda: Recurrent(nn.RNN(3, 4, batch_first=True), 4),
                   [recurrent("simple_rnn"), HEAD]),
    "transformer": ((5, 8), Attention, [
        {"type": "position_embedding", "name": "p"}, *block("x", "p"), *block("y", "x_g")]),
    "residual": ((6, 6, 3), Residual, [
        {"type": "conv2d", "filters": 4, "kernel_size": 1, "strides": 2}, "batch_norm",
        conv("conv2d", 4, strides=2, padding=1, inputs="input"), "batch_norm", "relu",
        conv("conv2d", 4, padding=1), "batch_norm",
        {"type": "add", "inputs": ["batch_norm_1", "batch_norm_3"]}, "relu"]),
    "rms_norm": ((5, 8), lambda: nn.Sequential(nn.RMSNorm(8, eps=1e-5), nn.Linear(8, 3)),
                 ["rms_norm", HEAD]),
}  # fmt: skip
"""Shape of a sample with channels last, the module, and the layers."""
