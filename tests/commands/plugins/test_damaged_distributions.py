"""Distributions with damaged metadata: they are reported, and others still work."""

import sys
from collections.abc import Callable
from email import message_from_string
from email.message import Message
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import pytest

from tinynet import registry
from tinynet.commands.plugins.doctor import damages, examine
from tinynet.commands.plugins.listing import listed
from tinynet.commands.plugins.new import new_plugin
from tinynet.errors import PluginError
from tinynet.registry import UnknownTypeError

from .conftest import all_entries

GOOD = """
from tinynet.layer import LayerConfig

class Good:
    class Config(LayerConfig):
        pass
    def __init__(self, config, in_shapes, build): ...
    def forward(self, ctx, x): ...
    def backward(self, ctx, cache, dy): ...
"""
POINTS = "[tinynet.layers]\nodd = odd:Odd\n"
METADATA = "Metadata-Version: 2.1\nName: odd\nVersion: 1.0\n"

# Metadata files of `odd`, and the problem; None if the damage affects no plugin.
DAMAGES: dict[str, tuple[dict[str, bytes], str | None]] = {
    "a group without its bracket": (
        {"entry_points.txt": POINTS.replace("]", "").encode(), "METADATA": METADATA.encode()},
        "line 1 is '[tinynet.layers'; it should be: [tinynet.layers]",
    ),
    "no METADATA": (
        {"entry_points.txt": POINTS.encode()},
        "its METADATA is missing or has no name: reinstall it",
    ),
    "no version": (
        {"entry_points.txt": POINTS.encode(), "METADATA": b"Metadata-Version: 2.1\nName: odd\n"},
        "its METADATA is missing or has no version: reinstall it",
    ),
    "a version of control characters": (
        {
            "entry_points.txt": POINTS.encode(),
            "METADATA": METADATA.replace("1.0", "1\x1b[2J").encode(),
        },
        r"'1\x1b[2J' is not a version; give it one such as 1.0",
    ),
    "a name of control characters": (
        {
            "entry_points.txt": POINTS.encode(),
            "METADATA": METADATA.replace(": odd", ": o\x1bdd").encode(),
        },
        r"its METADATA has the invalid name 'o\x1bdd'",
    ),
    "an entry point without a target": (
        {"entry_points.txt": b"[tinynet.layers]\nodd\n", "METADATA": METADATA.encode()},
        "line 2 is 'odd'; it should be: name = package:Class",
    ),
    "an entry point of control characters": (
        {
            "entry_points.txt": b"[tinynet.layers]\no\x1bdd = odd:Odd\n",
            "METADATA": METADATA.encode(),
        },
        r"line 2: 'o\x1bdd' is not a valid name in a spec",
    ),
    "an entry point with a colon": (
        {
            "entry_points.txt": b"[tinynet.layers]\nodd:odd = odd:Odd\n",
            "METADATA": METADATA.encode(),
        },
        "line 2: 'odd:odd' is not a valid name in a spec",
    ),
    "an unknown group": (
        {"entry_points.txt": b"[tinynet.layer]\nodd = odd:Odd\n", "METADATA": METADATA.encode()},
        "'tinynet.layer' is not a group of plugins; did you mean 'tinynet.layers'?",
    ),
    "bytes that are no text": (
        {"entry_points.txt": b"[tinynet.layers]\n\xff = odd:Odd\n", "METADATA": METADATA.encode()},
        "its entry_points.txt cannot be read (UnicodeDecodeError: ",
    ),
    "a malformed group of another project": (
        {"entry_points.txt": b"[console_scripts]\nodd\n", "METADATA": METADATA.encode()},
        None,
    ),
    "a leftover without metadata": ({"RECORD": b""}, None),
}


@pytest.fixture
def site(install: Callable[..., Path]) -> Path:
    """Return a folder with an intact distribution."""
    return install("sound", {"layers": {"good": "sound:Good"}}, GOOD)


def write_odd(site: Path, files: dict[str, bytes], name: str = "odd") -> None:
    place = site / f"{name}-1.0.dist-info"
    place.mkdir()
    for file, content in files.items():
        (place / file).write_bytes(content)


def assert_others_are_found() -> None:
    """Assert that all other distributions are found and listed."""
    entries = all_entries()
    sound = [entry.qualified for entry in entries if entry.distribution == "sound"]
    assert sound == ["sound:good"]
    assert len([entry for entry in entries if entry.distribution == "tinynet-core"]) > 50
    assert len(listed(entries, entries)) == len(entries)


def assert_others_work() -> None:
    """Assert that all other distributions are found, listed and examined."""
    assert_others_are_found()
    (one,) = examine("sound")
    assert one.ok


