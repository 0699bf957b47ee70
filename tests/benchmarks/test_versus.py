"""The sides of the comparison compute the same networks."""

import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parent


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "versus"]:
        del sys.modules[name]


def made(library, action, network, batch):
    options = {"kernels": "numpy"} if library == "tinynet" else {}
    side = import_module(f"versus.{library}_side")
    return getattr(side, action)(network, batch, threads=1, dropout=False, **options)


@pytest.mark.oracle
@pytest.mark.parametrize(
    "network",
    [
        "lstm",
        "gru",
        "gpt",
        "tcn",
        "separable",
        "group_norm",
        "fashion_norm",
        "cifar_norm",
        "resnet20",
        "fcn",
    ],
)
@pytest.mark.parametrize("library", ["torch", "jax"])
def test_the_losses_of_two_steps_agree(library, network):
    pytest.importorskip(library)
    ours, theirs = (made(name, "train", network, 2) for name in ("tinynet", library))
    np.testing.assert_allclose([ours(), ours()], [theirs(), theirs()], rtol=1e-4)


@pytest.mark.oracle
@pytest.mark.parametrize("library", ["torch", "jax"])
def test_both_write_the_same_text(library):
    pytest.importorskip(library)
    ours, theirs = (made(name, "generate", "gpt", 1)() for name in ("tinynet", library))
    assert ours == theirs
    assert len(ours) == 128


def test_the_table_shows_the_largest_figure_of_each_goal():
    """Otherwise one slow case hides behind the fast ones, and the goal seems met."""
    goals, results = import_module("versus.goals"), import_module("versus.results")
    name = import_module("versus.names").NATIVE
    result = results.Result("all")
    for case, ratio in (("fast", 0.3), ("slow", 0.9)):
        goal = goals.BATCH
        verdict = results.Verdict(case, name, "ratio", [ratio], goal=goal.native, row=goal.title)
        result.verdicts.append(verdict)
    (row,) = goals.rows([result], every=False)
    assert row[:3] == [goals.BATCH.title, "native", "at most 0.5"]
    assert row[3:] == ["0.90 (0.90 - 0.90)", "not met (1 of 2 met)", "slow: ratio"]
    every = goals.rows([result], every=True)
    assert [row[3] for row in every].count("not measured") == len(every) - 1


def test_networks_worse_than_the_peer_are_not_compared_by_time():
    """Otherwise a job that learns nothing wins."""
    worse = import_module("versus.table_jobs").worse
    assert worse([0.9, 0.9], [0.98, 0.97])
    assert worse([0.96, 0.97], [0.98, 0.97]) is None


def test_steps_that_are_recorded_and_checked_are_not_timed():
    """Otherwise large batches seem up to twice as slow: only a few of their steps fit a block."""
    replay = import_module("tinynet.engine.replay")
    assert import_module("versus.worker").FIRST_RUNS >= replay.FIRST_PASSES + 2
