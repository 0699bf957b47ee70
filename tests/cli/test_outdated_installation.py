"""An editable installation that was not renewed after an update is one error, which says so."""

import os
import re
from importlib.metadata import distribution

import pytest

ERROR = re.compile(
    r"error: the installation of tinynet-core is out of date: its metadata names"
    r" tinynet\.layers\.[a-z_0-9]+:[A-Za-z0-9]+, which does not exist; reinstall it with"
    r" pip install -e \. in the checkout, or with pip install --force-reinstall tinynet-core\n"
)


@pytest.fixture
def outdated(folder):
    """The environment whose metadata name the modules of layers as they were called before."""
    core = distribution("tinynet-core")
    facts = folder / "site" / f"tinynet_core-{core.version}.dist-info"
    facts.mkdir(parents=True)
    # In a checkout, the metadata of an editable installation may be those of its build.
    metadata = core.read_text("METADATA") or core.read_text("PKG-INFO")
    (facts / "METADATA").write_text(metadata)
    points = core.read_text("entry_points.txt").replace(
        "tinynet.builtin.layers.", "tinynet.layers."
    )
    (facts / "entry_points.txt").write_text(points)
    paths = [str(facts.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


@pytest.mark.parametrize(
    "words",
    [
        ["check", "spec.json"],
        ["train", "spec.json"],
        ["layers"],
        ["layers", "dense"],
        ["schema"],
        ["plugins", "check", "tinynet-core"],
        ["plugins", "doctor", "tinynet-core"],
    ],
    ids=" ".join,
)
def test_every_command_reports_it_once_and_ends_with_5(forked, spec, outdated, words):
    result = forked(*words, env=outdated)
    assert ERROR.fullmatch(result.err), result.err
    assert (result.code, result.out) == (5, "")


def test_evaluate_reports_it_once_and_ends_with_5(forked, run, outdated):
    result = forked("evaluate", run, env=outdated)
    assert ERROR.fullmatch(result.err), result.err
    assert result.code == 5


def test_commands_that_load_no_missing_type_work(forked, spec, outdated):
    assert forked("plugins", "list", env=outdated).code == 0
    assert forked("layers", "mse", "--group", "losses", env=outdated).code == 0
