"""Answers of a server: the bits of `Model.predict`, for every form in which samples can be sent."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest

import tinynet

pytestmark = pytest.mark.extra

ROWS = [{"width": 0.25, "color": "red"}, {"width": 1.5, "color": "white"}]
TABS, OF_CURL = "text/tab-separated-values", "application/x-www-form-urlencoded"
CSV = "width,color\n0.25,red\n1.5,white\n"


def answer(client, status=200, path="/predict", **request):
    response = client.post(path, **request)
    assert response.headers["content-type"] == "application/json"
    assert response.status_code == status, response.text
    return response.json()


def expected(model, x, **options):
    """Return the predictions as `tinynet predict --json` prints them."""
    return json.loads(json.dumps(model.predict(x, **options).to_json()))


def message(client, status, **request):
    return answer(client, status, **request)["error"]["message"]


@pytest.mark.parametrize(
    "request_",
    [
        {"json": ROWS},
        {"json": {"width": [0.25, 1.5], "color": ["red", "white"]}},
        {"content": CSV, "headers": {"content-type": "text/csv; charset=utf-8"}},
        {"content": CSV.replace(",", "\t"), "headers": {"content-type": TABS}},
        {"content": json.dumps(ROWS), "headers": {"content-type": OF_CURL}},
    ],
)
def test_rows_of_a_table(client_of, models, request_):
    assert answer(client_of("table"), **request_) == expected(models["table"], ROWS)


def test_one_record(client_of, models):
    assert answer(client_of("table"), json=ROWS[0]) == expected(models["table"], ROWS[:1])


def test_an_uploaded_table(client_of, models, tmp_path):
    (tmp_path / "new.csv").write_text(CSV)
    result = answer(client_of("table"), files={"file": ("new.csv", CSV)})
    assert result == expected(models["table"], tmp_path / "new.csv")


def test_records_as_an_answer(client_of, models):
    result = answer(client_of("table"), path="/predict?form=records", json=ROWS)
    assert result["columns"] == ["sample", "label", "p(lily)", "p(rose)"]
    assert result["records"] == [*models["table"].predict(ROWS).records()]


def test_images_as_numbers_alone_and_among_others(client_of, models):
    images = np.random.default_rng(1).integers(0, 17, (3, 8, 8, 1)).astype(np.uint8)
    all_of_them = expected(models["images"], images)
    client = client_of("images")
    assert answer(client, json=images.tolist()) == all_of_them
    assert answer(client, json={"input": images.tolist()}) == all_of_them
    assert answer(client, json=[{"input": image.tolist()} for image in images]) == all_of_them
    one = answer(client, json=images[1].tolist())
    assert one["probabilities"] == all_of_them["probabilities"][1:2]


def png(size=(8, 8), value=12):
    from PIL import Image

    content = io.BytesIO()
    Image.new("L", size, value).save(content, "PNG")
    return content.getvalue()


def test_images_as_files(client_of, models, tmp_path):
    contents = [png(value=3), png(value=15)]
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    files = [("file", (path.name, path.read_bytes())) for path in paths]
    result = answer(client_of("images"), files=files)
    wanted = expected(models["images"], paths)
    assert result["files"] == ["a.png", "b.png"]
    assert result["probabilities"] == wanted["probabilities"]
    body = {"content": contents[0], "headers": {"content-type": "image/png"}}
    assert answer(client_of("images"), **body)["probabilities"] == wanted["probabilities"][:1]


def test_an_image_of_another_size_is_resized_on_request(client_of):
    request = {"files": {"file": ("photo.png", png((20, 10)))}}
    assert "photo.png is 20 x 10 pixels" in message(client_of("images"), 422, **request)
    assert answer(client_of("images"), path="/predict?resize=true", **request)["samples"] == 1


def test_warnings_are_part_of_the_answer(client_of, models):
    result = answer(client_of("images"), files={"file": ("a.png", png(value=200))})
    assert "pixels are up to 200" in result["warnings"][0]


@pytest.mark.parametrize(
    "request_",
    [
        {"json": "it is fine"},
        {"json": ["it is fine"]},
        {"json": {"input": "it is fine"}},
        {"json": {"text": "it is fine"}},
        {"json": [{"text": "it is fine"}]},
        {"content": "it is fine", "headers": {"content-type": "text/plain"}},
    ],
)
def test_texts(client_of, models, request_):
    assert answer(client_of("texts"), **request_) == expected(models["texts"], ["it is fine"])


@pytest.mark.parametrize(
    "value",
    [
        {"a": [[1, 2, 3]], "b": [[4]]},
        {"a": [1, 2, 3], "b": [4]},
        [{"a": [1, 2, 3], "b": [4]}],
    ],
)
def test_several_inputs(client_of, models, value):
    x = {"a": np.array([[1.0, 2, 3]]), "b": np.array([[4.0]])}
    assert answer(client_of("pair"), json=value) == expected(models["pair"], x)


def test_messages_have_the_words_of_requests(client_of):
    """Clients have no command line, and no Python."""
    said = [
        message(client_of("images"), 422, files={"file": ("a.png", png((20, 10)))}),
        message(client_of("images"), 422, json=[[[["a"]]]]),
        message(client_of("table"), 422, json={"width": None, "color": "red"}),
        message(client_of("table"), 422, json={"wide": 1, "color": "red"}),
        message(client_of("table", max_rows=1), 413, json=ROWS),
        message(client_of("texts"), 422, json=[["a"]]),
    ]
    for text in said:
        for word in ("numpy", "Python", "--resize", "a list of str", '"columns"', "header"):
            assert word not in text
    assert said[0].endswith("(add ?resize=true to the address to resize it)")
    assert said[3] == "the records lack 'width'; they have 'wide', 'color'"


def test_the_replaced_messages_exist():
    """A message that is changed in its place would no longer be replaced here."""
    from tinynet.commands.serve.wording import REPLACED

    folder = Path(tinynet.__file__).parent / "prediction"
    sources = "".join(path.read_text() for path in folder.glob("*.py"))
    joined = re.sub(r'"\s*\n\s*f?"', "", sources)
    joined = re.sub(r"\{option\('([^']+)', '[^']+'\)\}", r"\1", joined)  # as a command says it
    assert [part for part in REPLACED if part not in joined] == []


@pytest.mark.parametrize("name", ["table", "images", "texts", "pair", "series"])
def test_the_model_describes_itself_with_an_example_that_works(client_of, name):
    client = client_of(name)
    facts = client.get("/model").json()
    assert answer(client, json=facts["example"])["samples"] == 1
    assert facts["name"] in client.get("/").text
    schema = client.get("/openapi.json").json()
    body = schema["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    assert body["example"] == facts["example"]
    assert client.get("/health").json() == {"status": "ok"}


def test_columns_of_a_table_are_described(client_of):
    columns = client_of("table").get("/model").json()["columns"]
    assert columns == {
        "width": {"kind": "number"},
        "color": {"kind": "category", "categories": ["red", "white"]},
    }


def test_forecasts_of_reversed_rows_name_their_rows(client_of):
    """Without them, each forecast would be taken for that of another day."""
    lines = [f"2024-05-{1 + i:02},{i % 7}" for i in range(7)]
    tables = ("\n".join(["day,rain", *rows]) for rows in (lines, lines[::-1]))
    old, new = (answer(client_of("series"), files={"f": ("a.csv", text)}) for text in tables)
    assert old["rows"] == [4, 5, 6]
    assert new["rows"] == [2, 1, 0]
    assert new["outputs"] == old["outputs"]
