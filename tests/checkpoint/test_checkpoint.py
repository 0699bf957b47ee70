"""What a checkpoint says is believed only as far as it was checked, whoever wrote it."""

import os
import shutil
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinynet
from tinynet import archive, registry
from tinynet.checkpoint import environment as environments
from tinynet.checkpoint import plugin_lock
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.plugin_lock import TypeFacts, check_types, types_of
from tinynet.checkpoint.sections import hash_of
from tinynet.errors import (
    CheckpointCorruptError,
    CheckpointError,
    CheckpointFormatError,
    CheckpointIOError,
    CheckpointMismatchError,
    CheckpointVersionError,
    PluginError,
    SpecError,
    TinynetError,
)
from tinynet.kernels.numpy import NumpyKernels
from tinynet.run.folder import RunFolder
from tinynet.run.lookup import find_checkpoint
from tinynet.training.events import StepDone

SPEC = {
    "tinynet": 1,
    "name": "small",
    "data": {"type": "digits", "transforms": ["standardize"]},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "epochs": 2,
        "batch_size": 512,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "sgd", "momentum": 0.9},
        "metrics": ["accuracy"],
    },
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run"
    tinynet.train(SPEC, path)
    return path


@pytest.fixture
def run(trained, tmp_path):
    """A copy of a finished run, to be damaged."""
    return shutil.copytree(trained, tmp_path / "run")


def files(run: Path) -> list[Path]:
    return sorted((run / "checkpoints").glob("step-*.msgpack"))


def rewrite(path: Path, **changes) -> None:
    """Let a stranger write the file: sound to the last checksum, whatever it says."""
    found = archive.read(path)
    sections = {**found.sections, **changes.pop("sections", {})}
    tensors = {**found.tensors, **changes.pop("tensors", {})}
    archive.write(path, sections, tensors, run_id=found.run_id, step=found.step)


def alter(path: Path, **fields) -> None:
    """Change what a checkpoint of ours says, its hash included."""
    replace(Checkpoint.read(path), **fields).write(path)


# Sections -------------------------------------------------------------------------------------


def test_what_was_written_is_read(trained):
    checkpoint = Checkpoint.read(files(trained)[-1])
    assert checkpoint.spec == tinynet.load_spec(SPEC).resolved()
    assert checkpoint.progress.step == int(files(trained)[-1].name[5:17])
    assert checkpoint.environment == environments.environment(NumpyKernels())
    assert checkpoint.types == types_of(tinynet.load_spec(SPEC))


SECTIONS = ["spec", "spec_hash", "progress", "data", "log", "lineage", "environment", "types"]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_missing_section_is_named(run, section):
    found = archive.read(files(run)[-1])
    del found.sections[section]
    path = files(run)[-1]
    archive.write(path, found.sections, found.tensors, run_id=found.run_id, step=found.step)
    with pytest.raises(CheckpointFormatError, match=f"{path.name}.*{section}"):
        Checkpoint.read(path)


@pytest.mark.parametrize(
    ("section", "key", "value", "place"),
    [
        ("progress", "step", True, "/progress/step"),
        ("progress", "position", -1, "/progress/position"),
        ("progress", "epoch", 2**70, "/progress/epoch"),
        ("progress", "best", {"value": 0.5}, "/progress/best: 'step'"),
        ("log", "length", "12", "/log/length"),
        ("data", "root", 7, "/data/root"),
        ("data", "inputs", {}, "/data/inputs"),
        ("types", "layers:dense", {"entry": "a:dense"}, "/types/layers:dense: 'version'"),
        ("environment", "numpy", 2, "/environment/numpy"),
    ],
)
def test_a_wrong_field_is_named(run, section, key, value, place):
    path = files(run)[-1]
    old = archive.read(path).sections[section]
    rewrite(path, sections={section: {**old, key: value}})
    with pytest.raises(CheckpointFormatError) as caught:
        Checkpoint.read(path)
    assert place in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_field_of_the_progress_that_is_left_out_is_no_zero(run):
    path = files(run)[-1]
    progress = dict(archive.read(path).sections["progress"])
    del progress["position"]
    rewrite(path, sections={"progress": progress})
    with pytest.raises(CheckpointFormatError, match="position"):
        Checkpoint.read(path)


