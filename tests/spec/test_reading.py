"""Loading of a spec from a file or a dict, with overrides and located mistakes."""

import json
from pathlib import Path

import pytest

import tinynet
from tinynet.commands.summary import summarize
from tinynet.errors import ShapeError, SpecError
from tinynet.network.network import Network
from tinynet.spec.reading import load_spec, parse_network
from tinynet.text.places import MAX_BYTES, MAX_COUNTED, MAX_PROBLEMS

HERE = Path(__file__).parent
MODELS = sorted((HERE.parents[1] / "models").glob("*.json"))
TEXT = (HERE / "bad_specs.json").read_text(encoding="utf-8")


def good():
    return json.loads(TEXT)


def messages(source, overrides=None):
    with pytest.raises(SpecError) as caught:
        load_spec(source, overrides)
    return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def file(tmp_path):
    """Return a function that writes a text to a file and returns its path."""

    def write(text):
        path = tmp_path / "spec.json"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_the_models_are_valid_specs(path):
    spec = load_spec(path)
    assert spec.folder == path.parent
    assert spec.name == path.stem


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_resolving_is_idempotent(path):
    """A run is resumed from the resolved spec in its checkpoint."""
    resolved = load_spec(path).resolved()
    assert load_spec(resolved).resolved() == resolved
    assert load_spec(json.loads(json.dumps(resolved))).resolved() == resolved


def test_shared_and_frozen_layers_are_resolved():
    spec = good()
    spec["network"]["layers"] = [
        {"type": "dense", "units": 4, "name": "a", "trainable": False},
        {"shares": "a", "inputs": "input"},
        {"type": "add", "inputs": ["a", "shared_1"]},
    ]
    resolved = load_spec(spec).resolved()
    assert resolved["network"]["layers"][0]["trainable"] is False
    assert resolved["network"]["layers"][1] == {"shares": "a", "inputs": ["input"]}
    assert load_spec(resolved).resolved() == resolved


def test_bare_names_are_short_for_objects_everywhere():
    spec = good()
    spec["data"] = "digits"
    spec["network"]["layers"] = ["flatten", {"type": "dense", "units": 10}]
    spec["training"].update(optimizer="adam", schedule="cosine", loss="softmax_cross_entropy")
    assert load_spec(spec).network.layers[0].type == "flatten"


def test_qualified_names_are_accepted_everywhere():
    spec = good()
    spec["training"]["loss"] = "TinyNet.core:softmax_cross_entropy"
    spec["network"]["layers"][3]["weight_initializer"] = {"type": "tinynet-core:he_normal"}
    assert load_spec(spec).training.loss.type == "TinyNet.core:softmax_cross_entropy"


def commented(value):
    if isinstance(value, dict):
        return {"comment": {"type": "anything"}, **{k: commented(v) for k, v in value.items()}}
    return [commented(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_comment_may_stand_in_any_object_and_is_ignored(path):
    spec = commented(json.loads(path.read_text(encoding="utf-8")))
    assert load_spec(spec).resolved() == load_spec(path).resolved()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("comment", "all"),
        ("training.comment", ["two", "lines"]),
        ("training.optimizer.comment", "adam takes one, too"),
        ("training.comment.author", "x"),
        ("network.layers.0.comment", None),
        ("network.layers.flatten_1.comment", "$nothing"),
        ("data.split.comment", {"type": "anything"}),
    ],
)
def test_an_override_may_be_a_comment(path, value):
    assert load_spec(good(), {path: value}).resolved() == load_spec(good()).resolved()


def test_a_value_of_an_override_may_have_comments():
    commented_optimizer = {"type": "sgd", "learning_rate": 0.5, "comment": "faster"}
    spec = load_spec(good(), {"training.optimizer": commented_optimizer})
    assert (
        spec.resolved()
        == load_spec(
            good(), {"training.optimizer": {"type": "sgd", "learning_rate": 0.5}}
        ).resolved()
    )


def test_a_new_type_has_no_note_about_a_comment():
    overrides = {"training.optimizer.comment": "x", "training.optimizer.type": "sgd"}
    spec = load_spec(good(), overrides)
    assert spec.training.optimizer.type == "sgd"
    assert not any("comment" in note for note in spec.origin.notes)


def test_a_schema_may_be_named_at_the_top_only():
    assert load_spec({"$schema": "https://example.org/x.json", **good()})
    spec = good()
    spec["training"]["$schema"] = "x"
    assert messages(spec)[0].startswith("/training/$schema: unknown key '$schema'; available:")


