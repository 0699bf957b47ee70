"""Type names that a plugin registers a second time: existing runs keep their types."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinynet
from tinynet import registry
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.commands.exchange import export_weights
from tinynet.commands.summary import summarize
from tinynet.errors import SpecError
from tinynet.layer import Build, LayerConfig, Shape
from tinynet.registry import Entry, Registry
from tinynet.run.training_run import plan_fine_tuning
from tinynet.text.kinds import NOT_IN_SPECS

SPEC: dict[str, Any] = {
    "tinynet": 1,
    "name": "twice",
    "data": {
        "type": "digits",
        "split": {"validation": 300, "test": 300},
        "transforms": [{"type": "standardize"}],
    },
    "network": {
        "layers": [
            {"type": "flatten"},
            {
                "type": "dense",
                "units": 8,
                "weight_initializer": {"type": "normal", "stddev": 0.1},
            },
            {"type": "relu"},
            {"type": "dense", "units": 10},
        ]
    },
    "training": {
        "epochs": 2,
        "batch_size": 256,
        "loss": {"type": "softmax_cross_entropy"},
        "optimizer": {"type": "adam", "learning_rate": 0.01},
        "schedule": {"type": "cosine"},
        "metrics": ["accuracy"],
    },
}
KINDS_USED = {
    "layers", "losses", "optimizers", "schedules", "metrics", "initializers", "datasets",
    "transforms",
}  # fmt: skip


class Stranger:
    """A plugin's type that must not replace a built-in one."""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tinynet.Run:
    return tinynet.train(SPEC, tmp_path_factory.mktemp("twice") / "run")


@pytest.fixture
def everything_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register every name of a built-in type a second time, by a plugin."""
    own = [entry for group in registry.GROUPS for entry in registry.default().entries(group)]
    target = f"{Stranger.__module__}:{Stranger.__qualname__}"
    others = [
        Entry(entry.group, entry.name, "a-stranger", "1.0", target)
        for entry in own
        if entry.group not in NOT_IN_SPECS
    ]
    doubled = Registry([*others, *own])
    monkeypatch.setattr(registry, "default", lambda: doubled)


def copy_of(run: tinynet.Run, folder: Path) -> Path:
    return Path(shutil.copytree(run.path, folder / "run"))


def qualified(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the spec with qualified type names."""

    def changed(value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {k: changed(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [changed(item, key) for item in value]
        is_type = key in ("type", "metrics") or (key == "transforms" and isinstance(value, str))
        return f"tinynet-core:{value}" if is_type else value

    return dict(changed(spec))


def test_spec_uses_a_type_of_every_kind(finished: tinynet.Run) -> None:
    types = Checkpoint.read(finished.checkpoints[-1]).types
    assert {key.partition(":")[0] for key in types} == KINDS_USED


@pytest.mark.usefixtures("everything_twice")
def test_run_resumes_exactly_with_its_recorded_types(finished: tinynet.Run, tmp_path: Path) -> None:
    path = copy_of(finished, tmp_path)
    (path / "checkpoints" / finished.checkpoints[-1].name).unlink()
    resumed = tinynet.resume(path, exact=True)
    assert resumed.finished
    first, second = (Checkpoint.read(run.checkpoints[-1]) for run in (finished, resumed))
    assert first.types == second.types
    assert first.spec == second.spec
    for name, array in first.tensors.items():
        np.testing.assert_array_equal(array, second.tensors[name], err_msg=name)


@pytest.mark.usefixtures("everything_twice")
def test_train_with_resume_continues_the_run(finished: tinynet.Run, tmp_path: Path) -> None:
    path = copy_of(finished, tmp_path)
    (path / "checkpoints" / finished.checkpoints[-1].name).unlink()
    assert tinynet.train(SPEC, path, resume=True).finished


@pytest.mark.usefixtures("everything_twice")
def test_run_is_evaluated_and_exported_with_its_recorded_types(
    finished: tinynet.Run, tmp_path: Path
) -> None:
    path = finished.path
    assert tinynet.evaluate(path, "test").metrics["accuracy"] > 0.3
    model = tinynet.load_model(path)
    assert {node.type.partition(":")[0] for node in model.network.nodes.values()} == {
        "tinynet-core"
    }
    assert summarize(path).params == 8 * 65 + 10 * 9
    assert export_weights(path, tmp_path / "w.npz").arrays == 4


@pytest.mark.usefixtures("everything_twice")
def test_ambiguous_type_is_an_error_and_its_suggestion_works(
    finished: tinynet.Run, tmp_path: Path
) -> None:
    with pytest.raises(SpecError) as caught:
        tinynet.train(SPEC, tmp_path / "new")
    assert "write 'a-stranger:relu' or 'tinynet-core:relu'" in str(caught.value)
    spec = qualified(SPEC)
    assert tinynet.train(spec, tmp_path / "new").finished


@pytest.mark.usefixtures("everything_twice")
def test_fine_tuning_matches_the_recorded_types_of_the_source(finished: tinynet.Run) -> None:
    _, plan = plan_fine_tuning(qualified(SPEC), finished.path)
    assert {str(action) for action, count in plan.counts().items() if count} == {"carried"}


@pytest.mark.usefixtures("everything_twice")
def test_run_resumes_with_qualified_type_names(finished: tinynet.Run, tmp_path: Path) -> None:
    """A user who qualifies the names in the spec, as suggested, can still resume the run."""
    path = copy_of(finished, tmp_path)
    (path / "checkpoints" / finished.checkpoints[-1].name).unlink()
    run = tinynet.train(qualified(SPEC), path, resume=True, exact=True)
    last = Checkpoint.read(run.checkpoints[-1])
    assert last.lineage[-1]["changes"] == []
    assert last.spec["network"]["layers"][2]["type"] == "tinynet-core:relu"  # type: ignore[index,call-overload]
    for name, array in Checkpoint.read(finished.checkpoints[-1]).tensors.items():
        np.testing.assert_array_equal(array, last.tensors[name], err_msg=name)


class Shift:
    """A layer whose code names an initializer, without its distribution."""

    per_sample = True

    class Config(LayerConfig):
        """No options."""

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (self.out_shape,) = in_shapes
        self.params = {"shift": build.param("shift", self.out_shape, "zeros")}


def test_name_in_layer_code_refers_to_the_built_in_type(
    everything_twice: None, register: Callable[[str, str, type], None]
) -> None:
    """An installed plugin must not change networks that do not use it."""
    register("layers", "shift", Shift)
    network = tinynet.Network({"input_shape": [3], "layers": ["shift"]})
    assert network.nodes["shift_1"].type == "test-plugin:shift"
    np.testing.assert_array_equal(network.params["shift_1/shift"], np.zeros(3))
