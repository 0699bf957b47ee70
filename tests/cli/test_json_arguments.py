"""JSON in arguments: `--set PATH=JSON`, and `--options JSON` of `plugins check`."""

import pytest

NOT_JSON = [
    ("[" * 100_000, "nested at most 64 deep"),
    ('{"a": ' * 100_000, "nested at most 64 deep"),
    ("1e999", "1e999 is too large for a number"),
    ("1" * 5000, "an integer of 5,000 digits is too large"),
    ("NaN", "NaN is not a JSON number"),
    ("-Infinity", "-Infinity is not a JSON number"),
    ('{"a": 1, "a": 2}', "'a'"),
    ('["a"', "the text ends before everything that was opened is closed"),
    ('"\\ud800"', "half of a surrogate pair"),
]


@pytest.mark.parametrize(("text", "fault"), NOT_JSON)
@pytest.mark.parametrize("command", [("train",), ("check",), ("resume",)])
def test_a_value_that_is_not_json_is_one_sentence(tinynet, spec, command, text, fault):
    result = tinynet(*command, spec, "--set", f"training.epochs={text}", "--json")
    assert result.code == 2
    message = result.json["error"]["message"]
    assert message.startswith("Invalid value for '--set': 'training.epochs': ")
    assert fault in message
    assert len(message) < 200


@pytest.mark.parametrize(("text", "fault"), NOT_JSON)
def test_options_of_a_plugin_that_are_not_json_are_one_sentence(tinynet, text, fault):
    result = tinynet("plugins", "check", "dense", "--options", text)
    assert result.code == 2
    assert fault in result.err.splitlines()[-1]
    assert len(result.err) < 400


def test_options_of_a_plugin_are_an_object(tinynet):
    result = tinynet("plugins", "check", "dense", "--options", "3")
    assert (result.code, "'3' is not a JSON object" in result.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "value"),
    [("small", "small"), ("v1.2", "v1.2"), ("2024-01", "2024-01"), ('"quoted"', "quoted")],
)
def test_a_bare_word_is_a_string(tinynet, spec, text, value):
    result = tinynet("check", spec, "--set", f"name={text}", "--render", "--json")
    assert result.json["spec"]["name"] == value


def test_all_mistakes_are_listed(tinynet, spec):
    words = [word for value in ("a", "b=NaN", "c=[", "name=x") for word in ("--set", value)]
    result = tinynet("check", spec, *words)
    assert result.err.splitlines()[-1] == (
        "error: Invalid value for '--set': 'a' is not of the form PATH=JSON;"
        " 'b': NaN is not a JSON number;"
        " 'c': not JSON: the text ends before everything that was opened is closed"
    )


def test_a_path_is_set_once(tinynet, spec):
    result = tinynet("check", spec, "--set", "name=a", "--set", "name=b")
    assert result.code == 2
    assert "'name' is set twice; keep one of the two" in result.err


def test_bytes_that_are_no_text_are_refused(process, spec):
    result = process("check", spec, "--set", b"name=\xff".decode("utf-8", "surrogateescape"))
    assert result.code == 2
    assert "'name=\\udcff' is not UTF-8" in result.err


def test_a_value_may_hold_an_equals_sign(tinynet, spec):
    result = tinynet("check", spec, "--set", "name=a=b")
    assert '"a=b" cannot be a name' in result.err
