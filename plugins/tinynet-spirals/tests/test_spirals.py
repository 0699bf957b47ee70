"""The spirals: their protocol, their points and fingerprint, and the example."""

from pathlib import Path

import numpy as np
import pytest
from tinynet_spirals import Spirals

import tinynet
from tinynet.testing import dataset_checks

SPEC = Path(__file__).parents[1] / "spirals.json"
CHECKS = [check for case in Spirals.examples for check in dataset_checks(Spirals, **case)]


@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_conforms_to_the_protocol_of_datasets(check):
    check()


def spirals(**options):
    return Spirals(Spirals.Config(**options))


def everything(dataset):
    batch = dataset.gather(np.arange(len(dataset)))
    return batch.inputs["input"], batch.targets["target"]


def test_without_noise_every_point_lies_on_its_spiral():
    points, labels = everything(spirals(samples=200, classes=4, noise=0.0))
    radius = np.hypot(*points.T)
    on_spiral = np.exp(2j * np.pi * (radius + labels / 4)) * radius
    np.testing.assert_allclose(points[:, 0] + 1j * points[:, 1], on_spiral, atol=1e-5)
    assert radius.max() <= 1 + 1e-6


def test_sizes_of_classes_differ_by_one_at_most():
    _, labels = everything(spirals(samples=100, classes=3))
    assert np.ptp(np.bincount(labels)) == 1


@pytest.mark.parametrize("change", [{"seed": 1}, {"noise": 0.1}, {"classes": 2}, {"samples": 999}])
def test_another_config_has_another_fingerprint(change):
    """A resumed run compares it, and must not silently continue with other data."""
    first, other = spirals(), spirals(**change)
    assert first.fingerprint != other.fingerprint
    assert not np.array_equal(everything(first)[0], everything(other)[0])


def test_a_fingerprint_stands_for_these_samples():
    """When this fails, increase RECIPE: a resumed run would continue with other samples."""
    points, labels = everything(spirals(samples=3, seed=5))
    expected = [[0.38043, -0.71308], [0.44329, 0.68866], [0.05335, 0.57452]]
    np.testing.assert_allclose(points, expected, atol=1e-5)
    np.testing.assert_array_equal(labels, [0, 1, 2])


def test_where_names_the_spiral_of_a_sample():
    assert spirals(seed=4).where(5) == "spirals, sample 5 of seed 4, on spiral_2"


def test_too_few_samples_are_refused():
    with pytest.raises(ValueError, match="2 samples are too few for 3 classes; set samples to 3"):
        Spirals.Config(samples=2)


def test_the_example_separates_the_spirals(tmp_path):
    run = tinynet.train(SPEC, tmp_path / "run")
    assert run.evaluate("test").metrics["accuracy"] > 0.98
