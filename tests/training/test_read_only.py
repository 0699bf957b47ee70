"""Events can be copied, pickled and written as JSON although they cannot be changed."""

import copy
import json
import pickle
from dataclasses import asdict

import pytest

from tinynet.training.events import Evaluated, Statistics

EVENTS = (
    Evaluated(1, 1, {"val/loss": 0.5}, True, True),
    Statistics(1, 1, {"a": {"mean": 1.0}}, {"a": {"mean": 2.0}}, {"b": {"std": 3.0}}),
)


@pytest.mark.parametrize("event", EVENTS)
def test_events_survive_copies(event):
    for copied in (pickle.loads(pickle.dumps(event)), copy.deepcopy(event), copy.copy(event)):
        assert copied == event
        assert vars(copied).keys() == vars(event).keys()
    assert json.loads(json.dumps(asdict(event))) == asdict(event)


def test_a_copy_of_figures_can_be_changed():
    figures = EVENTS[0].figures
    for own in (dict(figures), figures.copy(), {**figures}, figures | {}):
        own["val/loss"] = 1.0
    assert figures == {"val/loss": 0.5}


def test_figures_are_not_those_of_the_trainer():
    mine = {"val/loss": 0.5}
    event = Evaluated(1, 1, mine, True, True)
    mine["val/loss"] = 9.0
    assert event.figures["val/loss"] == 0.5
