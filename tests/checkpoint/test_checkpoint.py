"""Sections of a checkpoint are validated, even if a stranger wrote the file."""

import shutil
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinynet
from tinynet import archive
from tinynet.checkpoint import environment as environments
from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.plugin_lock import types_of
from tinynet.checkpoint.sections import hash_of
from tinynet.errors import (
    CheckpointFormatError,
    CheckpointVersionError,
    TinynetError,
)
from tinynet.network.kernel_choice import choose_kernels
from tinynet.training.events import StepDone

from .conftest import SPEC, files, rewrite


def test_read_returns_what_write_saved(trained):
    checkpoint = Checkpoint.read(files(trained)[-1])
    assert checkpoint.spec == tinynet.load_spec(SPEC).resolved()
    assert checkpoint.progress.step == int(files(trained)[-1].name[5:17])
    assert checkpoint.environment == environments.environment(choose_kernels())
    assert checkpoint.types == types_of(tinynet.load_spec(SPEC))


SECTIONS = ["spec", "spec_hash", "progress", "data", "log", "lineage", "environment", "types"]


@pytest.mark.parametrize("section", SECTIONS)
def test_a_missing_section_is_named(run, section):
    content = archive.read(files(run)[-1])
    del content.sections[section]
    path = files(run)[-1]
    archive.write(path, content.sections, content.tensors, run_id=content.run_id, step=content.step)
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


def test_a_missing_field_of_progress_is_an_error_not_0(run):
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


def test_a_distribution_name_with_shell_characters_is_refused(run):
    path = files(run)[-1]
    facts = {"entry": "x:y", "distribution": "x'; rm -rf ~; '", "version": "1"}
    rewrite(path, sections={"types": {"layers:y": facts}})
    with pytest.raises(CheckpointFormatError, match="distribution"):
        Checkpoint.read(path)


def test_a_spec_with_another_hash_is_refused(run):
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


def test_an_unknown_section_raises_a_version_error(run):
    """An older tinynet must not silently lose the steps of a newer one."""
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
    """Raised to stop a run that was resumed successfully."""


def stop(event):
    if isinstance(event, StepDone):
        raise EnoughError


@st.composite
def forged(draw, sections):
    """Return a path into one of the sections, and any JSON value for it."""
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
def test_any_json_in_any_section_loads_or_raises_a_tinynet_error(data, trained, tmp_path):
    """A stranger's file must never cause a traceback."""
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


def test_a_later_state_of_a_run_has_its_own_position_and_log(trained, tmp_path):
    """The other sections are encoded once for all saves of a run."""
    first, *_, last = (Checkpoint.read(path) for path in files(trained))
    first.write(tmp_path / "first.msgpack")
    first.at(last.progress, last.log, tensors=last.tensors).write(tmp_path / "last.msgpack")
    assert (tmp_path / "first.msgpack").read_bytes() == files(trained)[0].read_bytes()
    assert (tmp_path / "last.msgpack").read_bytes() == files(trained)[-1].read_bytes()


def test_a_checkpoint_that_was_changed_is_saved_as_it_is(trained, tmp_path):
    """Also after it was written before."""
    checkpoint = Checkpoint.read(files(trained)[-1])
    checkpoint.write(tmp_path / "file.msgpack")
    checkpoint.spec["name"] = "other"
    checkpoint.write(tmp_path / "file.msgpack")
    assert Checkpoint.read(tmp_path / "file.msgpack").spec["name"] == "other"
