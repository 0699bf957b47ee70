"""Compressed files: gzip is unpacked, other kinds are refused by name."""

import bz2
import gzip
import io
import lzma
import os
import shutil
import subprocess
import zipfile

import numpy as np
import pytest

from tinynet.builtin.datasets.csv import CSV
from tinynet.builtin.datasets.idx import IDX
from tinynet.builtin.datasets.numpy_files import NPY, NPZ
from tinynet.errors import DataError
from tinynet.files.packed import open_unpacked
from tinynet.files.regular import open_file

TABLE = b"a,y\n1,cat\n2,dog\n"


def zipped(content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("table.csv", content)
    return file.getvalue()


PACKERS = {
    "bz2": (bz2.compress, "is compressed with bzip2; unpack it: bunzip2 -k"),
    "xz": (lzma.compress, "is compressed with xz; unpack it: unxz -k"),
    "zip": (zipped, "is a zip archive; unpack it: unzip"),
    "zst": (lambda content: b"\x28\xb5\x2f\xfd" + content, "is compressed with zstd"),
    "7z": (lambda content: b"7z\xbc\xaf\x27\x1c" + content, "is a 7z archive"),
    "xlsx": (zipped, "is not a text file; open it in the program that made it, and save it as CSV"),
    "parquet": (lambda content: b"PAR1" + content, "is a Parquet file; read it with"),
}


def open_csv(path):
    return CSV(CSV.Config(path=str(path), target="y"))


OPENERS = {
    "csv": open_csv,
    "idx": lambda path: IDX(IDX.Config(images=path, labels=path)),
    "npy": lambda path: NPY(NPY.Config(inputs=path, targets=path)),
}


@pytest.mark.parametrize("name", ["table.csv.gz", "table.csv"])
def test_a_gzipped_table_is_a_table(tmp_path, name):
    """The content decides: a server may unpack or pack a file without renaming it."""
    (tmp_path / name).write_bytes(gzip.compress(TABLE))
    (tmp_path / "plain").write_bytes(TABLE)
    packed, plain = open_csv(tmp_path / name), open_csv(tmp_path / "plain")
    assert packed.fingerprint == plain.fingerprint
    assert packed.where(1).endswith("line 3")


def test_a_table_ending_in_gz_may_be_unpacked(tmp_path):
    (tmp_path / "table.csv.gz").write_bytes(TABLE)
    assert len(open_csv(tmp_path / "table.csv.gz")) == 2


def test_a_truncated_or_damaged_gzip_is_a_data_error(tmp_path):
    packed = gzip.compress(TABLE)
    path = tmp_path / "table.csv.gz"
    for end in range(2, len(packed)):
        path.write_bytes(packed[:end])
        with pytest.raises(DataError, match=r"truncated|damaged|empty"):
            open_csv(path)
    damaged = bytearray(packed)
    damaged[-6] ^= 1
    path.write_bytes(bytes(damaged))
    with pytest.raises(DataError, match="CRC"):
        open_csv(path)


def test_a_bomb_of_one_line_is_not_unpacked(tmp_path):
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(b"a,y\n" + b"1" * (64 << 20)))
    with pytest.raises(DataError, match="line 2 is longer than"):
        open_csv(path)


@pytest.mark.parametrize("ending", PACKERS)
@pytest.mark.parametrize("kind", OPENERS)
def test_other_kinds_of_compression_are_named(tmp_path, kind, ending):
    pack, message = PACKERS[ending]
    path = tmp_path / f"it's data.{ending}"
    path.write_bytes(pack(TABLE))
    with pytest.raises(DataError) as raised:
        OPENERS[kind](str(path))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("tool", "pack", "ending"),
    [
        ("bunzip2", bz2.compress, "bz2"),
        ("unxz", lzma.compress, "xz"),
        ("gunzip", gzip.compress, "gz"),
        ("unzip", zipped, "zip"),
    ],
)
def test_the_suggested_command_unpacks(tmp_path, tool, pack, ending):
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")
    path = tmp_path / f"it's a table.csv.{ending}"
    path.write_bytes(pack(TABLE))
    with pytest.raises(DataError) as raised:
        NPY(NPY.Config(inputs=str(path), targets=str(path)))
    command = str(raised.value).partition("unpack it: ")[2]
    subprocess.run(command, shell=True, check=True, cwd=tmp_path, capture_output=True)
    assert TABLE in [file.read_bytes() for file in tmp_path.iterdir()]


@pytest.mark.parametrize("ending", ["gz", "bz2"])
def test_a_packed_npz_is_named(tmp_path, ending):
    file = io.BytesIO()
    np.savez(file, x=np.zeros((2, 2)), y=np.zeros(2))
    path = tmp_path / f"x.npz.{ending}"
    path.write_bytes((gzip if ending == "gz" else bz2).compress(file.getvalue()))
    with pytest.raises(DataError, match=r"is compressed with \w+; unpack it"):
        NPZ(NPZ.Config(path=str(path)))


def test_progress_is_reported_for_packed_files(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(np.random.default_rng(0).bytes(1 << 20)))
    with open_unpacked(str(path)) as file:
        file.stream.read(1 << 19)
        assert 0.4 < file.fraction < 0.7
        file.stream.read()
        assert file.fraction == 1


def test_a_file_that_is_replaced_by_a_pipe_does_not_hang(tmp_path, monkeypatch):
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    regular = os.stat(__file__)
    monkeypatch.setattr("tinynet.files.regular.os.stat", lambda path: regular)
    with pytest.raises(DataError, match="pipe or a device"), open_file(path):
        pass
