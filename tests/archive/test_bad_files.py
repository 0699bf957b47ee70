"""A damaged or hostile file is never loaded, and always refused with an error that explains it."""

import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import msgpack
import pytest

from tinynet import archive
from tinynet.archive import reading
from tinynet.errors import (
    CheckpointCorruptError,
    CheckpointError,
    CheckpointFormatError,
    CheckpointIOError,
    CheckpointLimitError,
    CheckpointVersionError,
)

CORRUPT, FORMAT, LIMIT = CheckpointCorruptError, CheckpointFormatError, CheckpointLimitError


def refused(path: Path, data: bytes) -> CheckpointError:
    """Return the error that both ways of reading ``data`` raise."""
    path.write_bytes(data)
    errors = []
    for copy in (True, False):
        with pytest.raises(CheckpointError) as caught:
            archive.read(path, copy=copy)
        errors.append(caught.value)
    assert type(errors[0]) is type(errors[1])
    assert str(errors[0]).startswith(f"{path}: ")
    return errors[0]


def test_every_truncation_is_refused(small_file: Path) -> None:
    data = small_file.read_bytes()
    for length in range(len(data)):
        assert type(refused(small_file, data[:length])) is CORRUPT


def test_every_flipped_bit_is_refused(small_file: Path) -> None:
    """In the prefix, the directory, the padding, the document and the tensors."""
    data = small_file.read_bytes()
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        assert type(refused(small_file, bytes(flipped))) in (CORRUPT, FORMAT)


@pytest.mark.parametrize("extra", [b"\0", b"\xc0", bytes(64)])
def test_trailing_bytes_are_refused(small_file: Path, extra: bytes) -> None:
    assert type(refused(small_file, small_file.read_bytes() + extra)) is CORRUPT


ONE = b"\x01\x02\x03\x04"


def _tensors(forge: ModuleType, **entries: Any) -> bytes:
    """Return a file whose directory has these tensors, each with four bytes."""
    return forge.build(forge.directory(entries), forge.DOCUMENT, *[ONE] * len(entries))


def _named(forge: ModuleType, name: Any) -> bytes:
    tree = forge.directory({name: forge.entry("uint8", [4], ONE)})
    return forge.build(tree, forge.DOCUMENT, ONE)


def _shaped(forge: ModuleType, shape: Any, dtype: Any = "uint8") -> bytes:
    return _tensors(forge, x=forge.entry(dtype, shape, ONE))


def _document(forge: ModuleType, text: bytes) -> bytes:
    return forge.build(forge.directory(document=text), text)


def _raw_tensors(forge: ModuleType, packed: bytes, *contents: bytes) -> bytes:
    """Return a file whose directory has the bytes ``packed`` as the value of ``tensors``."""
    head = msgpack.packb(forge.directory())
    assert head.endswith(b"\x80")
    return forge.build(head[:-1] + packed, forge.DOCUMENT, *contents)


def _step(forge: ModuleType, spelled: bytes) -> bytes:
    packed = msgpack.packb(forge.directory(step=1))
    return forge.build(packed.replace(b"\xa4step\x01", b"\xa4step" + spelled), forge.DOCUMENT)


def _framed(forge: ModuleType, framing: Callable[[int], bytes]) -> bytes:
    """Return a file with another frame of the document."""
    packed = msgpack.packb(forge.directory())
    return forge.seal(packed, framing(64 + len(packed)) + forge.DOCUMENT)


def _pad(position: int) -> int:
    return -(position + 7) % 64


