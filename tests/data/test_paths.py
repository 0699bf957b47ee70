"""A spec's data paths must lie in its own folder or the data root.

A spec may come from a stranger, so it must not read other files of the user.
"""

from pathlib import Path
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinynet.config import Frozen
from tinynet.data.paths import resolve_paths
from tinynet.dataset import DataPath, DatasetConfig, FilePath
from tinynet.errors import DataError


class Part(Frozen):
    file: FilePath
    label: str = "../label"


class Files(DatasetConfig):
    one: FilePath = "one"
    maybe: FilePath | None = None
    many: tuple[FilePath, ...] = ()
    named: FilePath | dict[str, FilePath] = "named"
    marked: Annotated[str | None, DataPath()] = None
    part: Part | None = None
    parts: tuple[Part, ...] = ()
    text: str = "../not a path"
    texts: tuple[str, ...] = ("/not/a/path",)


ROOT = Path("/data/root")


def resolved(root=ROOT, **fields):
    return resolve_paths(Files(**fields), root)


def test_paths_of_every_shape_become_absolute():
    files = resolved(
        one="a/b.csv",
        maybe="./c",
        many=("d", "e/../f"),
        named={"image": "g", "meta": "h"},
        marked="i",
        part=Part(file="j"),
        parts=(Part(file="k"),),
    )
    assert files == Files(
        one="/data/root/a/b.csv",
        maybe="/data/root/c",
        many=("/data/root/d", "/data/root/f"),
        named={"image": "/data/root/g", "meta": "/data/root/h"},
        marked="/data/root/i",
        part=Part(file="/data/root/j"),
        parts=(Part(file="/data/root/k"),),
    )


def test_other_values_are_not_changed():
    files = resolved()
    assert (files.maybe, files.text, files.texts) == (None, "../not a path", ("/not/a/path",))


def test_the_original_config_is_not_changed():
    config = Files(one="a")
    resolve_paths(config, ROOT)
    assert config == Files(one="a")


@pytest.mark.parametrize(
    "fields",
    [
        {"one": "../x"},
        {"one": "/etc/passwd"},
        {"one": "a/../../root2/x"},
        {"one": "/data/root2"},
        {"maybe": ".."},
        {"many": ("a", "../x")},
        {"named": {"a": "../x"}},
        {"part": Part(file="../x")},
        {"parts": (Part(file="a"), Part(file="../x"))},
    ],
)
def test_a_path_outside_of_the_root_is_refused(fields):
    with pytest.raises(DataError, match=r"outside of /data/root, where a spec's data must lie; "):
        resolved(**fields)


def test_the_message_has_the_absolute_path():
    with pytest.raises(
        DataError, match=r"^'\.\./secret' \(data.one\) leads to /data/secret, outside"
    ):
        resolved(one="../secret")


@pytest.mark.parametrize("path", ["/data/root", "/data/root/x", "."])
def test_an_absolute_path_within_the_root_is_allowed(path):
    assert resolved(one=path).one.startswith("/data/root")


def test_the_root_folder_allows_every_path():
    assert resolved(Path("/"), one="/etc/hosts").one == "/etc/hosts"


def test_a_relative_root_starts_in_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resolved(Path("data"), one="x").one == str(tmp_path / "data" / "x")


def test_a_link_inside_the_root_is_followed(tmp_path):
    """Data are often on another disk."""
    (tmp_path / "link").symlink_to("/")
    assert resolved(tmp_path, one="link/etc/hosts").one == f"{tmp_path}/link/etc/hosts"


@given(st.lists(st.sampled_from(["..", ".", "a", "root", "", "/", "data", "~"]), max_size=8))
def test_no_path_leaves_the_root(parts):
    try:
        path = resolved(one="/".join(parts) or ".").one
    except DataError:
        return
    assert Path(path).is_relative_to(ROOT)
    assert ".." not in Path(path).parts


def test_a_pattern_stays_inside_the_root(tmp_path):
    (tmp_path / "part-1.csv").touch()
    root = tmp_path / "specs"
    assert resolved(root, one="part-*.csv").one == str(root / "part-*.csv")
    with pytest.raises(DataError, match=r"outside of .*; to allow it, add: --data-root"):
        resolved(root, one="*/../../part-?.csv")
    with pytest.raises(DataError, match="does not exist: correct the path"):
        resolved(root, one="../other-*.csv")