@pytest.mark.parametrize("shape", [[-1], [0], [1] * 9])
def test_a_dataset_of_an_impossible_shape_is_refused(run, shape):
    path = files(run)[-1]
    data = archive.read(path).sections["data"]
    field = {"shape": shape, "dtype": "uint8", "classes": None, "names": None}
    rewrite(path, sections={"data": {**data, "inputs": {"input": field}}})
    with pytest.raises(CheckpointFormatError, match="/data/inputs/input"):
        Checkpoint.read(path)


def test_a_package_name_that_a_shell_would_run_is_refused(run):
    path = files(run)[-1]
    facts = {"entry": "x:y", "distribution": "x'; rm -rf ~; '", "version": "1"}
    rewrite(path, sections={"types": {"layers:y": facts}})
    with pytest.raises(CheckpointFormatError, match="distribution"):
        Checkpoint.read(path)


def test_a_spec_that_is_not_that_of_its_hash_is_refused(run):
    path = files(run)[-1]
    spec = archive.read(path).sections["spec"]
    rewrite(path, sections={"spec": {**spec, "name": "other"}})
    with pytest.raises(CheckpointFormatError, match="spec_hash"):
        Checkpoint.read(path)


def test_a_step_that_contradicts_the_header_is_refused(run):
    path = files(run)[-1]
    progress = archive.read(path).sections["progress"]
    rewrite(path, sections={"progress": {**progress, "step": 1}})
    with pytest.raises(CheckpointFormatError, match="progress step 1"):
        Checkpoint.read(path)


def test_what_only_a_newer_tinynet_knows_is_no_reason_to_go_back(run):
    """An older tinynet in the next shell must not silently lose the steps of a newer one."""
    path = files(run)[-1]
    rewrite(path, sections={"teacher": {"name": "x"}})
    for use in (lambda: Checkpoint.read(path), lambda: tinynet.resume(run)):
        with pytest.raises(CheckpointVersionError, match="teacher"):
            use()
    assert path.exists()


odd_values = st.sampled_from([-1, 0, 1, 10**9, 2**64, 0.5, 1e308, "", "..", "/", "dense"])
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
)
json_values = odd_values | st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abstepochrun", max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


class EnoughError(TinynetError):
    """The run goes on: no more is asked."""


def stop(event):
    if isinstance(event, StepDone):
        raise EnoughError


@st.composite
def forged(draw, sections):
    """The sections of a checkpoint, with any JSON at any place of one of them."""
    name = draw(st.sampled_from(sorted(sections)))
    path, value = [name], sections[name]
    while isinstance(value, dict | list) and value and draw(st.integers(0, 3)):
        keys = sorted(value) if isinstance(value, dict) else range(len(value))
        path.append(draw(st.sampled_from(keys)))
        value = value[path[-1]]
    return path, draw(json_values)


def edited(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = edited(value[path[0]], path[1:], new)
    return copy


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_json_in_any_section_is_an_error_of_ours_or_is_used(data, trained, tmp_path):
    """A stranger's file must not end in a traceback, in whatever it is used for."""
    original = archive.read(files(trained)[-1])
    path, value = data.draw(forged(original.sections))
    sections = edited(original.sections, path, value)
    if path[0] == "spec" and isinstance(sections["spec"], dict):
        sections["spec_hash"] = hash_of(sections["spec"])
    folder = tmp_path / "stranger"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "checkpoints").mkdir(parents=True)
    target = folder / "checkpoints" / files(trained)[-1].name
    archive.write(target, sections, original.tensors, run_id="r", step=original.step)
    shutil.copy(trained / "metrics.jsonl", folder)
    quiet = {"observer": stop, "max_params": 10**6}
    for use in (
        lambda: Checkpoint.read(target),
        lambda: tinynet.load(target, max_params=10**6),
        lambda: tinynet.evaluate(target, **quiet),
        lambda: tinynet.resume(folder, **quiet),
    ):
        with suppress(TinynetError):
            use()


# The plugin lock --------------------------------------------------------------------------------


