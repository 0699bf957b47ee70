"""The summary and the representation of a network in Python."""

from tinynet.network.network import Network

LAYERS = [
    {"type": "conv2d", "filters": 2, "kernel_size": 3},
    "flatten",
    {"type": "dense", "units": 3},
]


def network():
    spec = {"layers": LAYERS}
    return Network(spec, (6, 6, 1), trainable=["dense_1/*"], loss="softmax_cross_entropy")


def test_representation_has_shapes_and_parameters():
    assert repr(network()) == "<Network: input 6x6x1 -> output 3; 119 parameters, float32>"


def test_summary_is_a_table_of_layers():
    summary = network().summary()
    assert [row.params for row in summary.rows] == [20, 0, 99]
    assert str(summary).splitlines() == [
        "network: input 6x6x1, float32",
        "node       type     inputs     output  parameters",
        "conv2d_1   conv2d   input      4x4x2           20",
        "flatten_1  flatten  conv2d_1   32               0",
        "dense_1    dense    flatten_1  3               99",
        "119 parameters, 20 of them not trained",
    ]
    assert repr(summary) == str(summary)
