import numpy as np
import pytest
from pydantic import ValidationError

from tinynet.builtin.layers.sequence_mask import SequenceMask
from tinynet.errors import DataError
from tinynet.layer import Build, ShapeError
from tinynet.layer.context import Context
from tinynet.network.network import Network


def mask_of(x, dtype="float32", **options):
    x = np.array(x)
    config = SequenceMask.Config(**options)
    layer = SequenceMask(config, (x.shape[1:],), Build(dtype=np.dtype(dtype)))
    mask, _ = layer.forward(Context(node="mask_1", first_sample=10), x)
    assert mask.shape == (len(x), *layer.out_shape)
    return mask


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_tokens_count_where_they_are_not_padding(dtype):
    mask = mask_of([[5, 3, 0, 0], [0, 1, 2, 0]], dtype)
    assert mask.dtype == dtype
    np.testing.assert_array_equal(mask, [[1, 1, 0, 0], [0, 1, 1, 0]])


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_padding_may_be_any_number_in_any_dtype(dtype):
    tokens = np.array([[7, 1, 7]], dtype)
    np.testing.assert_array_equal(mask_of(tokens, padding_value=7), [[0, 1, 0]])
    np.testing.assert_array_equal(mask_of(tokens, padding_value=-1), [[1, 1, 1]])


@pytest.mark.parametrize("shape", [(4,), (4, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_lengths_count_positions_before_them(shape, dtype):
    lengths = np.array([0, 1, 3, 9], dtype).reshape(shape)
    mask = mask_of(lengths, max_length=3)
    np.testing.assert_array_equal(mask, [[0, 0, 0], [1, 0, 0], [1, 1, 1], [1, 1, 1]])


@pytest.mark.parametrize("bad", [-1.0, 1.5, np.nan])
def test_a_length_that_is_no_count_is_refused_with_its_sample(bad):
    with pytest.raises(DataError) as caught:
        mask_of([1.0, bad], max_length=3)
    assert str(caught.value) == (
        f"mask_1: length {bad} (sample 11 of the batch) is not a whole number of at least 0;"
        " correct the data, or use the lengths as they were before any scaling"
    )


@pytest.mark.parametrize(
    ("in_shape", "options", "message"),
    [
        ((4, 2), {}, r"needs tokens of shape \(T,\); it got \(4, 2\)$"),
        ((), {}, r"it got \(\): set max_length if these are lengths"),
        ((4,), {"max_length": 4}, r"lengths of shape \(\) or \(1,\); it got \(4,\): remove"),
    ],
)
def test_other_shapes_are_refused(in_shape, options, message):
    with pytest.raises(ShapeError, match=message):
        SequenceMask(SequenceMask.Config(**options), (in_shape,), Build())


@pytest.mark.parametrize(
    "options", [{"max_length": 0}, {"padding_value": 0.5}, {"max_length": 3, "padding_value": 1}]
)
def test_impossible_options_are_refused(options):
    with pytest.raises(ValidationError):
        SequenceMask.Config(**options)


def test_cost():
    layer = SequenceMask(SequenceMask.Config(max_length=5), ((),), Build())
    assert layer.cost() == (5, 20)


def test_a_spec_masks_the_embeddings_of_its_own_tokens():
    network = Network(
        {
            "input_shape": [3],
            "layers": [
                {"type": "embedding", "input_dim": 9, "output_dim": 2, "name": "vectors",
                 "weight_initializer": "ones"},
                {"type": "sequence_mask", "inputs": "input"},
                {"type": "reshape", "target_shape": [3, 1]},
                {"type": "multiply", "inputs": ["vectors", "reshape_1"]},
            ],
        }
    )  # fmt: skip
    y = network.predict(np.array([[4, 8, 0]]))
    np.testing.assert_array_equal(y, [[[1, 1], [1, 1], [0, 0]]])