def test_the_lock_names_what_is_taken_by_default_too():
    """An initializer that no spec mentions changes the run as much as a layer."""
    types = types_of(tinynet.load_spec(SPEC))
    assert {
        "datasets:digits",
        "initializers:glorot_uniform",
        "initializers:zeros",
        "layers:dense",
        "layers:flatten",
        "losses:softmax_cross_entropy",
        "metrics:accuracy",
        "optimizers:sgd",
        "transforms:standardize",
    } <= types.keys()
    assert types["layers:dense"].entry == "tinynet-core:dense"


def facts(distribution="tinynet-core", version="0.1.0", name="dense"):
    return {f"layers:{name}": TypeFacts(f"{distribution}:{name}", distribution, version)}


def test_a_missing_type_comes_with_the_line_that_installs_it():
    with pytest.raises(PluginError, match=r"pip install 'tinynet-odd==1\.2'"):
        check_types(facts("tinynet-odd", "1.2", "odd"))


def test_a_kind_of_plugin_from_the_future_is_a_missing_plugin():
    with pytest.raises(PluginError, match="does not know"):
        check_types({"dreams:odd": TypeFacts("a:odd", "a", "1")})


def test_a_name_that_another_distribution_took_is_no_substitute():
    with pytest.raises(PluginError) as caught:
        check_types(facts("tinynet-odd", "1.2"))
    assert str(caught.value) == (
        "the checkpoint needs 'dense' (tinynet.layers) of tinynet-odd 1.2, which is not installed"
        f" (the one of tinynet-core {version('tinynet-core')} is another):"
        " pip install 'tinynet-odd==1.2'"
    )


def test_the_recorded_type_counts_where_a_second_distribution_has_its_name(register):
    register("layers", "dense", type("Dense", (), {}))
    assert check_types(facts()).major == []
    with pytest.raises(SpecError, match="'tinynet-core:dense' or 'test-plugin:dense'"):
        tinynet.load_spec(SPEC)


def test_versions_are_told_apart_by_their_first_number(monkeypatch):
    known = registry.Registry(
        [
            registry.Entry("layers", "a", "one", "1.3", "m:A"),
            registry.Entry("layers", "b", "two", "2.0", "m:B"),
            registry.Entry("layers", "c", "two", "2.0", "m:C"),
            registry.Entry("layers", "d", "three", "1.0", "m:D"),
        ]
    )
    monkeypatch.setattr(plugin_lock.registry, "default", lambda: known)
    types = {
        **facts("one", "1.2", "a"),
        **facts("two", "1.9", "b"),
        **facts("two", "1.9", "c"),
        **facts("three", "1.0", "d"),
    }
    found = check_types(types)
    assert found.minor == ["one was of version 1.2, and is 1.3 here"]
    assert found.major == ["two was of version 1.9, and is 2.0 here"], "once for each distribution"


def older(path, version):
    types = Checkpoint.read(path).types
    alter(path, types={key: replace(fact, version=version) for key, fact in types.items()})


def test_another_major_version_of_a_plugin_refuses_resume_and_warns_elsewhere(run):
    older(files(run)[-1], "7.0")
    with pytest.raises(CheckpointMismatchError, match=r"tinynet-core was of version 7\.0"):
        tinynet.resume(run, overrides={"training.epochs": 3})
    with pytest.warns(UserWarning, match=r"tinynet-core was of version 7\.0"):
        tinynet.load_model(run)


def test_another_minor_version_warns_and_is_noted(run):
    older(files(run)[-1], "0.0.9")
    with pytest.raises(CheckpointMismatchError, match="exactly"):
        tinynet.resume(run, overrides={"training.epochs": 3}, exact=True)
    with pytest.warns(UserWarning, match=r"tinynet-core was of version 0\.0\.9"):
        tinynet.resume(run, overrides={"training.epochs": 3})
    origin = Checkpoint.read(files(run)[-1]).lineage[-1]
    assert origin["exact"] is False
    assert origin["reasons"] == ["tinynet-core was of version 0.0.9, and is 0.1.0 here"]


# Environment ------------------------------------------------------------------------------------


