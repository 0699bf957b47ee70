"""The order of names with numbers."""

from tinynet.files.natural_order import natural_key


def test_numbers_in_names_count_as_numbers():
    names = ["x-10", "x-1", "x-01", "x-2", "a/10/b-2", "a/9/b-10", "10", "9", "x"]
    expected = ["9", "10", "a/9/b-10", "a/10/b-2", "x", "x-01", "x-1", "x-2", "x-10"]
    assert sorted(names, key=natural_key) == expected
