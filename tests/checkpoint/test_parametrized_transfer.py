"""Transfers into networks with parametrized parameters, from networks without them too."""

import numpy as np
import pytest

from tinynet.checkpoint.transfer import apply_transfer
from tinynet.checkpoint.transfer_rules import STRICT, TransferRules
from tinynet.checkpoint.weight_transfer import as_tensors, plan_weight_transfer
from tinynet.errors import SpecError
from tinynet.files.array_header import ArrayHeader

from .transfers import network, refusal, transferred

DENSE = {"type": "dense", "units": 5}
NORM = [{"type": "weight_norm", "params": "dense_1/weight"}]
SPECTRAL = [{"type": "spectral_norm", "params": "dense_1/weight"}]


def weight_of(net):
    net.refresh()
    return net.nodes["dense_1"].layer.params["weight"]


@pytest.mark.parametrize("parametrizations", [NORM, SPECTRAL])
def test_arrays_are_carried_by_address(parametrizations):
    old, new = (network(DENSE, seed=seed, parametrizations=parametrizations) for seed in (1, 2))
    for array in old.params.values():
        array += 0.5
    assert "new" not in transferred(old, new, STRICT)
    np.testing.assert_array_equal(weight_of(new), weight_of(old))


def test_weight_norm_starts_from_a_plain_weight():
    old, new = network(DENSE, seed=1), network(DENSE, seed=2, parametrizations=NORM)
    assert transferred(old, new, STRICT).split("\n") == [
        "carried     dense_1/bias (5,)",
        "carried     dense_1/weight (4, 5)",
    ]
    weight = old.params["dense_1/weight"]
    np.testing.assert_array_equal(new.params["dense_1/weight_v"], weight)
    norms = np.linalg.norm(weight, axis=0)
    np.testing.assert_allclose(new.params["dense_1/weight_g"], norms, rtol=1e-6)
    np.testing.assert_allclose(weight_of(new), weight, rtol=1e-6)


def test_spectral_norm_starts_from_a_plain_weight():
    old, new = network(DENSE, seed=1), network(DENSE, seed=2, parametrizations=SPECTRAL)
    transferred(old, new, STRICT)
    largest = np.linalg.norm(old.params["dense_1/weight"], 2)
    np.testing.assert_allclose(weight_of(new), old.params["dense_1/weight"] / largest, rtol=0.02)


def test_weight_of_another_name_is_mapped_to_the_parameter():
    old = network({**DENSE, "name": "before"}, seed=1)
    new = network(DENSE, seed=2, parametrizations=NORM)
    pairs = {f"before/{name}": f"dense_1/{name}" for name in ("weight", "bias")}
    transferred(old, new, TransferRules(map=pairs))
    np.testing.assert_allclose(weight_of(new), old.params["before/weight"], rtol=1e-6)


def test_file_of_plain_weights_is_taken():
    old, new = network(DENSE, seed=1), network(DENSE, seed=2, parametrizations=NORM)
    headers = {name: ArrayHeader.of(array) for name, array in old.params.items()}
    plan = plan_weight_transfer(new, headers, STRICT, "weights.npz")
    apply_transfer(plan, new, as_tensors(old.params))
    np.testing.assert_allclose(weight_of(new), old.params["dense_1/weight"], rtol=1e-6)


def test_weight_of_another_size_is_refused():
    old = network({"type": "dense", "units": 6}, seed=1)
    new = network(DENSE, seed=2, parametrizations=NORM)
    text = refusal(old, new)
    assert "dense_1/weight_g (5,) has no source in the checkpoint: --allow-new" in text
    assert "dense_1/weight (4, 6) of the checkpoint is not used" in text


def test_zeros_cannot_be_a_direction():
    old, new = network(DENSE, seed=1), network(DENSE, seed=2, parametrizations=NORM)
    old.params["dense_1/weight"][:, 2] = 0
    with pytest.raises(SpecError, match="the initial weights of a unit are all 0"):
        transferred(old, new, STRICT)


def test_zeros_have_no_singular_vectors():
    old, new = network(DENSE, seed=1), network(DENSE, seed=2, parametrizations=SPECTRAL)
    old.params["dense_1/weight"][:] = 0
    with pytest.raises(SpecError, match="the initial weights are all 0, whose largest"):
        transferred(old, new, STRICT)


def test_plain_network_does_not_take_the_arrays():
    old, new = network(DENSE, seed=1, parametrizations=NORM), network(DENSE, seed=2)
    assert "dense_1/weight_g (5,) of the checkpoint is not used" in refusal(old, new)
