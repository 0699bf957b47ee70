"""The forms of samples: those that the model reads, as `/model` and the schema list them."""

import io

import numpy as np
import pytest

from tests.commands.serve.test_answers import CSV, ROWS, TABS, answer, expected, message, png

pytestmark = pytest.mark.extra

FORM, BINARY, TEXT = "multipart/form-data", "application/octet-stream", "text/plain"
LINES = "it is fine\nit is poor\n"


def npy(shape):
    content = io.BytesIO()
    np.save(content, np.zeros(shape, np.uint8))
    return content.getvalue()


def series():
    return "\n".join(["day,rain", *(f"2024-05-{1 + i:02},{i % 7}" for i in range(7))])


BODIES = {
    "table": {"text/csv": CSV, TABS: CSV.replace(",", "\t")},
    "images": {"image/png": png, BINARY: lambda: npy((2, 8, 8, 1))},
    "texts": {TEXT: LINES},
    "pair": {},
    "series": {"text/csv": series, TABS: lambda: series().replace(",", "\t")},
}
KINDS = sorted({kind for bodies in BODIES.values() for kind in bodies})


@pytest.mark.parametrize("name", BODIES)
def test_the_forms_that_are_listed_are_those_that_are_read(client_of, name):
    client, bodies = client_of(name), BODIES[name]
    listed = client.get("/model").json()["formats"]
    paths = client.get("/openapi.json").json()["paths"]
    assert listed == [*paths["/predict"]["post"]["requestBody"]["content"]]
    for kind in KINDS:
        body = bodies.get(kind, b"x")
        content = body() if callable(body) else body
        request = {"content": content, "headers": {"content-type": kind}}
        if kind in bodies:
            assert kind in listed
            assert answer(client, **request)["samples"] > 0
        elif kind not in listed:
            text = message(client, 415, **request)
            assert text.endswith(f"are not accepted by this model; send {', '.join(listed)}")
    assert (FORM in listed) == bool(bodies)
    if not bodies:
        files = {"file": ("a.png", png())}
        assert "send application/json" in message(client, 415, files=files)


def test_a_text_for_each_line_as_in_predict_of_a_file(client_of, models, tmp_path):
    (tmp_path / "new.txt").write_text(LINES)
    client = client_of("texts", max_rows=2)
    wanted = expected(models["texts"], tmp_path / "new.txt")
    assert wanted["samples"] == 2
    body = {"content": LINES, "headers": {"content-type": TEXT}}
    assert answer(client, **body) == wanted
    assert answer(client, files={"file": ("new.txt", LINES)}) == wanted
    assert answer(client, json=LINES.splitlines()) == wanted
    assert "more than 2 samples" in message(client, 413, **{**body, "content": LINES * 2})
    assert "more than 2 samples" in message(client, 413, files={"file": ("a.txt", LINES * 2)})
    empty = {**body, "content": "it is\n\nfine"}
    assert message(client, 422, **empty).startswith("the body, line 2 is empty")


@pytest.mark.parametrize("charset", ["latin-1", "cp1252", "UTF-16", '"utf-8"'])
def test_a_text_in_a_charset(client_of, models, charset):
    cells = "width,color\n0.25,r\u00e9d\n1.5,red\n".encode(charset.strip('"'))
    body = {"content": cells, "headers": {"content-type": f"text/csv; charset={charset}"}}
    records = [{"width": 0.25, "color": "r\u00e9d"}, {"width": 1.5, "color": "red"}]
    wanted = expected(models["table"], records)
    assert answer(client_of("table"), **body) == wanted
    files = {"file": ("a.csv", cells, f"text/csv; charset={charset}")}
    assert answer(client_of("table"), files=files) == wanted


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("text/csv; charset=klingon", 415, "charset 'klingon' is not known; send utf-8"),
        ("text/csv; charset=zlib", 415, "charset 'zlib' is not known"),
        ("text/csv; charset=idna", 415, "charset 'idna' is not known"),
        ("text/csv; charset=ascii", 400, "the text is not in the charset ascii (byte 18)"),
        ("text/csv", 422, "state the charset in the content type"),
        ("application/json; charset=latin-1", 415, "JSON is sent in UTF-8, not in latin-1"),
    ],
)
def test_a_charset_that_is_not_known_or_not_right(client_of, kind, status, reason):
    content = "width,color\n0.25,r\u00e9d\n".encode("latin-1")
    request = {"content": content, "headers": {"content-type": kind}}
    assert reason in message(client_of("table"), status, **request)


def test_too_many_files_are_413_with_the_limit(client_of):
    files = [("file", (f"{i}.png", png())) for i in range(3)]
    text = message(client_of("images", max_rows=2), 413, files=files)
    assert text == (
        "there are more than 2 samples; send fewer of them at a time (the operator of the server"
        " can raise --max-rows)"
    )


def test_cells_of_no_category_are_warned_of_in_each_answer(client_of):
    """Python shows a warning once in a process, and then never again."""
    rows = [{"width": 1, "color": "r"}, {"width": 1, "color": "w"}]
    client = client_of("table")
    answers = [answer(client, json=rows) for _ in range(2)]
    answers.append(answer(client, path="/predict?form=records", json=rows))
    for result in answers:
        (warning,) = result["warnings"]
        assert warning.startswith("the records: column 'color': 2 of 2 cells are no category")
    files = {"file": ("new.csv", "width,color\n1,r\n1,w\n")}
    (warning,) = answer(client, files=files)["warnings"]
    assert warning.startswith("new.csv: column 'color'")
    assert "warnings" not in answer(client, json=ROWS)