HEAD = b"\xc6\0\0\0\x02"
CASES: dict[str, tuple[Callable[[Any], bytes], type[Exception], str]] = {
    # The prefix
    "empty": (lambda f: b"", CORRUPT, "truncated at byte 0"),
    "another format": (lambda f: b"PK\x03\x04" + bytes(100), FORMAT, "not a tinynet checkpoint"),
    "another magic": (
        lambda f: f.seal(b"", b"", magic=b"\xc4\x3etinynet-CKPT"),
        FORMAT,
        "not a tinynet checkpoint",
    ),
    "version 0": (lambda f: f.seal(b"", b"", version=0), FORMAT, "version 0"),
    "version 2": (
        lambda f: f.seal(b"", b"", version=2),
        CheckpointVersionError,
        "version 2 of the format; this tinynet reads up to version 1",
    ),
    "file length 2^64 - 1": (
        lambda f: f.seal(b"", b"", length=2**64 - 1),
        CORRUPT,
        "64 bytes instead of 18,446,744,073,709,551,615",
    ),
    "directory length 2^64 - 1": (
        lambda f: f.seal(b"", b"", directory_length=2**64 - 1),
        LIMIT,
        "18,446,744,073,709,551,615 bytes of directory",
    ),
    "directory longer than the file": (
        lambda f: f.seal(b"", b"", directory_length=1),
        FORMAT,
        "directory has 1 bytes, and the whole file 64",
    ),
    # The directory
    "no directory": (lambda f: f.seal(b"", b""), FORMAT, "malformed at its byte 0"),
    "directory is an array": (lambda f: f.build([1, 2, 3, 4]), FORMAT, "malformed at its byte 0"),
    "a key is missing": (
        lambda f: f.build({"run_id": "run", "step": 1, "sections": [2, bytes(16)]}),
        FORMAT,
        "a map of 4",
    ),
    "a key more": (lambda f: f.build(f.directory() | {"x": 1}), FORMAT, "a map of 4"),
    "keys in another order": (
        lambda f: f.build(dict(reversed(f.directory().items())), f.DOCUMENT),
        FORMAT,
        "'run_id' is expected",
    ),
    "integer keys": (lambda f: f.build({1: 1, 2: 2, 3: 3, 4: 4}), FORMAT, "str is expected"),
    "bytes behind the map": (
        lambda f: f.build(msgpack.packb(f.directory()) + b"\xc0", f.DOCUMENT),
        FORMAT,
        "has bytes after its end",
    ),
    "ext type": (
        lambda f: f.build(f.directory(run_id=msgpack.ExtType(1, b"abc"))),
        FORMAT,
        "str is expected",
    ),
    "timestamp": (
        lambda f: f.build(f.directory(step=msgpack.Timestamp(1))),
        FORMAT,
        "int is expected",
    ),
    "bad UTF-8": (lambda f: _raw_tensors(f, b"\x81\xa2\xff\xff\x93"), FORMAT, "utf-8"),
    "a bin of 4 GiB": (
        lambda f: _raw_tensors(f, b"\x81\xa1x\x93\xa5uint8\x91\x04\xc6\xff\xff\xff\xff"),
        FORMAT,
        "bytes is expected",
    ),
    "a str of 4 GiB": (
        lambda f: _raw_tensors(f, b"\x81\xdb\xff\xff\xff\xff"),
        FORMAT,
        "str is expected",
    ),
    "2^32 - 1 tensors": (
        lambda f: _raw_tensors(f, b"\xdf\xff\xff\xff\xff"),
        LIMIT,
        "4,294,967,295 tensors",
    ),
    "2^32 - 1 axes": (
        lambda f: _raw_tensors(f, b"\x81\xa1x\x93\xa5uint8\xdd\xff\xff\xff\xff"),
        LIMIT,
        "4,294,967,295 axes",
    ),
    "1,024 arrays deep": (
        lambda f: _raw_tensors(f, b"\x81\xa1x\x93\xa5uint8" + b"\x91" * 1024),
        FORMAT,
        "int is expected",
    ),
    "100,000 maps deep": (
        lambda f: _raw_tensors(f, b"\x81\xa1x" * 100_000),
        FORMAT,
        "malformed",
    ),
    "duplicate tensor": (
        lambda f: _raw_tensors(
            f, b"\x82" + 2 * (b"\xa1x" + msgpack.packb(f.entry("uint8", [4], ONE))), ONE, ONE
        ),
        FORMAT,
        "shortest spelling",
    ),
    "duplicate key": (
        lambda f: f.build(b"\x84" + 4 * b"\xa6run_id\xa3run", f.DOCUMENT),
        FORMAT,
        "'step' is expected",
    ),
    "tensors out of order": (
        lambda f: _tensors(f, b=f.entry("uint8", [4], ONE), a=f.entry("uint8", [4], ONE)),
        FORMAT,
        "in order",
    ),
    "a longer spelling of 1": (lambda f: _step(f, b"\xcc\x01"), FORMAT, "shortest spelling"),
    "step -1": (lambda f: _step(f, b"\xff"), FORMAT, "int is expected"),
    "step 1.0": (lambda f: _step(f, msgpack.packb(1.0)), FORMAT, "int is expected"),
    "step true": (lambda f: _step(f, b"\xc3"), FORMAT, "int is expected"),
    "step 2^63": (lambda f: _step(f, msgpack.packb(2**63)), FORMAT, "from 0 to 2"),
    "run id with a space": (lambda f: f.build(f.directory(run_id="a b")), FORMAT, "run id"),
    # Tensors
    "name ../../x": (lambda f: _named(f, "../../x"), FORMAT, "'../../x'"),
    "name /etc/passwd": (lambda f: _named(f, "/etc/passwd"), FORMAT, "'/etc/passwd'"),
    "empty name": (lambda f: _named(f, ""), FORMAT, "a name has"),
    "name with a newline": (lambda f: _named(f, "x\n"), FORMAT, "a name has"),
    "name not in ASCII": (lambda f: _named(f, "\u0661"), FORMAT, "a name has"),
    "name of 257": (lambda f: _named(f, "x" * 257), FORMAT, "at most 256"),
    "name is bytes": (lambda f: _named(f, b"x"), FORMAT, "str is expected"),
    "dtype O": (lambda f: _shaped(f, [4], "O"), FORMAT, "dtype 'O'"),
    "dtype V": (lambda f: _shaped(f, [4], "V"), FORMAT, "dtype 'V'"),
    "dtype >f4": (lambda f: _shaped(f, [1], ">f4"), FORMAT, "dtype '>f4'"),
    "dtype None": (lambda f: _shaped(f, [4], None), FORMAT, "str is expected"),
    "product overflows": (lambda f: _shaped(f, [2**32] * 4), LIMIT, "bytes of tensor 'x'"),
    "product is 4 modulo 2^64": (
        lambda f: _shaped(f, [2**62 + 1, 4]),
        LIMIT,
        "bytes of tensor 'x'",
    ),
    "product overflows beside a zero": (
        lambda f: _shaped(f, [0, 2**62, 2]),
        LIMIT,
        "bytes of tensor 'x'",
    ),
    "more than the file": (lambda f: _shaped(f, [2**40]), FORMAT, "describes a file of"),
    "less than the file": (lambda f: _shaped(f, [3]), FORMAT, "describes a file of"),
    "nine axes": (lambda f: _shaped(f, [4] + [1] * 8), LIMIT, "9 axes"),
    "negative axis": (lambda f: _shaped(f, [-4]), FORMAT, "int is expected"),
    "boolean axis": (lambda f: _shaped(f, [True, 4]), FORMAT, "int is expected"),
    "float axis": (lambda f: _shaped(f, [4.0]), FORMAT, "int is expected"),
    "shape is a number": (lambda f: _shaped(f, 4), FORMAT, "malformed"),
    "entry of two": (lambda f: _tensors(f, x=["uint8", [4]]), FORMAT, "array of 3"),
    "short digest": (lambda f: _tensors(f, x=["uint8", [4], b"abc"]), FORMAT, "16 bytes"),
    "no bool": (lambda f: _shaped(f, [4], "bool"), FORMAT, "neither 0 nor 1"),
    "one part for two tensors": (
        lambda f: f.build(
            f.directory({n: f.entry("uint8", [4], ONE) for n in "ab"}), f.DOCUMENT, ONE
        ),
        FORMAT,
        "describes a file of",
    ),
    "parts out of order": (
        lambda f: f.build(
            f.directory({"a": f.entry("uint8", [4], ONE), "b": f.entry("uint8", [4], b"abcd")}),
            f.DOCUMENT,
            b"abcd",
            ONE,
        ),
        CORRUPT,
        "tensor 'a', at bytes 194 to 259, does not match",
    ),
    # Frames
    "padding not zero": (
        lambda f: _framed(f, lambda p: b"\xc4%c" % _pad(p) + b"\1" * _pad(p) + HEAD),
        CORRUPT,
        "the padding of",
    ),
    "padding as str": (
        lambda f: _framed(f, lambda p: b"\xd9%c" % _pad(p) + bytes(_pad(p)) + HEAD),
        CORRUPT,
        "the padding of",
    ),
    "padding too long": (
        lambda f: _framed(f, lambda p: b"\xc4%c" % (_pad(p) + 64) + bytes(_pad(p) + 64) + HEAD),
        FORMAT,
        "describes a file of",
    ),
    "a shorter tag": (
        lambda f: _framed(f, lambda p: b"\xc4%c" % (_pad(p) + 3) + bytes(_pad(p) + 3) + b"\xc4\2"),
        CORRUPT,
        "the padding of",
    ),
    "another length in the tag": (
        lambda f: _framed(f, lambda p: b"\xc4%c" % _pad(p) + bytes(_pad(p)) + b"\xc6\xff\xff\0\2"),
        CORRUPT,
        "the padding of",
    ),
    # The document
    "document is an array": (lambda f: _document(f, b"[]"), FORMAT, "not an object"),
    "no document": (lambda f: _document(f, b""), FORMAT, "describes a file of"),
    "not JSON": (lambda f: _document(f, b"{]"), FORMAT, "the JSON sections"),
    "white space": (lambda f: _document(f, b'{"a": 1}'), FORMAT, "canonical"),
    "JSON keys out of order": (lambda f: _document(f, b'{"b":1,"a":2}'), FORMAT, "canonical"),
    "duplicate JSON keys": (lambda f: _document(f, b'{"a":1,"a":2}'), FORMAT, "canonical"),
    "NaN": (lambda f: _document(f, b'{"a":NaN}'), FORMAT, "Out of range"),
    "1e999": (lambda f: _document(f, b'{"a":1e999}'), FORMAT, "Out of range"),
    "1e2": (lambda f: _document(f, b'{"a":1e2}'), FORMAT, "canonical"),
    "-0": (lambda f: _document(f, b'{"a":-0}'), FORMAT, "canonical"),
    "10,000 digits": (lambda f: _document(f, b'{"a":%b}' % (b"1" * 10_000)), FORMAT, "digits"),
    "needless escape": (lambda f: _document(f, b'{"a":"\\u0061"}'), FORMAT, "canonical"),
    "UTF-8": (lambda f: _document(f, '{"a":"é"}'.encode()), FORMAT, "ascii"),
    "UTF-16": (lambda f: _document(f, '{"a":1}'.encode("utf-16")), FORMAT, "ascii"),
    "half a surrogate": (lambda f: _document(f, b'{"a":"\\ud83d"}'), FORMAT, "half a surrogate"),
    "halves the wrong way": (
        lambda f: _document(f, b'{"a":"\\ude00\\ud83d"}'),
        FORMAT,
        "half a surrogate",
    ),
    "JSON 1,024 deep": (
        lambda f: _document(f, b'{"a":' + b"[" * 1024 + b"]" * 1024 + b"}"),
        LIMIT,
        "128 deep",
    ),
    "JSON a million deep": (lambda f: _document(f, b"[" * 10**6), LIMIT, "128 deep"),
    "a document of 2^63 bytes": (
        lambda f: f.build(f.directory() | {"sections": [2**63, bytes(16)]}, f.DOCUMENT),
        LIMIT,
        "bytes of JSON",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_invalid_files_are_refused_with_the_reason(
    tmp_path: Path, forge: ModuleType, case: str
) -> None:
    """Every length and checksum is right, so only the parser can refuse them."""
    make, error, message = CASES[case]
    raised = refused(tmp_path / "bad", make(forge))
    assert type(raised) is error
    assert message in str(raised)


def test_the_invalid_files_are_valid_without_their_fault(tmp_path: Path, forge: ModuleType) -> None:
    """Otherwise the cases above could be refused for another reason."""
    (tmp_path / "good").write_bytes(_shaped(forge, [2, 2]))
    assert archive.read(tmp_path / "good").tensors["x"].tobytes() == ONE
    (tmp_path / "good").write_bytes(_document(forge, b'{"a":"\\ud83d\\ude00\\\\ud83d"}'))
    assert archive.read(tmp_path / "good").sections == {"a": "😀\\ud83d"}
    (tmp_path / "good").write_bytes(
        _framed(forge, lambda p: b"\xc4%c" % _pad(p) + bytes(_pad(p)) + HEAD)
    )
    assert archive.read(tmp_path / "good").sections == {}


def test_only_a_regular_file_is_read_and_nothing_hangs(tmp_path: Path, small_file: Path) -> None:
    """A pipe would block a resume forever; a device would never end."""
    (tmp_path / "link").symlink_to(small_file)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for path in (tmp_path / "link", tmp_path / "pipe", tmp_path / "folder", Path("/dev/zero")):
        with pytest.raises(FORMAT, match=r"symbolic link|not a regular file"):
            archive.read(path)


def test_a_file_that_cannot_be_opened_is_an_io_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointIOError, match="missing: No such file"):
        archive.read(tmp_path / "missing")


@pytest.mark.parametrize("copy", [True, False])
def test_a_file_that_shrinks_while_it_is_read_is_refused(
    small_file: Path, monkeypatch: pytest.MonkeyPatch, copy: bool
) -> None:
    """Another process may overwrite it: unread bytes must not pass for data."""
    read_sections = reading._read_sections

    def shrink(*args: Any) -> Any:
        os.truncate(small_file, small_file.stat().st_size - 1)
        return read_sections(*args)

    monkeypatch.setattr(reading, "_read_sections", shrink)
    with pytest.raises(CORRUPT, match="became shorter"):
        archive.read(small_file, copy=copy)