def test_mistakes_in_a_dict_have_no_line():
    """`Network({...})` in a notebook has no file."""
    spec = good()
    spec["training"]["epochs"] = 0
    assert messages(spec) == ["/training/epochs: must be at least 1, not 0"]
    with pytest.raises(SpecError) as caught:
        load_spec({"x": [float("inf")]})
    assert str(caught.value).startswith("not JSON data")


def test_a_network_may_be_a_dict():
    assert parse_network({"layers": ["relu"], "comment": "x"}).layers[0].type == "relu"
    with pytest.raises(SpecError, match=r"^/network/layers/0/type: there is no layer 'rleu'"):
        parse_network({"layers": [{"type": "rleu"}]})
    with pytest.raises(SpecError, match="goes nowhere"):
        parse_network({"layers": ["relu", {"type": "relu", "inputs": "input"}]})


def test_a_loss_from_a_dict_is_validated():
    with pytest.raises(SpecError) as caught:
        Network({"layers": ["relu"]}, (2,), loss={"type": "huber", "dleta": 1})
    assert str(caught.value) == "/loss/dleta: unknown key 'dleta'; did you mean 'delta'?"


def test_a_path_that_is_not_a_file_is_explained(tmp_path):
    assert messages(tmp_path / "none.json") == [f"no such file: {tmp_path / 'none.json'}"]
    assert messages(tmp_path) == [f"{tmp_path} is a folder, not a spec"]
    assert messages("x" * 5_000)[0].startswith("cannot read xxx")
    assert messages("a\0b.json")[0].startswith("no such file: a")


def test_a_huge_file_is_not_read_completely(file):
    path = file(" " * (MAX_BYTES + 10_000))
    assert messages(path) == [
        f"the text has {MAX_BYTES + 1:,} bytes; a spec has at most {MAX_BYTES:,}"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"\x00\x01", "1:1: not JSON: a value is expected"),
        ('"digits"', '1:1: an object is expected, not "digits"'),
        ("[" + "1," * 10_000 + "1]", "1:20001: a list or object must have at most 10,000 elements"),
        (TEXT.replace('"units": 10', f'"units": 1{"0" * 300}'),
         "11:34: an integer of 301 digits is too large"),
        (TEXT.replace('"digits",\n', '"\\ud800",\n'),
         "3:11: a string holds half of a surrogate pair, which is not a character"),
        (TEXT.replace('"name": "digits"', f'"name": "{"d" * 101}"'),
         f'3:11: /name: "{"d" * 57}..." cannot be a name; a name is up to 100 ASCII letters,'
         " digits, '_', '-' or '.'; the first is a letter or a digit"),
        (TEXT.replace('"filters": 8', f'"filters": -{"9" * 299}'),
         f"8:37: /network/layers/0/filters: must be at least 1, not -{'9' * 56}..."),
        (TEXT.replace('"conv2d"', f'"{"c" * 1000}"'), "8:16: /network/layers/0/type: there is no"
         f" layer '{'c' * 57}...'; available: "),
    ],
)  # fmt: skip
def test_a_mistake_of_any_size_has_a_short_message(file, text, expected):
    (message,) = messages(file(text))
    assert message.startswith(expected)
    assert len(message) < 500


def test_mistakes_are_reported_in_the_order_of_the_text(file):
    text = TEXT.replace('"epochs": 2', '"epochs": 0').replace('"units": 10', '"unit": 10')
    assert messages(file(text)) == [
        "11:25: /network/layers/3/unit: unknown key 'unit'; did you mean 'units'?",
        "15:15: /training/epochs: must be at least 1, not 0",
    ]


def test_a_key_with_a_slash_is_escaped_in_its_pointer(file):
    text = TEXT.replace('"epochs"', '"a/b~c": 1, "epochs"')
    assert messages(file(text))[0].startswith(
        "15:5: /training/a~1b~0c: unknown key 'a/b~c'; available:"
    )


def test_mistakes_beyond_the_first_hundred_are_counted(file):
    layers = ", ".join(['{"type": "relu", "name": 1}'] * 150)
    text = TEXT.replace('{"type": "relu"}', layers)
    problems = messages(file(text))
    assert len(problems) == MAX_PROBLEMS + 1
    assert problems[-1] == "and 50 more"


