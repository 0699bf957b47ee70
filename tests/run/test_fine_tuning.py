"""Fine-tuning: a new run that starts from a checkpoint, `tinynet.train(spec, source=...)`."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinynet
from tinynet.builtin.datasets.digits import Digits
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.errors import CheckpointError, CheckpointMismatchError, RunExistsError
from tinynet.optimizer import OptimizerConfig
from tinynet.run.training_run import plan_fine_tuning
from tinynet.training.events import Transferred

BODY: list[dict[str, Any]] = [
    {"type": "conv2d", "filters": 8, "kernel_size": 3},
    {"type": "batch_norm"},
    {"type": "relu"},
    {"type": "flatten"},
    {"type": "dense", "units": 32},
    {"type": "relu"},
]
FROZEN = [{**node, "trainable": False} for node in BODY]
NEW_HEAD = tinynet.TransferRules(allow_new=("head/*",), allow_dropped=("dense_2/*",))


def spec(layers: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
    """Return a spec that trains on all digits."""
    return {
        "tinynet": 1,
        "name": "digits",
        "data": {"type": "digits", "transforms": ["standardize"]},
        "network": {"layers": layers},
        "training": {
            "epochs": 3,
            "batch_size": 64,
            "loss": "softmax_cross_entropy",
            "optimizer": {"type": "adam", "learning_rate": 0.01},
            "metrics": ["accuracy"],
        },
        **changes,
    }


OLD = spec([*BODY, {"type": "dense", "units": 10}])
NEW = spec(
    [*FROZEN, {"type": "dense", "units": 4, "name": "head"}],
    name="four",
    data={"type": "npz", "path": "four.npz", "transforms": ["standardize"]},
    training={**OLD["training"], "epochs": 6, "batch_size": 16},
)


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> tinynet.Run:
    """Return a run on all digits; tests must not write into it."""
    return tinynet.train(OLD, tmp_path_factory.mktemp("old") / "run")


@pytest.fixture(autouse=True)
def four(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change to a folder with a file of the digits 3, 5, 8 and 9, relabeled 0 to 3."""
    monkeypatch.chdir(tmp_path)
    everything = Digits(Digits.Config()).gather(np.arange(1797))
    digits = np.array([3, 5, 8, 9])
    chosen = np.isin(everything.targets["target"], digits)
    labels = np.searchsorted(digits, everything.targets["target"][chosen])
    np.savez("four.npz", x=everything.inputs["input"][chosen], y=labels)


def files(run: tinynet.Run) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in run.path.rglob("*") if path.is_file()}


def body(tensors: Any) -> dict[str, bytes]:
    """Return the parameters and running statistics of all but the last layer."""
    return {
        name: array.tobytes()
        for name, array in tensors.items()
        if name.startswith(("params/", "buffers/")) and "head" not in name and "dense_2" not in name
    }


def test_new_head_is_trained_and_frozen_body_is_unchanged(
    old: tinynet.Run,
) -> None:
    rules = replace(NEW_HEAD, keep_preprocessing=True)
    new = tinynet.train(NEW, "new", source=old.path, rules=rules)
    assert new.evaluate("test").metrics["accuracy"] >= 0.9
    source = Checkpoint.read(old.checkpoints[-1])
    last = Checkpoint.read(new.checkpoints[-1])
    assert len(body(source.tensors)) == 8
    assert body(last.tensors) == body(source.tensors)
    trained = {name for name in last.tensors if name.startswith("slots/")}
    assert {name.split("/")[1] for name in trained} == {"head"}


def test_first_checkpoint_holds_the_transferred_tensors(old: tinynet.Run) -> None:
    """A run that is killed before its second save must not resume from random values."""
    same = spec(OLD["network"]["layers"], training={**OLD["training"], "epochs": 1})
    new = tinynet.train(same, "new", source=old.path)
    first, source = Checkpoint.read(new.checkpoints[0]), Checkpoint.read(old.checkpoints[-1])
    assert first.progress.step == 0
    assert first.run_id != source.run_id
    for name, array in first.tensors.items():
        if name.startswith(("params/", "buffers/")):
            assert array.tobytes() == source.tensors[name].tobytes()
        else:
            assert not array.any(), "the optimizer and the figures start afresh"


def test_lineage_names_the_source(old: tinynet.Run) -> None:
    named = old.checkpoints[0]
    new = tinynet.train(NEW, "new", source=named, rules=NEW_HEAD)
    newer = tinynet.train(NEW, "newer", source=new.path)
    source = Checkpoint.read(named)
    first, second = Checkpoint.read(newer.checkpoints[-1]).lineage
    assert first == {
        "run_id": source.run_id,
        "step": source.progress.step,
        "transfer": {
            "file": str(named),
            "sha256": hashlib.sha256(named.read_bytes()).hexdigest(),
            "tensors": {"carried": 8, "overlapped": 0, "new": 2, "dropped": 2},
            "rules": {
                "map": {},
                "allow_new": ["head/*"],
                "allow_dropped": ["dense_2/*"],
                "overlap": [],
                "keep_preprocessing": False,
            },
        },
    }
    assert second["run_id"] == Checkpoint.read(new.checkpoints[-1]).run_id
    assert second["transfer"]["tensors"]["carried"] == 10


def test_source_is_unchanged(old: tinynet.Run) -> None:
    before = files(old)
    with pytest.raises(RunExistsError):
        tinynet.train(OLD, old.path, source=old.path)
    tinynet.train(NEW, "new", source=old.path, rules=NEW_HEAD)
    assert files(old) == before


