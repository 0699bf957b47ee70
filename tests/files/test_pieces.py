"""Files that are joined by rows."""

import numpy as np
import pytest

from tinynet.errors import DataError
from tinynet.files.pieces import JoinedRows, compare_pieces, find_pieces

PARTS = [np.arange(5 * 2).reshape(5, 2), np.arange(100, 102).reshape(1, 2), np.ones((4, 2), int)]
WHOLE = np.concatenate(PARTS)
PLACES = ["a.npy", "b.npy", "c.npy"]


@pytest.mark.parametrize(
    "rows",
    [slice(None), slice(4, 7), slice(8, 2), slice(0, 10, 4), np.array([9, 0, 5, 5, -1]), 5, -10],
)
def test_indexing_is_that_of_the_concatenated_array(rows):
    joined = JoinedRows(PARTS, PLACES)
    np.testing.assert_array_equal(joined[rows], WHOLE[rows])
    assert (joined.shape, joined.ndim, joined.dtype) == (WHOLE.shape, 2, WHOLE.dtype)
    assert (joined.nbytes, len(joined), joined.starts) == (WHOLE.nbytes, 10, [0, 5, 6])


def test_an_index_outside_is_an_error():
    with pytest.raises(IndexError, match="row 10 of 10"):
        JoinedRows(PARTS, PLACES)[np.array([0, 10])]


def test_pieces_that_differ_from_the_first_are_listed():
    parts = [PARTS[0], PARTS[1][:, :1], PARTS[2].astype(np.float32)]
    with pytest.raises(DataError) as raised:
        JoinedRows(parts, PLACES)
    assert str(raised.value) == (
        "all pieces need the shape (N, 2) and the dtype int64 of the first, a.npy; 2 of 3 differ:"
        " b.npy (N, 1; int64), c.npy (N, 2; float32)"
    )


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "odd [name]"
    folder.mkdir()
    for name in ("x-b.npy", "x-a.npy", "y.npy", "x.txt", "[ab].npy"):
        (folder / name).touch()
    (folder / "x-folder.npy").mkdir()
    return folder


def names(paths):
    return None if paths is None else [path.rpartition("/")[2] for path in paths]


def test_folders_and_patterns_name_files_in_order(folder):
    assert names(find_pieces(str(folder), ".npy")) == ["[ab].npy", "x-a.npy", "x-b.npy", "y.npy"]
    assert names(find_pieces(f"{folder}/x-*.npy", ".npy")) == ["x-a.npy", "x-b.npy"]
    assert names(find_pieces(f"{folder.parent}/*/x-*.npy", ".npy")) == ["x-a.npy", "x-b.npy"]


def test_a_folder_that_looks_like_a_pattern_is_none(tmp_path):
    """A pattern must not lead out of a folder named [ab] into those named a and b."""
    for name in ("[ab]", "a"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"in {name}.npy").touch()
    assert names(find_pieces(str(tmp_path / "[ab]" / "*.npy"), ".npy")) == ["in [ab].npy"]


def test_a_file_is_no_pattern(folder):
    assert find_pieces(str(folder / "y.npy"), ".npy") is None
    assert find_pieces(str(folder / "[ab].npy"), ".npy") is None
    assert find_pieces(str(folder / "missing.npy"), ".npy") is None


def test_no_pieces_is_an_error(folder, tmp_path):
    with pytest.raises(DataError, match=r"no file matches .*/z-\*\.npy \(relative paths start"):
        find_pieces(str(tmp_path / "z-*.npy"), ".npy")
    with pytest.raises(DataError, match=r"is a folder without \.npz files; name a file"):
        find_pieces(str(folder), ".npz")


def test_pieces_are_in_natural_order(tmp_path, monkeypatch):
    """Text order pairs x-10 with y-02, and shuffles the months of a series."""
    for number in (10, 2, 1):
        (tmp_path / f"x-{number}.npy").touch()
    expected = ["x-1.npy", "x-2.npy", "x-10.npy"]
    assert names(find_pieces(str(tmp_path / "x-*.npy"), ".npy")) == expected
    assert names(find_pieces(str(tmp_path), ".npy")) == expected
    monkeypatch.chdir(tmp_path)
    assert find_pieces("x-*.npy", ".npy") == expected


def test_pairs_of_pieces_of_other_lengths_are_listed():
    x = ([("x-1", 0), ("x-2", 5), ("x-3", 8)], 10)
    with pytest.raises(DataError) as raised:
        compare_pieces([x, ([], 10), ([("y-1", 0), ("y-2", 5), ("y-3", 7)], 10)])
    assert "2 of 3 pairs differ in length: x-2 (3 rows) and y-2 (2), x-3" in str(raised.value)
    compare_pieces([x, x, ([("y-1", 0), ("y-2", 4)], 10)])