def test_mistakes_are_counted_up_to_a_thousand(file):
    text = TEXT.replace('{"type": "relu"}', ", ".join(['{"type": "relu", "x": 1}'] * 5_000))
    assert messages(file(text))[-1] == f"and at least {MAX_COUNTED - MAX_PROBLEMS} more"
    many = [{"type": "relu", "inputs": "x"}] * 5_000
    assert (
        messages({**good(), "network": {"layers": many}})[-1]
        == f"and at least {MAX_COUNTED - MAX_PROBLEMS} more"
    )


# Overrides.


def test_overrides_are_applied_before_validation(file):
    text = TEXT.replace('"epochs": 2', '"epochs": "two"')
    overrides = {
        "training.epochs": 3,
        "network.layers.conv2d_1.filters": 4,
        "training.optimizer.learning_rate": 1,
        "training.metrics": [],
    }
    spec = load_spec(file(text), overrides)
    assert spec.training.epochs == 3
    assert spec.network.layers[0].options["filters"] == 4


def test_a_mistake_in_an_override_names_it_without_a_line(file):
    path = file(TEXT)
    assert messages(path, {"training.epochs": 0}) == [
        "/training/epochs: must be at least 1, not 0 (override training.epochs)"
    ]
    assert messages(path, {"training.optimizer": {"type": "sgd", "momentum": 2}}) == [
        "/training/optimizer/momentum: must be at least 0 and less than 1, not 2"
        " (override training.optimizer)"
    ]
    assert messages(path, {"training.early_stopping.patince": 2}) == [
        "/training/early_stopping/patince: unknown key 'patince'; did you mean 'patience'?"
        " (override training.early_stopping.patince)"
    ]
    assert messages(path, {"training.optimzer.type": "sgd"}) == [
        "/training/optimzer: unknown key 'optimzer'; did you mean 'optimizer'?"
        " (override training.optimzer.type)"
    ]
    assert messages(path, {"training.metrics.1": "x"}) == [
        "cannot set 'training.metrics.1': 'training.metrics' has no element '1', only 0 to 0"
    ]


def test_the_last_override_of_a_value_wins():
    overrides = {"training.epochs": 5, "training": {**good()["training"], "epochs": 0}}
    assert messages(good(), overrides) == [
        "/training/epochs: must be at least 1, not 0 (override training)"
    ]


def test_other_mistakes_keep_their_line(file):
    text = TEXT.replace('"kernel_size": 3', '"kernel_size": 0')
    assert messages(file(text), {"network.layers.0.filters": 9, "training.epochs": 0}) == [
        "/training/epochs: must be at least 1, not 0 (override training.epochs)",
        "8:55: /network/layers/0/kernel_size: must be at least 1, not 0",
    ]


def test_the_source_dict_is_not_changed():
    spec = good()
    load_spec(spec, {"training.epochs": 7, "network.layers.0.filters": 3})
    assert spec == good()


# Shapes, which are known after the network is built.


def test_shape_errors_have_their_place_too(file):
    text = TEXT.replace('"kernel_size": 3', '"kernel_size": 9')
    with pytest.raises(ShapeError) as caught:
        summarize(file(text))
    (problem,) = caught.value.problems
    assert (problem.line, problem.column, problem.pointer) == (8, 7, "/network/layers/0")
    assert problem.message.startswith("conv2d_1: conv2d")
    assert caught.value.source.endswith("spec.json")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"units": 10', '"units": 1000000000000', "1,152,000,000,000,000 bytes"),
        ('"units": 10', f'"units": {"9" * 300}', "elements"),
        ("[8, 8, 1]", "[1000000000000, 1000000000000, 1]", "elements"),
        ("[8, 8, 1]", f"[{'9' * 300}, 8, 1]", "elements"),
    ],
)
def test_a_network_that_is_too_large_is_refused_with_one_line(file, old, new, expected):
    with pytest.raises(SpecError) as caught:
        summarize(file(TEXT.replace(old, new)))
    (problem,) = caught.value.problems
    assert expected in problem.message
    assert "--max-params" in problem.message
    assert problem.line is not None


def test_ten_thousand_nodes_are_read(file):
    layers = ", ".join(['{"type": "conv2d", "filters": 1, "kernel_size": 1}'] * 9_995)
    path = file(TEXT.replace('{"type": "relu"}', layers))
    assert len(load_spec(path).network.layers) == 9_998


def test_load_spec_is_public():
    assert tinynet.load_spec is load_spec
