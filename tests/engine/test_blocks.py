"""Predictions in blocks: the bits of a sample do not depend on the others, whatever the layers."""

import numpy as np
import pytest

from tinynet.data.data import Data
from tinynet.engine.sharding import MAX_BLOCK, MIN_SHARD, Cost, block_size
from tinynet.network.from_spec import network_from_spec
from tinynet.network.network import Network
from tinynet.spec.reading import load_spec

MODELS = (
    "alice_gpt", "digits_cnn", "digits_siamese", "keywords_dscnn", "sentences_sentiment",
    "series_tcn", "shapes_two_inputs", "shapes_unet", "words_tagger",
)  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_sample_has_the_same_bits_alone_and_among_others(request, name):
    spec = load_spec(request.config.rootpath / "models" / f"{name}.json")
    data = Data(spec.data, spec.folder, spec.training.seed)
    network = network_from_spec(spec, data.input_shapes)
    inputs = data.batch("train", np.arange(23)).inputs
    together = network.predict_outputs(inputs, in_blocks=True)
    for rows in (slice(0, 1), slice(11, 12), slice(22, 23), slice(3, 20)):
        part = {key: array[rows] for key, array in inputs.items()}
        for threads in (1, 2):
            alone = network.predict_outputs(part, in_blocks=True, threads=threads)
            for output, array in alone.items():
                np.testing.assert_array_equal(array, together[output][rows])


@pytest.mark.parametrize("count", [0, 1, 127, 128, 129, 300])
def test_blocks_have_a_prediction_for_each_sample(count):
    network = Network({"layers": [{"type": "dense", "units": 3}]}, (4,))
    x = np.random.default_rng(0).normal(size=(count, 4)).astype(np.float32)
    (found,) = network.predict_outputs(x, in_blocks=True).values()
    assert found.shape == (count, 3)
    np.testing.assert_allclose(found, network.predict(x), rtol=1e-5, atol=1e-6)


def test_block_is_a_power_of_two_and_smaller_for_costly_networks():
    sizes = [block_size(Cost(flops, 1, 1)) for flops in (1, 10**5, 10**6, 10**7, 10**10)]
    assert sizes == sorted(sizes, reverse=True)
    assert (sizes[0], sizes[-1]) == (MAX_BLOCK, MIN_SHARD)
    assert all(size & (size - 1) == 0 for size in sizes)


def test_layer_that_needs_the_whole_batch_still_gets_it():
    layers = ["batch_norm", {"type": "dense", "units": 2}]
    network = Network({"layers": layers}, (4,))
    assert network.predict_outputs(np.ones((5, 4)), in_blocks=True)["output"].shape == (5, 2)
