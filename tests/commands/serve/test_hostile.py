"""Requests of strangers: each gets JSON with a reason, no file is read, and the server goes on."""

import io
import struct
import zlib

import pytest

import tinynet
from tests.commands.serve.conftest import TRAINING
from tests.commands.serve.test_answers import CSV, ROWS, answer, message, png
from tinynet.commands.serve.booleans import refuse_booleans
from tinynet.commands.serve.limits import RequestError

pytestmark = pytest.mark.extra


@pytest.mark.parametrize(
    ("model", "value", "reason"),
    [
        ("table", [], "no samples"),
        ("table", {}, "is empty"),
        ("table", None, "null is not a sample"),
        ("table", True, "true or false is not a sample"),
        ("table", [ROWS[0], 1], "mixes"),
        ("table", [ROWS[0], {}], "record 1 (counted from 0) is empty"),
        ("table", {"width": 1}, "color"),
        ("table", {"wide": 1, "color": "red"}, "width"),
        ("table", {"width": "wide", "color": "red"}, "width"),
        ("table", {"width": {"a": 1}, "color": "red"}, "width"),
        ("table", {"width": [1], "color": "red"}, "single values"),
        ("table", {"width": [1, 2], "color": ["red"]}, ""),
        ("table", {"width": [], "color": []}, ""),
        ("table", [{"width": 10**400, "color": None}], "too large"),
        ("table", "/etc/passwd", "takes no texts"),
        ("table", ["/etc/passwd"], "takes no texts"),
        ("images", ["/etc/passwd"], "takes no texts"),
        ("images", [[["/etc/passwd"]]], ""),
        ("images", {"input": "/etc/passwd"}, ""),
        ("images", {"file": "/etc/passwd"}, "lacks 'input'"),
        ("images", [1, 2, 3], ""),
        ("images", [[1, 2], [3]], ""),
        ("images", [[[[1]]] * 8] * 8, ""),
        ("images", {"input": [], "other": 1}, "unknown field 'other'"),
        ("texts", [1, 2], "give a text"),
        ("texts", {"input": 5}, ""),
        ("texts", {"input": ["a", None]}, ""),
        ("pair", [[1, 2, 3]], "several inputs"),
        ("pair", {"a": [[1, 2, 3]]}, "b"),
        ("pair", {"a": [1, 2, 3], "b": [[1]]}, "have one sample"),
        ("pair", {"a": [[1, 2, 3]] * 2, "b": [[1]]}, ""),
        ("pair", {"a": [[1, 2, 10**400]], "b": [[1]]}, "too large"),
        ("table", {"width": True, "color": "red"}, "'width' is true, but the model takes a number"),
        ("table", [ROWS[0], {"width": False, "color": "red"}], "record 1 (counted from 0)"),
        ("table", {"width": [1, False], "color": ["red"] * 2}, "'width' holds false"),
        ("images", [[[[True]] * 8] * 8], "'input' holds true"),
        ("pair", {"a": [[1, 2, True]], "b": [[1]]}, "'a' holds true"),
    ],
)
def test_json_that_is_no_sample_is_4xx_with_a_reason(client_of, model, value, reason):
    import json

    request = {"content": json.dumps(value), "headers": {"content-type": "application/json"}}
    response = client_of(model).post("/predict", **request)
    assert response.status_code in (400, 422), response.text
    text = response.json()["error"]["message"]
    assert reason in text
    assert "Traceback" not in text


def test_names_of_files_are_texts(client_of):
    """A server that opened them would show the files of its machine to anyone."""
    assert answer(client_of("texts"), json=["/etc/passwd", __file__])["samples"] == 2


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [
        ("application/xml", b"<a/>", 415),
        ("application/zip", b"PK\3\4", 415),
        ("application/octet-stream", b"PK\3\4 more", 415),
        ("multipart/form-data", b"--x", 400),
        ("multipart/form-data; boundary=x", b"nothing", 400),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n--x--", 400),
        ("text/csv", b"", 400),
        ("text/csv", b"width,color\n", 422),
        ("text/csv", b"\0\xff\xfe", 422),
        ("text/csv", b"width,color\nNaN,red", 422),
        ("text/csv", b'width,color\n"1', 422),
        ("image/png", b"no image", 415),
        ("text/plain", b"words", 415),
        ("application/json", b"[" * 50_000 + b"]" * 50_000, 400),
    ],
)
def test_bodies_of_wrong_types(client_of, kind, content, status):
    request = {"content": content, "headers": {"content-type": kind}}
    assert message(client_of("table"), status, **request)


