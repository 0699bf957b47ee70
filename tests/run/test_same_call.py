"""Processes that call with other arguments are refused: those of process 0 would win unseen."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

import tinynet
from tests.fleet_runs import CNN, ignore, train_together
from tinynet.checkpoint.transfer_rules import TransferRules
from tinynet.errors import UsageError
from tinynet.run.same_call import argument_texts
from tinynet.testing.fleets import in_threads


def refused(tmp_path, changed, size=3):
    """Return the message of a run that process 1 starts with changed arguments."""

    def work(train, fleet):
        with pytest.raises(UsageError) as caught:
            train(fleet, **(changed if fleet.rank == 1 else {}))
        return str(caught.value)

    messages = train_together(CNN, tmp_path / "run", size, work=work)
    assert len({*messages}) == 1
    assert not (tmp_path / "run").exists()
    return messages[0]


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        (
            {"overrides": {"training.epochs": 5}},
            "process 1 has training.epochs=5, process 0 has no training.epochs",
        ),
        ({"resume": True}, "process 1 has resume=True, process 0 has resume=False"),
        ({"source": Path("a")}, "process 1 has source='a', process 0 has no source"),
        ({"max_params": 9}, "process 1 has max_params=9, process 0 has no max_params"),
        ({"loggers": ["csv"]}, "process 1 has loggers=['csv'], process 0 has no loggers"),
        (
            {"rules": TransferRules(allow_new=("head/*",))},
            "process 1 has rules.allow_new=['head/*'], process 0 has no rules.allow_new",
        ),
        (
            {"data": None},
            "process 1 has no data, process 0 has data=samples in memory",
        ),
        (
            {"data": "data.npz"},
            "process 1 has data=files, process 0 has data=samples in memory",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else next(iter(value)),
)
def test_other_arguments_are_named(tmp_path, changed, line):
    assert refused(tmp_path, changed) == (
        f"train has other arguments in other processes:\n  {line}\n  the processes of a launcher"
        " must make the same calls; fleet='none' (--fleet none) lets each work by itself"
    )


def test_the_first_of_many_differences_are_listed(tmp_path):
    changes = {f"training.optimizer.x{number}": number for number in range(12)}
    lines = refused(tmp_path, {"overrides": changes}).splitlines()
    assert len(lines) == 8
    assert lines[-2] == "  and 7 more"


def test_values_of_a_spec_in_memory_are_named():
    def work(fleet):
        spec = CNN.spec(epochs=2 + fleet.rank)
        with pytest.raises(UsageError) as caught:
            tinynet.train(spec, data=CNN.data(), fleet=fleet)
        return str(caught.value)

    for message in in_threads(2, work):
        assert (
            "process 1 has spec.training.epochs=3, process 0 has spec.training.epochs=2" in message
        )


def test_other_runs_and_splits_are_refused():
    def work(fleet):
        with pytest.raises(UsageError) as caught:
            tinynet.evaluate(f"run{fleet.rank}", "val" if fleet.rank else None, fleet=fleet)
        return str(caught.value)

    for message in in_threads(2, work):
        assert "process 1 has path='run1', process 0 has path='run0'" in message
        assert "process 1 has split='val', process 0 has no split" in message


def test_arguments_of_a_machine_may_differ(tmp_path):
    """Machines have other numbers of cores, and the data in other folders."""

    (tmp_path / "0").mkdir()
    (tmp_path / "1").mkdir()

    def work(train, fleet):
        own = {
            "threads": 1 + fleet.rank,
            "data_root": tmp_path / str(fleet.rank),
            "observer": partial(ignore),
            "fleet_timeout": 60.0 + fleet.rank,
            "verify_data": fleet.rank == 1,
            "lock": fleet.rank == 0,
        }
        return train(fleet, **own)

    runs = train_together(CNN, tmp_path / "run", 2, work=work, overrides={"training.epochs": 1})
    assert all(run.finished for run in runs)


def test_equal_values_have_the_same_text_in_every_process():
    """Addresses in the text of an object, and the order of a dict, are not the same there."""

    class Unusual:
        pass

    def texts(*keys):
        content = {"a": 1, "b": np.float32(0.5), "c": Unusual(), "d": [], "e": [{"x": Path("p")}]}
        return dict(argument_texts({"spec": {key: content[key] for key in keys}}))

    assert texts(*"abcde") == texts(*"edcba")
    assert texts(*"abcde") == {
        "spec.a": "1", "spec.b": "0.5", "spec.c": "Unusual", "spec.e.0.x": "'p'",
    }  # fmt: skip


def test_long_values_are_compared_but_not_shown():
    first, second = (dict(argument_texts({"x": "a" * 10**6 + end})) for end in "bc")
    assert first != second
    assert len(first["x"]) < 120
