"""Results of reading files are kept until the files change, and nothing depends on the cache."""

import json
import os

import pytest

from tinynet.files.file_rows import FileVersion
from tinynet.files.scan_cache import remember, verifying


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "tinynet" / "scans"


@pytest.fixture
def scan(tmp_path, cache):
    """Return the content of a file, and whether it was read for that."""
    path = tmp_path / "data"
    path.write_text("one")

    def scan(purpose="content", compare=lambda old, new: None):
        reads = []

        def compute():
            reads.append(path)
            return path.read_text()

        result = remember(purpose, [FileVersion.read(str(path))], compute, compare)
        return result, bool(reads)

    scan.path = path
    return scan


def test_a_file_is_read_once(scan):
    assert scan() == ("one", True)
    assert scan() == ("one", False)
    assert scan("another purpose") == ("one", True)


def test_a_change_is_noticed(scan):
    scan()
    scan.path.write_text("two, longer")
    assert scan() == ("two, longer", True)
    assert scan() == ("two, longer", False)


def test_a_change_of_the_times_alone_is_noticed(scan):
    scan()
    os.utime(scan.path, (1, 1))
    assert scan() == ("one", True)


def test_verifying_reads_all_and_compares(scan):
    compared = []
    scan()
    with verifying(False):
        assert scan() == ("one", False)
    with verifying(), verifying(False):
        assert scan(compare=lambda *pair: compared.append(pair)) == ("one", True)
    assert compared == [("one", "one")]
    assert scan() == ("one", False)


@pytest.mark.parametrize("damaged", [b"", b"\xff", b"{", b"[]", b"{}", b"[" * 100_000, b'"x"'])
def test_a_damaged_entry_is_ignored_and_replaced(scan, cache, damaged):
    scan()
    (entry,) = cache.iterdir()
    entry.write_bytes(damaged)
    assert scan() == ("one", True)
    assert scan() == ("one", False)


def test_an_entry_of_other_files_is_ignored(scan, cache):
    scan()
    (entry,) = cache.iterdir()
    content = json.loads(entry.read_text())
    content["files"][0][1] += 1
    entry.write_text(json.dumps(content))
    assert scan() == ("one", True)


def test_a_folder_that_cannot_be_used_costs_reading_only(scan, tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("not a folder")
    assert scan() == ("one", True)
    assert scan() == ("one", True)
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert scan() == ("one", True)
    assert scan() == ("one", False)
    assert (tmp_path / "home" / ".cache" / "tinynet" / "scans").is_dir()


def test_a_file_that_changes_while_it_is_read_is_not_remembered(scan, cache):
    path = scan.path

    def compute():
        path.write_text("changed meanwhile")
        return "half"

    remember("content", [FileVersion.read(str(path))], compute)
    assert not cache.exists()


def test_a_damaged_result_is_ignored(scan, cache):
    scan()
    (entry,) = cache.iterdir()
    entry.write_text(entry.read_text().replace('"one"', '"two"'))
    assert scan() == ("one", True)
