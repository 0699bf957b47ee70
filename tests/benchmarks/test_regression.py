"""The comparison of two commits marks slower versions, and installs each from its own files."""

import sys
from importlib import import_module
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "versus"]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ([1.04, 1.05, 1.06], "slower"),
        ([1.0, 1.02, 1.2, 1.3], ""),  # one slow launch in two is no proof
        ([1.02, 1.02, 1.02], ""),
        ([0.9, 0.91, 0.92], "faster"),
        ([0.9, 0.91, 1.1, 1.2], ""),
    ],
)
def test_a_version_is_slower_if_both_quartiles_are(ratios, verdict):
    """Otherwise noise fails a commit, or a regression passes."""
    two_trees = import_module("versus.two_trees")
    row = two_trees.Row("case", "native", [2.0] * len(ratios), [2 * ratio for ratio in ratios])
    assert row.verdict == verdict


def test_rows_pair_the_versions_of_the_same_threads():
    two_trees, results = import_module("versus.two_trees"), import_module("versus.results")
    name = import_module("versus.names").NATIVE
    values = {
        f"{two_trees.label(name, threads)}, {version}": [float(threads), time]
        for threads in (1, 2)
        for version, time in (("old", 10.0), ("new", 11.0))
    }
    first, second = two_trees.rows_of(results.Result("case", values=values), name, 2)
    assert (first.measure, first.old, first.new) == (
        "native, 1 thread, CPU time",
        [1, 10],
        [1, 11],
    )
    assert (second.measure, second.old) == ("native, 2 threads, elapsed", [2, 10])


def test_only_failures_of_the_new_version_count():
    """An old version without a layer is not a regression."""
    broken = import_module("versus.two_trees").broken
    assert broken({"a, old": "no such layer"}) == []
    assert broken({"a, old": "x", "a, new": "x"}) == []
    assert broken({"a, new": "its process died"}) == ["a, new: its process died"]


def test_environments_exclude_trees_in_development():
    """Otherwise both versions import the tree that is installed for development."""
    path = ["", "/tree", "/env/lib/python3.11", "/env/lib/python3.11/site-packages"]
    assert import_module("versus.trees").other_packages(path) == path[-1:]


def test_the_working_tree_is_copied_without_ignored_files(tmp_path, monkeypatch):
    """Otherwise compiled files of another version are installed, or new files are missing."""
    trees = import_module("versus.trees")
    repository = tmp_path / "repository"
    repository.mkdir()
    monkeypatch.setattr(trees, "ROOT", repository)
    for name, content in ((".gitignore", "*.so\n"), ("kept.py", "1"), ("gone.py", "2")):
        (repository / name).write_text(content)
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    for command in (("init", "-q"), ("add", "."), (*identity, "commit", "-q", "-m", "first")):
        trees._output("git", *command)
    (repository / "gone.py").unlink()
    for name in ("added.py", "kernels.so", "kept.py"):
        (repository / name).write_text("3")
    assert trees.check_out(None, tmp_path / "new").endswith("first with changes")
    copied = {path.name: path.read_text() for path in (tmp_path / "new").iterdir()}
    assert copied == {".gitignore": "*.so\n", "kept.py": "3", "added.py": "3"}
    trees.check_out("HEAD", tmp_path / "old")
    assert {path.name for path in (tmp_path / "old").iterdir()} == {
        ".gitignore",
        "kept.py",
        "gone.py",
    }
    with pytest.raises(trees.TreeError, match="no-such"):
        trees.check_out("no-such", tmp_path / "none")
