"""Predictions by several processes: the bytes of one, each input read as far as it is needed."""

import io
import shutil
from collections import deque
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tinynet
from tests.fleet_runs import ignore, is_process
from tinynet.engine.process_group import ProcessGroup
from tinynet.errors import CheckpointIOError, DataError, PeerFailure
from tinynet.prediction import images, inputs, rounds
from tinynet.prediction import model as model_module
from tinynet.prediction.rounds import compute_together
from tinynet.prediction.shared_stream import shared_stream
from tinynet.prediction.standard_input import as_file
from tinynet.prediction.writing import write_predictions
from tinynet.run.ending_together import processes
from tinynet.run.shared_model import load_model_together
from tinynet.testing.fleets import in_threads

CHUNK = 4
RNG = np.random.default_rng(0)
DENSE = {"type": "dense", "units": 3}
CROSS_ENTROPY = "softmax_cross_entropy"


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    """Divide the few samples into several chunks."""
    monkeypatch.setattr(model_module, "CHUNK_SIZE", CHUNK)
    monkeypatch.setattr(rounds, "CHUNK_SIZE", CHUNK)


def train(folder, data, network, loss, content=None):
    """Train for a step on a file, and return the folder of the run."""
    if isinstance(content, str):
        (folder / data["path"]).write_text(content)
    elif content is not None:
        np.savez(folder / data["path"], **content)
    spec = {
        "tinynet": 1,
        "name": "together",
        "data": {"split": {"validation": 0, "test": 0}, **data},
        "network": network,
        "training": {"steps": 1, "batch_size": 8, "loss": loss, "optimizer": "adam"},
    }
    run = tinynet.train(spec, folder / "run", data_root=folder, observer=ignore, threads=1)
    return run.path


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """A run of a table with two outputs, and rows with gaps that get no prediction."""
    folder = tmp_path_factory.mktemp("table")
    cells = RNG.random((23, 2)).tolist()
    rows = [f"{a},{b},{'uvw'[int(3 * b)]},{a - b}" for a, b in cells]
    layers = [
        {"type": "dense", "units": 4, "name": "stem"},
        {**DENSE, "name": "kind"},
        {"type": "dense", "units": 1, "inputs": "stem", "name": "size"},
    ]
    data = {
        "type": "csv", "path": "train.csv", "target": {"kind": "kind", "size": "size"},
        "columns": {"a": {"missing": "drop_row"}}, "transforms": ["standardize"],
    }  # fmt: skip
    run = train(
        folder, data, {"layers": layers, "outputs": ["kind", "size"]},
        {"kind": CROSS_ENTROPY, "size": "mse"}, "\n".join(["a,b,kind,size", *rows, ""]),
    )  # fmt: skip
    rows[2], rows[9] = ",0.5,u,0", ",0.1,u,0"
    (folder / "new.csv").write_text("\n".join(["a,b,kind,size", *rows, ""]))
    return run, [folder / "new.csv"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """A run of digits, two files of arrays and a folder of PNG files."""
    image = pytest.importorskip("PIL.Image")
    folder = tmp_path_factory.mktemp("images")
    x = RNG.integers(0, 200, (13, 8, 8, 1), np.uint8)
    x[5] += 50  # The brightest image, which a warning names, is not one of the first process.
    data = {"type": "digits", "split": {"validation": 0, "test": 1780}}
    run = train(folder, data, {"layers": ["flatten", {**DENSE, "units": 10}]}, CROSS_ENTROPY)
    np.save(folder / "new.npy", x[:7])
    np.savez(folder / "more.npz", input=x[7:])
    (folder / "png").mkdir()
    for number, pixels in enumerate(x[:10]):
        image.fromarray(pixels[..., 0]).save(folder / "png" / f"{number:02}.png")
    return run, [folder / "new.npy", folder / "png", folder / "more.npz"]


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    """A run that labels each word of a text; some texts have more words than it labels."""
    folder = tmp_path_factory.mktemp("texts")
    kinds = {"rose": "F", "oak": "T", "the": "D"}
    texts = [" ".join(RNG.choice([*kinds], RNG.integers(1, 5))) for _ in range(30)]
    tags = [" ".join(kinds[word] for word in text.split()) for text in texts]
    (folder / "tags.txt").write_text("\n".join(tags))
    vocabulary = {"type": "vocabulary", "unit": "whitespace", "length": 3}
    data = {
        "type": "text_lines", "path": "words.txt", "labels": "tags.txt", "target": "tags",
        "transforms": [vocabulary, {**vocabulary, "on": "target"}],
    }  # fmt: skip
    layers = [{"type": "embedding", "input_dim": 9, "output_dim": 4}, {"type": "dense", "units": 5}]
    loss = {"type": CROSS_ENTROPY, "ignore_label": 0}
    run = train(folder, data, {"layers": layers}, loss, "\n".join(texts))
    return run, [folder / "words.txt"]


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    """A run of windows over two series of rows."""
    folder = tmp_path_factory.mktemp("windows")
    data = {
        "type": "npz", "path": "train.npz", "targets": None,
        "windows": {"length": 5, "targets": "input"},
        "split": {"validation": 0, "test": 0, "order": "as_is"},
    }  # fmt: skip
    x = RNG.random((40, 2))
    run = train(
        folder, data, {"layers": ["flatten", {"type": "dense", "units": 2}]}, "mse", {"x": x}
    )
    np.save(folder / "new.npy", RNG.random((19, 2)))
    return run, [folder / "new.npy", folder / "train.npz"]


def predict(run, paths, output, fleet, warn, *, stream=None, keep=(), write=write_predictions):
    """Predict and write in one of the processes, as the command does; None is the only process."""
    settings = {"fleet": fleet, "threads": 1, "observer": ignore}
    with processes("predict", settings, {}) as group:
        model = load_model_together(run, None, settings, group)
        model = replace(model, warn=warn)
        if group is None:
            computed = model.computed(paths, keep=keep, threads=1)
        else:
            computed = compute_together(model, group, paths, keep=keep, threads=1)
        if group is None or group.first:
            write(model.predictions_of_chunks(paths, computed), output)
        else:
            deque(computed, maxlen=0)


def written(run, paths, output, size, **options):
    """Return the bytes that processes write, and the warnings of the first one."""
    warnings = [[] for _ in range(size)]

    def work(fleet):
        predict(run, paths, output, fleet, warnings[fleet.rank].append, **options)

    if size == 1:
        predict(run, paths, output, "none", warnings[0].append, **options)
    else:
        in_threads(size, work)
    return output.read_bytes(), warnings[0]


@pytest.mark.parametrize(
    ("kind", "ending", "keep", "sizes"),
    [
        ("table", "csv", ["b"], (2, 3, 5)), ("pictures", "npz", [], (3,)),
        ("words", "jsonl", [], (2,)), ("windows", "npz", [], (3,)),
    ],
)  # fmt: skip
def test_output_is_that_of_one_process(request, tmp_path, kind, ending, keep, sizes):
    """Otherwise the answers would depend on the number of machines."""
    run, paths = request.getfixturevalue(kind)
    expected, warned = written(run, paths, tmp_path / f"1.{ending}", 1, keep=keep)
    assert warned or kind == "windows"
    for size in sizes:
        got, warned_together = written(run, paths, tmp_path / f"n.{ending}", size, keep=keep)
        if ending == "npz":  # which has the time of its members
            assert_same_arrays(tmp_path / "1.npz", tmp_path / "n.npz")
        else:
            assert got == expected
        assert sorted(warned_together) == sorted(warned)


def assert_same_arrays(one, other):
    one, other = np.load(one), np.load(other)
    assert one.files == other.files
    for name in one.files:
        assert one[name].dtype == other[name].dtype
        assert one[name].tobytes() == other[name].tobytes()


def test_first_process_receives_few_bytes_at_a_time(table, tmp_path, monkeypatch):
    """Large outputs of all processes at once might not fit into its memory."""
    expected, _ = written(*table, tmp_path / "1.csv", 1)
    monkeypatch.setattr(rounds, "MOST_BYTES", 1)
    assert rounds._parcels([0, 5, 0, 6]) == [[1], [3]]
    assert written(*table, tmp_path / "3.csv", 3)[0] == expected


def test_each_process_reads_its_own_images(pictures, tmp_path, monkeypatch):
    """Decoding takes most of the time."""
    run, (_, folder, _) = pictures
    read = {0: [], 1: []}

    def read_image(path, *arguments, **options):
        read[1 if is_process(1) else 0].append(Path(path).stem)
        return images.read_image(path, *arguments, **options)

    monkeypatch.setattr(
        inputs,
        "images",
        type("Images", (), {**vars(images), "read_image": staticmethod(read_image)}),
    )
    written(run, [folder], tmp_path / "2.csv", 2)
    assert read == {
        0: ["00", "01", "02", "03", "08", "09"],
        1: ["04", "05", "06", "07"],
    }


def test_stream_is_read_by_the_first_process(table, tmp_path):
    """Launchers give it to one process alone."""
    _, (path,) = table
    contents = [path.read_bytes(), b"", b""]

    def work(fleet):
        group = ProcessGroup(fleet)
        with as_file(shared_stream(io.BytesIO(contents[fleet.rank]), group), (".csv",)) as copy:
            return copy.read_bytes(), copy.suffix

    assert in_threads(3, work) == [(contents[0], ".csv")] * 3


def failure(run, paths, output, size, **options):
    """Return the error by which all processes end."""

    def work(fleet):
        own = paths(fleet) if callable(paths) else paths
        try:
            predict(run, own, output, fleet, ignore, **options)
        except Exception as error:
            return error

    ends = in_threads(size, work)
    assert len({(type(end), str(end)) for end in ends}) == 1
    assert not output.exists()
    assert [*output.parent.glob(".tinynet*")] == []
    return ends[0]


def test_bad_row_is_reported_once(table, tmp_path):
    run, (path,) = table
    lines = path.read_text().splitlines()
    lines[12] = "0.5,text,u,0"
    (tmp_path / "bad.csv").write_text("\n".join(lines))
    error = failure(run, [tmp_path / "bad.csv"], tmp_path / "out.csv", 3)
    assert type(error) is DataError
    assert "line 13" in str(error)


def test_bad_image_is_reported_by_its_process(pictures, tmp_path):
    run, (_, folder, _) = pictures
    copy = shutil.copytree(folder, tmp_path / "png")
    (copy / "09.png").write_bytes(b"\x89PNG")
    error = failure(run, [copy], tmp_path / "out.csv", 3)
    assert isinstance(error, PeerFailure)
    assert error.rank == 2
    assert "09.png" in str(error)


def test_file_that_one_machine_lacks_is_named(table, tmp_path):
    run, paths = table

    def own(fleet):
        return [tmp_path / "missing.csv"] if fleet.rank == 1 else paths

    error = failure(run, own, tmp_path / "out.csv", 3)
    assert (error.rank, type(error.error)) == (1, DataError)
    assert "no such file" in str(error)


@pytest.mark.parametrize("kind", ["table", "pictures"])
def test_other_file_of_one_machine_is_refused(request, tmp_path, kind):
    """The predictions would be those of a mixture of two files."""
    run, (path, *_) = request.getfixturevalue(kind)
    other = tmp_path / path.name
    other.write_bytes(path.read_bytes().replace(b"0.1", b"0.2") + b"0" * (kind == "pictures"))

    def own(fleet):
        return [other if fleet.rank == 1 else path]

    error = failure(run, own, tmp_path / "out.csv", 3)
    assert error.rank == 1
    assert "differs from that of process 0" in str(error)


def test_full_disk_ends_all_processes(table, tmp_path):
    """The others must not wait for a process that cannot write."""
    run, paths = table

    def write(parts, output):
        next(iter(parts))
        raise CheckpointIOError(f"{output}: No space left on device")

    error = failure(run, paths, tmp_path / "out.csv", 3, write=write)
    assert (error.rank, type(error.error)) == (0, CheckpointIOError)