def test_the_environment_says_all_that_rounds_numbers():
    found = environments.environment(NumpyKernels())
    assert all(found.values())
    assert found["kernels"].startswith("tinynet-core:numpy ")
    assert found["numpy"] == np.__version__
    assert {"blas", "cpu", "machine", "python", "system", "tinynet"} <= found.keys()


@pytest.mark.parametrize("part", ["tinynet", "python", "numpy", "blas", "machine", "kernels"])
def test_another_environment_is_a_warning_with_the_reason_or_a_refusal(run, part):
    path = files(run)[-1]
    alter(path, environment={**Checkpoint.read(path).environment, part: "other"})
    longer = {"training.epochs": 3}
    before = path.read_bytes()
    with pytest.raises(CheckpointMismatchError, match=f"{part} was other, and is"):
        tinynet.resume(run, overrides=longer, exact=True)
    with pytest.raises(CheckpointMismatchError, match=f"{part} was other, and is"):
        tinynet.train(SPEC, run, resume=True, exact=True)
    assert path.read_bytes() == before
    with pytest.warns(UserWarning, match=f"{part} was other, and is"):
        tinynet.resume(run, overrides=longer)
    origin = Checkpoint.read(files(run)[-1]).lineage[-1]
    assert origin["exact"] is False
    assert f"{part} was other" in origin["reasons"][0]


def test_the_same_environment_is_exact(run):
    tinynet.resume(run, overrides={"training.epochs": 3}, exact=True)
    origin = Checkpoint.read(files(run)[-1]).lineage[-1]
    assert origin["exact"] is True
    assert origin["reasons"] == []


# Changes of the spec ----------------------------------------------------------------------------


def test_another_optimizer_starts_anew_and_counts_its_own_steps(run):
    """Adam's bias correction belongs to the steps that its moments have seen."""
    reached = Checkpoint.read(files(run)[-1]).progress.step
    other = {"training.optimizer": {"type": "adam"}, "training.epochs": 3}
    with pytest.raises(CheckpointMismatchError, match="--allow-reset"):
        tinynet.resume(run, overrides=other)
    with pytest.warns(UserWarning, match="reset the optimizer's state"):
        tinynet.resume(run, overrides=other, allow_reset=True)
    newest = Checkpoint.read(files(run)[-1])
    assert newest.progress.optimizer_start == reached
    assert any(name.startswith("slots/dense_1/weight/") for name in newest.tensors)
    noted = {change["pointer"]: change["effect"] for change in newest.lineage[-1]["changes"]}
    assert noted["/training/optimizer/type"] == "resets state"
    assert noted["/training/epochs"] == "safe"


def test_a_run_that_began_its_optimizer_anew_is_resumed_as_exactly_as_any(run, tmp_path):
    again = shutil.copytree(run, tmp_path / "again")
    other = {"training.optimizer": {"type": "adam"}}
    with pytest.warns(UserWarning, match="reset"):
        whole = tinynet.resume(run, overrides={**other, "training.epochs": 4}, allow_reset=True)
    with pytest.warns(UserWarning, match="reset"):
        tinynet.resume(again, overrides={**other, "training.epochs": 3}, allow_reset=True)
    resumed = tinynet.resume(again, overrides={"training.epochs": 4})
    for name, array in whole.network.params.items():
        assert array.tobytes() == resumed.network.params[name].tobytes()


def test_another_best_figure_forgets_the_old_best(run):
    best = {"metric": "val/loss"}
    tinynet.resume(run, overrides={"training.epochs": 3, "training.checkpoint.keep_best": best})
    assert Checkpoint.read(files(run)[-1]).progress.best is not None
    other = {"training.epochs": 4, "training.checkpoint.keep_best.metric": "val/accuracy"}
    with pytest.warns(UserWarning, match="reset which checkpoint is the best"):
        tinynet.resume(run, overrides=other, allow_reset=True)
    newest = Checkpoint.read(files(run)[-1])
    assert newest.progress.best.step == newest.progress.step


def test_more_metrics_need_the_figures_to_start_anew(run):
    other = {"training.epochs": 3, "training.metrics": ["accuracy", "f1"]}
    with pytest.raises(CheckpointMismatchError, match="the training figures"):
        tinynet.resume(run, overrides=other)
    with pytest.warns(UserWarning, match="reset the training figures"):
        tinynet.resume(run, overrides=other, allow_reset=True)