@pytest.mark.parametrize("what", DAMAGES)
def test_damaged_distribution_is_skipped_and_reported(site: Path, what: str) -> None:
    files, problem = DAMAGES[what]
    write_odd(site, files)
    assert_others_are_found()
    assert not [entry for entry in all_entries() if entry.name == "odd"]
    if problem is None:
        assert damages() == []
        return
    (damage,) = damages()
    assert damage.distribution == "odd"
    assert damage.problem.startswith(problem)
    assert str(damage).isprintable()
    assert damages("odd") == [damage]
    assert damages("sound") == []
    assert examine("odd") == []


def test_others_work_beside_all_damaged_distributions(site: Path) -> None:
    for number, (files, _) in enumerate(DAMAGES.values()):
        write_odd(site, files, f"odd{number}")
    assert_others_work()
    assert len(damages()) == len([problem for _, problem in DAMAGES.values() if problem])


def test_folder_in_place_of_a_metadata_file_is_reported(site: Path) -> None:
    (site / "odd-1.0.dist-info" / "entry_points.txt").mkdir(parents=True)
    assert_others_are_found()
    (damage,) = damages()
    assert "cannot be read (no permission, or not a file)" in damage.problem


def test_valid_lines_of_a_damaged_file_are_used(site: Path) -> None:
    place = site / "odd-1.0.dist-info"
    place.mkdir()
    (place / "METADATA").write_text(METADATA)
    (place / "entry_points.txt").write_text(f"[console_scripts]\nbroken\n{POINTS}worse\n")
    assert [entry.qualified for entry in all_entries() if entry.name == "odd"] == ["odd:odd"]
    (damage,) = damages()
    assert damage.where.endswith("odd-1.0.dist-info/entry_points.txt")
    assert damage.problem == "line 5 is 'worse'; it should be: name = package:Class"


def test_two_versions_in_one_folder_are_reported(site: Path, install: Callable[..., Path]) -> None:
    install("sound", {"layers": {"good": "sound:Good"}}, GOOD, version="2.0")
    assert_others_work()
    (damage,) = damages()
    assert "a second version is in the same folder, sound-" in damage.problem
    assert "run pip uninstall sound until none is left, then install it again" in damage.problem


def test_version_that_hides_another_on_the_path_is_not_damage(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "later" / "sound-0.9.dist-info"
    place.mkdir(parents=True)
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: sound\nVersion: 0.9\n")
    (place / "entry_points.txt").write_text("[tinynet.layers]\nold = sound:Old\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "later")])
    assert_others_are_found()
    assert damages() == []


@pytest.mark.parametrize("what", ["no METADATA", "no version"])
def test_what_is_missing_is_reported_beside_importlib_metadata(
    site: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That package finds the distributions once it is imported, and raises errors instead."""

    class StrictMessage(Message):
        def __getitem__(self, name: str) -> Any:
            value = self.get(name)
            if value is None:
                raise KeyError(name)
            return value

    def metadata(distribution: Distribution) -> Message:
        text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO")
        if text is None:
            raise FileNotFoundError("No package metadata was found.")
        return message_from_string(text, StrictMessage)

    monkeypatch.setattr(Distribution, "metadata", property(metadata))
    files, problem = DAMAGES[what]
    write_odd(site, files)
    (damage,) = damages()
    assert damage.problem == problem


class BrokenFinder:
    """An import finder like that of an editable installation with deleted files."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        return None

    def find_distributions(self, context: Any) -> Any:
        raise RuntimeError("no such mapping")


def test_broken_import_finder_is_reported(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "meta_path", [BrokenFinder(), *sys.meta_path])
    assert_others_work()
    (damage,) = damages()
    assert damage.where.endswith("BrokenFinder")
    assert damage.problem == (
        "this import finder cannot list its distributions: RuntimeError: no such mapping"
    )


def test_new_plugin_is_created_beside_a_damaged_one(site: Path, tmp_path: Path) -> None:
    (site / "odd-1.0.dist-info").mkdir()
    assert new_plugin("my-layer", into=tmp_path).folder.is_dir()


@pytest.mark.parametrize("content", ["{", "[]", '{"dir_info": 1}', '{"dir_info": {"editable": 1}}'])
def test_damaged_record_of_an_editable_plugin_is_ignored(site: Path, content: str) -> None:
    (site / "sound-1.2.dist-info" / "direct_url.json").write_text(content)
    entries = all_entries()
    (one,) = listed([entry for entry in entries if entry.distribution == "sound"], entries)
    assert (one.where, one.editable) == (str(site), False)


def test_error_for_an_unknown_type_mentions_the_damage(site: Path) -> None:
    place = site / "odd-1.0.dist-info"
    place.mkdir()
    (place / "entry_points.txt").write_text(POINTS)
    with pytest.raises(UnknownTypeError, match="some plugins cannot be read: see tinynet plugins"):
        registry.default().find("layers", "odd")
    with pytest.raises(PluginError, match="or has no types for tinynet; some plugins cannot be"):
        registry.default().find("layers", "odd:odd")