@pytest.mark.parametrize("name", ["../../x.csv", "/etc/a.csv", "..", ".csv", "a\0b.csv", "é" * 300])
def test_names_of_uploads_are_made_safe(client_of, name):
    files = {"file": (name, CSV, "text/csv")}
    assert answer(client_of("table"), files=files)["samples"] == 2


def test_compressed_files_are_refused(client_of):
    for name in ("a.csv.gz", "a.npz", "a.parquet"):
        files = {"file": (name, b"anything")}
        assert "compressed" in message(client_of("table"), 415, files=files)


def test_an_image_that_declares_too_many_pixels_is_refused(client_of):
    """A few kilobytes may stand for gigabytes of pixels."""

    def chunk(kind, content):
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(10**6))
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)
    bomb += chunk(b"IEND", b"")
    text = message(client_of("images"), 422, files={"file": ("bomb.png", bomb)})
    assert text.startswith("bomb.png cannot be read as an image: it declares more than")


def test_a_truncated_image(client_of):
    files = {"file": ("a.png", png()[:45])}
    assert "a.png cannot be read as an image" in message(client_of("images"), 422, files=files)


def test_unknown_parameters_fields_pages_and_methods(client_of):
    client = client_of("table")
    assert "unknown parameter 'x'" in message(client, 400, path="/predict?x=1", json=ROWS)
    assert "not '1'" in message(client, 400, path="/predict?resize=1", json=ROWS)
    assert "unknown field 'a'" in message(client, 400, data={"a": "b"}, files={"f": ("a.csv", CSV)})
    assert client.get("/docs").json()["error"]["message"].startswith("there is no such page")
    assert client.get("/predict").status_code == 405
    assert client.get("/predict").json()["error"]


def test_too_long_bodies_and_too_many_rows(client_of):
    client = client_of("table", max_size=2000, max_rows=3)
    assert "longer than 2 kB" in message(client, 413, content=b" " * 2001)
    assert "longer than 2 kB" in message(client, 413, content=iter([b" " * 600] * 4))
    assert "more than 3 samples" in message(client, 413, json=ROWS * 2)
    long = "width,color\n" + "1,red\n" * 4
    files = {"file": ("a.csv", long)}
    assert "more than 3 samples" in message(client, 413, files=files)
    assert answer(client, json=[*ROWS, ROWS[0]])["samples"] == 3


def test_files_with_odd_content(client_of):
    content = io.BytesIO()
    import numpy as np

    np.save(content, np.array([{"a": 1}]), allow_pickle=True)
    for body in (content.getvalue(), b"\x93NUMPY\1\0"):
        assert message(client_of("images"), 422, files={"file": ("a.npy", body)})
    assert message(client_of("images"), 415, files={"file": ("a.csv", b"x")})


def test_a_category_may_be_true_although_its_input_holds_numbers(tmp_path):
    """The column of a category is an input of its own, whose numbers are those of categories."""
    rows = "\n".join(f"{i},{'true' if i % 2 else 'false'},{'ab'[i % 2]}" for i in range(40))
    (tmp_path / "t.csv").write_text(f"n,c,y\n{rows}\n")
    data = {"type": "csv", "path": "t.csv", "target": "y", "features": {"n": ["n"], "c": "c"}}
    data["columns"] = {"c": "category"}
    embedding = {"type": "embedding", "inputs": ["input:c"], "input_dim": 3, "output_dim": 2}
    layers = [{**embedding, "name": "e"}, {"type": "concat", "inputs": ["e", "input:n"]}]
    spec = {"tinynet": 1, "name": "two", "data": data}
    spec["network"] = {"layers": [*layers, {"type": "dense", "units": 2}]}
    spec["training"] = {**TRAINING, "loss": "softmax_cross_entropy"}
    run = tinynet.train(spec, tmp_path / "run", data_root=tmp_path)
    model = tinynet.load_model(run.path)
    refuse_booleans(model, [{"n": 1, "c": True}])
    for x in ([{"n": True, "c": True}], {"n": [[True]], "c": [1]}):
        with pytest.raises(RequestError, match="'n'"):
            refuse_booleans(model, x)
