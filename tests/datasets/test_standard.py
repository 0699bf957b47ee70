"""Published datasets by name, from a server on this computer."""

import gzip
import hashlib
import io
import sys
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from tinynet.builtin.datasets.standard.california_housing import FEATURES, CaliforniaHousing
from tinynet.builtin.datasets.standard.cifar import CIFAR10, CIFAR100
from tinynet.builtin.datasets.standard.imdb import IMDB
from tinynet.builtin.datasets.standard.mnist import KMNIST, MNIST, FashionMNIST
from tinynet.data.data import Data
from tinynet.errors import DataError
from tinynet.files.downloads import RemoteFile, cache_folder, fetch
from tinynet.spec.data_spec import DataSpec
from tinynet.testing import check_dataset

pytest.importorskip("pooch", reason="it downloads the files")

SEVEN = b"seven"


@pytest.fixture(scope="module")
def server():
    """A server of files, by name: bytes; ``half`` of a file is sent if its name says so."""
    files = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.rpartition("/")[2]
            if name not in files:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(files[name])))
            self.end_headers()
            half = len(files[name]) // 2 if name.startswith("half") else None
            self.wfile.write(files[name][:half])

        def log_message(self, *arguments):
            pass

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=made.serve_forever, daemon=True)
    thread.start()
    made.files = files
    made.url = f"http://127.0.0.1:{made.server_port}/files/"
    yield made
    made.shutdown()
    made.server_close()
    thread.join()