def test_run_resumes_without_its_source(old: tinynet.Run, tmp_path: Path) -> None:
    """The command `--run new --resume --from old` works after the source was deleted."""
    copy = tmp_path / "copy.msgpack"
    copy.write_bytes(old.checkpoints[-1].read_bytes())
    new = tinynet.train(NEW, "new", resume=True, source=copy, rules=NEW_HEAD)
    lineage = Checkpoint.read(new.checkpoints[-1]).lineage
    for path in new.checkpoints[1:]:
        path.unlink()
    copy.unlink()
    again = tinynet.train(NEW, "new", resume=True, source=copy, rules=NEW_HEAD)
    assert Checkpoint.read(again.checkpoints[-1]).lineage[:1] == lineage
    assert again.step == new.step
    for name, array in again.network.params.items():
        assert array.tobytes() == new.network.params[name].tobytes()


def test_incompatible_source_creates_no_folder(old: tinynet.Run) -> None:
    with pytest.raises(CheckpointMismatchError, match="--allow-new 'head/\\*'"):
        tinynet.train(NEW, "new", source=old.path)
    with pytest.raises(CheckpointError, match="nowhere"):
        tinynet.train(NEW, "new", source="nowhere")
    assert not Path("new").exists()


def test_transfer_plan_is_the_first_event(old: tinynet.Run) -> None:
    events: list[Any] = []
    tinynet.train(NEW, "new", source=old.path, rules=NEW_HEAD, observer=events.append)
    transferred = events[0]
    assert isinstance(transferred, Transferred)
    assert transferred.source == old.checkpoints[-1]
    assert transferred.summary == "8 carried, 2 new, 2 dropped"
    assert len(transferred.lines) == 12 + 2
    path, plan = plan_fine_tuning(NEW, old.path, rules=NEW_HEAD)
    assert (path, plan.summary) == (transferred.source, transferred.summary)
    assert plan.lines == transferred.lines


def test_preprocessing_is_fitted_to_the_new_data_with_a_note(old: tinynet.Run) -> None:
    new = tinynet.train(NEW, "new", source=old.path, rules=NEW_HEAD)
    before = Checkpoint.read(old.checkpoints[-1]).transforms["0/input/mean"]
    after = Checkpoint.read(new.checkpoints[-1]).transforms["0/input/mean"]
    assert not np.array_equal(before, after)
    assert plan_fine_tuning(NEW, old.path, rules=NEW_HEAD)[1].lines[-2] == (
        "note        preprocessing is fitted to the new data; --keep-preprocessing uses the"
        " statistics of the checkpoint's data"
    )


def test_keep_preprocessing(old: tinynet.Run) -> None:
    rules = replace(NEW_HEAD, keep_preprocessing=True)
    new = tinynet.train(NEW, "new", source=old.path, rules=rules)
    source, last = Checkpoint.read(old.checkpoints[-1]), Checkpoint.read(new.checkpoints[-1])
    for name, array in source.transforms.items():
        assert array.tobytes() == last.transforms[name].tobytes()
    assert plan_fine_tuning(NEW, old.path, rules=rules)[1].lines[-2] == (
        "note        preprocessing is kept: it uses the statistics of the checkpoint's data"
    )


def test_keep_preprocessing_needs_the_same_transforms(old: tinynet.Run) -> None:
    data = {**NEW["data"], "transforms": [{"type": "scale", "factor": 0.0625}]}
    rules = tinynet.TransferRules(allow_new=("*",), allow_dropped=("*",), keep_preprocessing=True)
    with pytest.raises(CheckpointMismatchError) as caught:
        tinynet.train({**NEW, "data": data}, "new", source=old.path, rules=rules)
    assert str(caught.value) == (
        "--keep-preprocessing needs a spec with the checkpoint's transforms; its data.transforms"
        ' is [{"epsilon": 0.0, "on": ["input"], "type": "standardize"}], here it is'
        ' [{"type": "scale", "on": ["input"], "factor": 0.0625, "offset": 0.0}]'
    )


def test_plan_notes_other_classes(old: tinynet.Run) -> None:
    """A transferred head still predicts the old classes."""
    assert plan_fine_tuning(NEW, old.path, rules=NEW_HEAD)[1].lines[-1] == (
        "note        'target' has other classes: 0, 1, 2, 3, 4, 5, 6, 7, ... (10) -> 0, 1, 2, 3"
    )


class Averaging:
    """An optimizer whose state is a copy of the parameters, without updates."""

    class Config(OptimizerConfig):
        """No options."""

    def __init__(self, config: Any) -> None:
        pass

    def slots(self, param: Any) -> dict[str, Any]:
        return {"average": param.copy()}

    def update(self, param: Any, grad: Any, slots: Any, step: int, rate: float) -> None:
        pass


def test_optimizer_state_is_initialized_from_transferred_parameters(
    old: tinynet.Run, register: Any
) -> None:
    """A moving average of the weights must not start from random values."""
    register("optimizers", "averaging", Averaging)
    training = {**NEW["training"], "optimizer": "averaging", "epochs": 1}
    same = {**OLD, "training": training}
    new = tinynet.train(same, "new", source=old.path)
    tensors = Checkpoint.read(new.checkpoints[0]).tensors
    weight = Checkpoint.read(old.checkpoints[-1]).tensors["params/dense_1/weight"]
    assert tensors["slots/dense_1/weight/average"].tobytes() == weight.tobytes()
