"""Transforms as operators of ONNX: the same arrays, of the same dtype, from raw inputs."""

import numpy as np
import pytest

from tinynet import registry
from tinynet.dataset import Field
from tinynet.spec.data_spec import TransformReference

from .running import GraphBuilder, assemble, run, transformed

pytestmark = pytest.mark.extra

DRAW = np.random.default_rng(0)
IMAGES = DRAW.integers(256, size=(3, 6, 5, 2)).astype(np.uint8)
NUMBERS = DRAW.normal(100, 7, size=(4, 3))
INTEGERS = [[3, -1, 700], [3, 3, 12], [12, 5, 5]]

PADDINGS = [
    {"type": "pad_image", "padding": [[1, 2], [0, 3]], "fill_mode": mode, "fill": fill}
    for mode, fill in (
        ("constant", 7), ("edge", 0), ("reflect", 0), ("symmetric", 0), ("wrap", 0)
    )
]  # fmt: skip

CASES = [
    ({"type": "scale", "factor": 1 / 255, "offset": -0.5}, "uint8", IMAGES),
    ({"type": "scale", "factor": 3.0}, "float64", NUMBERS),
    ({"type": "standardize"}, "uint8", IMAGES),
    ({"type": "standardize", "epsilon": 0.1}, "float64", NUMBERS),
    ({"type": "standardize"}, "int64", INTEGERS),
    ({"type": "standardize"}, "float32", [1.0, 5.0, 9.0]),
    ({"type": "one_hot", "num_classes": 800}, "int64", np.abs(INTEGERS)),
    ({"type": "vocabulary"}, "int64", INTEGERS),
    ({"type": "vocabulary"}, "uint8", IMAGES[..., 0]),
    ({"type": "vocabulary", "max_size": 3}, "int64", [[5, 1 << 40], [5, 5], [7, 1 << 40]]),
    ({"type": "center_crop", "size": [3, 2]}, "uint8", IMAGES),
    ({"type": "random_crop", "size": 3}, "uint8", IMAGES),
    ({"type": "random_crop", "size": [7, 2], "padding": 1, "fill": 9}, "uint8", IMAGES),
    ({"type": "random_crop", "padding": 2}, "float32", IMAGES),
    *((padding, "uint8", IMAGES) for padding in PADDINGS),
    ({"type": "random_flip"}, "uint8", IMAGES),
    ({"type": "random_rotate"}, "float32", IMAGES),
    ({"type": "random_brightness"}, "uint8", IMAGES),
    ({"type": "cutout", "size": 2}, "uint8", IMAGES),
    ({"type": "mixup"}, "float32", NUMBERS),
]


def make(options):
    reference = TransformReference.model_validate(
        {"on": "x", **options}, context={"configure": registry.default().configure}
    )
    return registry.default().create(reference)


@pytest.mark.parametrize(("options", "dtype", "samples"), CASES)
def test_a_transform_gives_the_same_arrays(options, dtype, samples):
    field = Field(np.shape(samples)[1:], dtype)
    found, expected = transformed(make(options), field, samples)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_unknown_values_have_the_index_of_unknown_values():
    """A value that the training data lack must not read beyond the table."""
    transform, field = make({"type": "vocabulary"}), Field((), "int64")
    state = transform.fit(field, iter([np.array([3, 5, 9])]))
    graph = GraphBuilder()
    x = graph.input("x", (), "int64")
    model = assemble(graph, {"y": transform.to_onnx(graph, state, field, x)})
    values = np.array([-(1 << 50), 2, 3, 4, 5, 9, 10, 1 << 50])
    assert run(model, {"x": values})["y"].tolist() == [0, 0, 1, 0, 2, 3, 0, 0]