@pytest.fixture
def publish(server, monkeypatch, tmp_path):
    """Return a function that publishes a file on the server; the cache is an empty folder."""
    monkeypatch.setenv("TINYNET_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(server, "files", server.files)
    server.files.clear()

    def add(name, content, **options):
        server.files[name] = content
        return RemoteFile(server.url + name, hashlib.sha256(content).hexdigest(), **options)

    return add


def in_cache():
    folder = cache_folder()
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_a_file_is_downloaded_once(publish, server):
    file = publish("a.bin", SEVEN)
    (path,) = fetch("seven", [file])
    assert Path(path).read_bytes() == SEVEN
    assert in_cache() == ["seven/a.bin"]
    server.files.clear()
    assert fetch("seven", [file]) == [path]


def test_files_in_the_cache_need_no_pooch(publish, monkeypatch):
    file = publish("a.bin", SEVEN)
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(
        DataError, match=r"needs pooch: pip install pooch; or download http\S*a.bin"
    ):
        fetch("seven", [file])
    folder = cache_folder() / "seven"
    folder.mkdir(parents=True)
    (folder / "a.bin").write_bytes(SEVEN)
    assert fetch("seven", [file]) == [str(folder / "a.bin")]


def test_another_file_than_the_published_one_is_not_kept(publish, server):
    file = publish("a.bin", SEVEN)
    server.files["a.bin"] = b"eight"
    with pytest.raises(DataError, match=r"not the published file, whose SHA-256 is [0-9a-f]{64};"):
        fetch("seven", [file])
    assert in_cache() == []


def test_half_a_download_leaves_nothing(publish):
    file = publish("half.bin", bytes(100_000))
    with pytest.raises(DataError, match=r"half.bin could not be downloaded: "):
        fetch("seven", [file])
    assert in_cache() == []


def test_without_a_network_the_message_says_where_files_go(publish, server, monkeypatch):
    there = publish("a.bin", SEVEN)
    fetch("seven", [there])
    closed = "http://127.0.0.1:9/b.bin"
    files = [there, RemoteFile(closed, "0" * 64, 5000), RemoteFile(closed, "0" * 64, None, "c.bin")]
    with pytest.raises(DataError) as caught:
        fetch("seven", files)
    folder = cache_folder() / "seven"
    assert str(caught.value) == (
        f"seven: {closed} could not be downloaded: no connection to 127.0.0.1:9; without a network,"
        f" download {closed} (4.9 KiB), {closed} (as c.bin) yourself and put them into {folder} (or"
        " into the folder 'seven' of one that TINYNET_DATA names)"
    )
    assert in_cache() == ["seven/a.bin"]


def test_a_file_that_is_gone_is_reported(publish, server):
    file = publish("a.bin", SEVEN)
    server.files.clear()
    with pytest.raises(DataError, match="could not be downloaded: HTTPError: 404"):
        fetch("seven", [file])


def test_a_damaged_file_in_the_cache_is_named_not_replaced(publish):
    file = publish("a.bin", SEVEN)
    (path,) = fetch("seven", [file])
    Path(path).write_bytes(SEVEN[:3])
    with pytest.raises(
        DataError, match=r"a.bin is not the published file, or only a part .*delete"
    ):
        fetch("seven", [file])
    assert Path(path).read_bytes() == SEVEN[:3]


def test_the_cache_is_in_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("TINYNET_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "tinynet" / "data"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "tinynet" / "data"
    monkeypatch.setenv("TINYNET_DATA", "~/mine")
    assert cache_folder() == tmp_path / "mine"


# Datasets ---------------------------------------------------------------------------------------


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
    return gzip.compress(header + array.astype(np.uint8).tobytes())


IMAGES = np.arange(12 * 28 * 28).reshape(12, 28, 28) % 251
LABELS = np.arange(12) % 10


@pytest.mark.parametrize("dataset", [MNIST, FashionMNIST, KMNIST])
def test_images_in_idx_files(dataset, publish, monkeypatch):
    train = publish("ti.gz", idx(IMAGES)), publish("tl.gz", idx(LABELS))
    test = publish("vi.gz", idx(IMAGES[:5])), publish("vl.gz", idx(LABELS[:5]))
    monkeypatch.setattr(dataset, "files", {"train": train, "test": test})
    made = dataset(dataset.Config())
    assert len(made) == 12
    batch = made.gather(np.array([3, 11]))
    np.testing.assert_array_equal(batch.inputs["input"][..., 0], IMAGES[[3, 11]])
    assert batch.targets["target"].tolist() == [3, 1]
    assert len(made.targets["target"].classes) == 10
    assert in_cache() == [f"{dataset.name}/ti.gz", f"{dataset.name}/tl.gz"]
    assert len(dataset(dataset.Config(part="test"))) == 5
    check_dataset(dataset, {})


def test_a_spec_names_both_parts(publish, monkeypatch, tmp_path):
    part = publish("ti.gz", idx(IMAGES)), publish("tl.gz", idx(LABELS))
    monkeypatch.setattr(MNIST, "files", {"train": part, "test": part})
    spec = {"type": "mnist", "split": {"validation": 2}, "test": {"type": "mnist", "part": "test"}}
    data = Data(DataSpec.model_validate(spec), tmp_path, 0)
    assert [data.size(split) for split in ("train", "val", "test")] == [10, 2, 12]


def archive(folder, **members):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as packed:
        for name, content in members.items():
            info = tarfile.TarInfo(f"{folder}/{name.replace('__', '.')}")
            info.size = len(content)
            packed.addfile(info, io.BytesIO(content))
    return stream.getvalue()


PHOTOS = np.random.default_rng(0).integers(256, size=(6, 32, 32, 3), dtype=np.uint8)


def records(*labels):
    """Return the binary file of some photos: labels, then red, green and blue values."""
    pixels = PHOTOS.transpose(0, 3, 1, 2).reshape(6, -1)
    return np.column_stack([*labels, pixels]).astype(np.uint8).tobytes()


def test_cifar10(publish, monkeypatch):
    labels = np.array([0, 2, 1, 1, 0, 2])
    batches = {f"data_batch_{i}__bin": records((labels + i) % 3) for i in range(1, 6)}
    names = b"airplane\nautomobile\nbird\n\n"
    content = archive(
        "batches", batches__meta__txt=names, test_batch__bin=records(labels), **batches
    )
    monkeypatch.setattr(CIFAR10, "file", publish("cifar-10.tar.gz", content))
    train, test = (CIFAR10(CIFAR10.Config(part=part)) for part in ("train", "test"))
    assert len(train) == 30
    batch = train.gather(np.arange(6, 12))
    np.testing.assert_array_equal(batch.inputs["input"], PHOTOS)
    assert batch.targets["target"].tolist() == ((labels + 2) % 3).tolist()
    assert test.gather(np.arange(6)).targets["target"].tolist() == labels.tolist()
    assert test.targets["target"].classes == ("airplane", "automobile", "bird")
    check_dataset(CIFAR10, {})
    monkeypatch.setattr(CIFAR10, "file", publish("other.tar.gz", archive("batches")))
    with pytest.raises(DataError, match=r"lacks test_batch.bin, batches.meta.txt"):
        CIFAR10(CIFAR10.Config(part="test"))


def test_cifar100(publish, monkeypatch):
    content = archive(
        "cifar-100-binary",
        coarse_label_names__txt=b"fish\nflowers\n",
        fine_label_names__txt=b"carp\npike\nrose\n",
        train__bin=records([0, 0, 1, 1, 0, 0], [0, 1, 2, 2, 1, 0]),
    )
    monkeypatch.setattr(CIFAR100, "file", publish("cifar-100.tar.gz", content))
    fine = CIFAR100(CIFAR100.Config())
    assert fine.targets["target"].classes == ("carp", "pike", "rose")
    assert fine.gather(np.arange(6)).targets["target"].tolist() == [0, 1, 2, 2, 1, 0]
    coarse = CIFAR100(CIFAR100.Config(labels="coarse"))
    assert coarse.gather(np.arange(6)).targets["target"].tolist() == [0, 0, 1, 1, 0, 0]
    check_dataset(CIFAR100, {})


def test_california_housing(publish, monkeypatch):
    rows = b"-122.23,37.88,41,880,129,322,126,8.3252,452600\n-122.2,37.8,21,7,1,24,11,8.3,358500\n"
    content = archive("CaliforniaHousing", cal_housing__data=rows)
    file = publish("5976036", content, saved_as="cal_housing.tgz")
    monkeypatch.setattr(CaliforniaHousing, "file", file)
    data = CaliforniaHousing(CaliforniaHousing.Config())
    assert data.inputs["input"].names == FEATURES
    batch = data.gather(np.array([0]))
    # The first sample of scikit-learn's copy.
    expected = [8.3252, 41, 6.98412698, 1.02380952, 322, 2.55555556, 37.88, -122.23]
    np.testing.assert_allclose(batch.inputs["input"][0], expected)
    assert batch.targets["target"].tolist() == [4.526]
    check_dataset(CaliforniaHousing, {})
    assert in_cache() == ["california_housing/cal_housing.tgz"]


def test_imdb(publish, monkeypatch):
    members = {
        "imdb__vocab": b"the",
        "train/neg/0_2__txt": b"Dull.",
        "train/pos/0_9__txt": "Très bien.".encode(),
        "train/unsup/0_0__txt": b"A movie.",
        "train/pos/1_7__txt": b"Fine.",
        "test/neg/0_1__txt": b"Awful.",
        "test/pos/0_10__txt": b"Great.",
    }
    monkeypatch.setattr(IMDB, "file", publish("aclImdb.tar.gz", archive("aclImdb", **members)))
    data = IMDB(IMDB.Config())
    batch = data.gather(np.arange(3))
    assert batch.inputs["input"].tolist() == ["Dull.", "Très bien.", "Fine."]
    assert batch.targets["target"].tolist() == [0, 1, 1]
    assert data.targets["target"].classes == ("negative", "positive")
    assert data.where(1).endswith("aclImdb.tar.gz, aclImdb/train/pos/0_9.txt")
    assert len(IMDB(IMDB.Config(part="test"))) == 2
    check_dataset(IMDB, {})
    (rows,) = IMDB.read_rows(IMDB.Config(), ["Good.", "Bad."], data.inputs, {}, [])
    assert rows.inputs["input"].tolist() == ["Good.", "Bad."]
