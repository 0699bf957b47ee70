"""The schema of requests and answers, and the classes that `/model` names."""

import pytest

import tinynet
from tests.commands.serve.conftest import TRAINING
from tests.commands.serve.test_answers import answer

pytestmark = pytest.mark.extra


def operation(client, path="/predict", method="post"):
    return client.get("/openapi.json").json()["paths"][path][method]


@pytest.mark.parametrize("name", ["table", "images", "texts", "pair", "series"])
def test_answers_have_the_schema(client_of, name):
    client = client_of(name)
    example = client.get("/model").json()["example"]
    content = operation(client)["responses"]["200"]["content"]["application/json"]
    forms = dict(zip(("columns", "records"), content["schema"]["anyOf"], strict=True))
    for form, schema in forms.items():
        result = answer(client, path=f"/predict?form={form}", json=example)
        assert {*schema["required"]} <= {*result} <= {*schema["properties"]}
    record = forms["records"]["properties"]["records"]["items"]
    assert {*record["required"]} == {*result["records"][0]}


def test_all_statuses_and_limits_are_described(client_of):
    client = client_of("table", max_rows=7, max_values=123_456)
    responses = operation(client)["responses"]
    assert {*responses} == {"200", "400", "403", "408", "413", "415", "422", "503"}
    assert "7 samples and 123,456 values" in responses["413"]["description"]
    schema = operation(client)["requestBody"]["content"]["application/json"]["schema"]
    assert schema["oneOf"][1]["maxItems"] == 7
    for path in ("/model", "/health"):
        content = operation(client, path, "get")["responses"]["200"]["content"]
        assert content["application/json"]["schema"]["type"] == "object"
    facts = client.get("/model").json()
    described = operation(client, "/model", "get")["responses"]["200"]["content"]
    assert {*facts} <= {*described["application/json"]["schema"]["properties"]}


def test_classes_of_several_labels_are_named(tmp_path):
    from tinynet.commands.serve.description import describe

    (tmp_path / "t.csv").write_text("x,tags\n" + "1,a|b\n2,b\n3,c\n4,a\n" * 10)
    data = {"type": "csv", "path": "t.csv", "target": "tags"}
    data["columns"] = {"tags": {"separator": "|"}}
    spec = {"tinynet": 1, "name": "tags", "data": data}
    spec["network"] = {"layers": [{"type": "dense", "units": 3}]}
    spec["training"] = {**TRAINING, "loss": "binary_cross_entropy"}
    tinynet.train(spec, tmp_path / "run", data_root=tmp_path)
    facts = describe(tinynet.load_model(tmp_path / "run")).to_json()
    assert facts["outputs"] == {
        "output": {"shape": [3], "classes": ["a", "b", "c"], "several_labels": True}
    }