def test_a_run_cannot_end_before_it_is(run):
    with pytest.raises(SpecError, match=r"would end at step 3, and has reached step 6"):
        tinynet.resume(run, overrides={"training.epochs": 1})


# Finding one ------------------------------------------------------------------------------------


def damage(path):
    path.write_bytes(path.read_bytes()[:-1])


def test_the_newest_that_is_whole_is_used_whatever_the_clock_says(run):
    """A clock that was set back must not make an old state the newest."""
    for age, path in enumerate(files(run)):
        os.utime(path, (10**9 - age, 10**9 - age))
    assert find_checkpoint(run, "last")[0] == files(run)[-1]


def test_a_damaged_one_is_skipped_aloud_and_left_alone_by_readers(run):
    damage(files(run)[-1])
    before = sorted(run.rglob("*"))
    with pytest.warns(UserWarning, match="skipped a damaged checkpoint"):
        assert find_checkpoint(run)[0] == files(run)[-2]
    assert sorted(run.rglob("*")) == before


def test_all_damaged_is_an_error_that_lists_why(run):
    for path in files(run):
        damage(path)
    told = []
    with pytest.raises(CheckpointCorruptError) as caught:
        find_checkpoint(run, warn=told.append)
    assert len(told) == len(files(run))
    assert all(str(path) in str(caught.value) for path in files(run))


def test_a_file_that_was_named_is_never_replaced_by_another(run):
    damage(files(run)[-1])
    for path, which in ((files(run)[-1], None), (run, files(run)[-1].name)):
        with pytest.raises(CheckpointError, match=files(run)[-1].name):
            find_checkpoint(path, which)


@pytest.mark.parametrize("kind", ["symlink", "fifo", "folder"])
def test_what_is_no_regular_file_is_no_checkpoint(run, tmp_path, kind):
    path = tmp_path / "c.msgpack"
    if kind == "symlink":
        path.symlink_to(files(run)[-1])
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        (run / "checkpoints" / "x.msgpack").mkdir()
        path = run / "checkpoints" / "x.msgpack"
    with pytest.raises(CheckpointError):
        find_checkpoint(run, str(path))


def test_a_reader_under_whom_a_file_is_pruned_looks_again(run, monkeypatch):
    """A run that trains must not make an evaluation of it fail."""
    listed = RunFolder.steps(RunFolder(run))
    stale = iter([[*listed, 999]])
    real = RunFolder.steps
    monkeypatch.setattr(RunFolder, "steps", lambda self: next(stale, None) or real(self))
    assert find_checkpoint(run)[0] == files(run)[-1]


def test_a_reader_looks_again_once_alone(run, monkeypatch):
    monkeypatch.setattr(RunFolder, "steps", lambda self: [999])
    with pytest.raises(CheckpointIOError, match="999"):
        find_checkpoint(run)


# Weights that are not finite --------------------------------------------------------------------


def test_weights_that_are_not_finite_are_told_or_refused(run):
    path = files(run)[-1]
    bad = archive.read(path).tensors["params/dense_1/bias"].copy()
    bad[3] = np.nan
    rewrite(path, tensors={"params/dense_1/bias": bad})
    message = "params/dense_1/bias of the checkpoint holds NaN or infinity"
    with pytest.warns(UserWarning, match=message):
        tinynet.load_model(path)
    with pytest.warns(UserWarning, match=message):
        tinynet.evaluate(path)
    for use in (tinynet.load_model, tinynet.evaluate):
        with pytest.raises(CheckpointError, match=message):
            use(path, strict_finite=True)


def test_what_a_transform_learned_and_the_file_lacks_is_named(run):
    path = files(run)[-1]
    found = archive.read(path)
    del found.tensors["transforms/0/input/mean"]
    archive.write(path, found.sections, found.tensors, run_id=found.run_id, step=found.step)
    longer = {"training.epochs": 3}
    for use in (
        lambda: tinynet.evaluate(path),
        lambda: tinynet.resume(run, overrides=longer),
    ):
        with pytest.raises(CheckpointMismatchError, match="transforms/0/input/mean"):
            use()
