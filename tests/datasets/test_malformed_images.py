"""Malformed image files: one error that names the file, or an image."""

import os
import socket
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("PIL.Image", reason="images need Pillow")

from tinynet.builtin.datasets.image_folder import ImageFolder
from tinynet.dataset import Field
from tinynet.errors import DataError
from tinynet.files.images import decode_values

from .malformed_images import CASES, EITHER, FORMATS, OPENS, color, encoded


def open_folder(folder, **options):
    return ImageFolder(ImageFolder.Config(path=str(folder), size=[4, 4], **options))


def read_file(path):
    config = ImageFolder.Config(path="not read", size=[4, 4])
    return list(ImageFolder.read_rows(config, path, {"input": Field((4, 4, 3), "uint8")}, {}, ()))


def problem(read):
    """Return the message of a `DataError`, or None if an image is read."""
    try:
        image = read()
    except DataError as error:
        return str(error)
    assert image.shape == (1, 4, 4, 3)
    return None


@pytest.mark.parametrize("name", CASES)
def test_malformed_file(tmp_path, name, capfd):
    content, message = CASES[name]
    path = tmp_path / "kind" / name
    path.parent.mkdir()
    path.write_bytes(content)
    predicted = problem(lambda: read_file(path)[0].inputs["input"])
    trained = problem(lambda: open_folder(tmp_path).gather(np.array([0])).inputs["input"])
    assert (predicted is None) == (trained is None)
    if predicted is None:
        assert message in (OPENS, EITHER)
    else:
        assert message is not OPENS
        assert predicted.startswith(f"{path} ")
        assert message in predicted
        assert "\n" not in predicted
        remedy = 'replace or remove it, or leave it out with "skip_broken": true'
        assert trained == f"{predicted}; {remedy}"
    assert capfd.readouterr().err == ""


def test_there_are_enough_of_them():
    assert len(CASES) >= 90


def test_all_are_named_at_once(tmp_path):
    """One error tells everything that is to be done."""
    (tmp_path / "kind").mkdir()
    (tmp_path / "kind/sound.png").write_bytes(encoded(color()))
    wrong = {name for name, (_, message) in CASES.items() if message}
    for name in wrong:
        (tmp_path / "kind" / name).write_bytes(CASES[name][0])
    with pytest.raises(DataError) as raised:
        open_folder(tmp_path)
    head, *lines = str(raised.value).split("\n")
    assert head.startswith(f"{len(wrong)} files cannot be used; ")
    assert {os.path.basename(line.split()[0]) for line in lines} == wrong
    data = open_folder(tmp_path, skip_broken=True)
    assert len(data) == 1


# Files that are none -----------------------------------------------------------------------


def a_pipe(path):
    os.mkfifo(path)


def a_socket(path):
    with socket.socket(socket.AF_UNIX) as opened:
        os.chdir(path.parent)  # the name of a socket is short
        opened.bind(path.name)


def a_loop(path):
    path.symlink_to(path)


def a_link_to_nothing(path):
    path.symlink_to("nothing.png")


def without_permission(path):
    if os.geteuid() == 0:
        pytest.skip("root reads every file")
    path.write_bytes(b"")
    path.chmod(0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (a_pipe, "is a pipe or a device"),
        (a_socket, "is a pipe or a device"),
        (a_loop, "cannot be read: Too many levels of symbolic links"),
        (a_link_to_nothing, "is a link to nothing.png, which does not exist"),
        (without_permission, "cannot be read: Permission denied"),
    ],
)
def test_what_is_no_file_is_an_error(tmp_path, monkeypatch, make, message):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "kind/a.png"
    path.parent.mkdir()
    make(path)
    with pytest.raises(DataError, match=message) as raised:
        open_folder(tmp_path)
    assert "kind/a.png" in str(raised.value)


def test_a_folder_with_the_ending_of_an_image_is_a_folder(tmp_path):
    (tmp_path / "cat.png/inner.png").mkdir(parents=True)
    (tmp_path / "cat.png/inner.png/1.png").write_bytes(encoded(color()))
    data = open_folder(tmp_path)
    assert data.targets["target"].classes == ("cat.png",)
    assert len(data) == 1


def test_a_link_to_an_image_is_an_image(tmp_path):
    (tmp_path / "elsewhere").write_bytes(encoded(color()))
    (tmp_path / "photos/kind").mkdir(parents=True)
    (tmp_path / "photos/kind/1.png").symlink_to(tmp_path / "elsewhere")
    assert len(open_folder(tmp_path / "photos")) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root lists every folder")
def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path):
    (tmp_path / "kind").mkdir()
    (tmp_path / "kind").chmod(0)
    with pytest.raises(DataError, match="kind cannot be listed: Permission denied"):
        open_folder(tmp_path)


# Any bytes ----------------------------------------------------------------------------------

SOUND = [encoded(color(), ending) for ending in FORMATS]

mutations = st.lists(
    st.tuples(st.integers(0, 10_000), st.binary(min_size=1, max_size=6)), min_size=1, max_size=4
)


def read_any(path, content):
    path.write_bytes(content)
    message = problem(lambda: read_file(path)[0].inputs["input"])
    assert message is None or str(path) in message
    with suppress(DataError):
        pixels, _ = decode_values(str(path))
        assert pixels.ndim == 2


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("any") / "image.png"


@given(whole=st.sampled_from(SOUND), changes=mutations, end=st.integers(0, 10_000))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_changed_bytes_raise_no_other_error(path, whole, changes, end):
    content = bytearray(whole)
    for place, replacement in changes:
        start = place % len(content)
        content[start : start + len(replacement)] = replacement
    read_any(path, bytes(content[: max(1, end % (2 * len(content)))]))


STARTS = [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"BM", b"GIF8"]


@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=200))
@settings(max_examples=80, deadline=None)
def test_any_bytes_raise_no_other_error(path, start, rest):
    read_any(path, start + rest)
