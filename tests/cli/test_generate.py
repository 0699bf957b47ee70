"""`tinynet generate`: text on stdout, messages on stderr."""

import json

import pytest

import tinynet as library

TEXT = "The moon rose.\nThe fox slept.\n"
SPEC = {
    "tinynet": 1,
    "name": "text",
    "data": {
        "type": "text",
        "path": "text.txt",
        "length": 8,
        "split": {"validation": 0.2, "test": 0, "order": "as_is"},
        "transforms": [{"type": "vocabulary", "on": ["input", "target"]}],
    },
    "network": {
        "layers": [
            {"type": "embedding", "input_dim": 20, "output_dim": 8},
            {"type": "multi_head_attention", "num_heads": 2, "causal": True},
            {"type": "dense", "units": 1 + len({*TEXT})},
        ]
    },
    "training": {
        "steps": 20,
        "batch_size": 8,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 0.01},
        "checkpoint": {"every_steps": 8, "keep_best": {"metric": "val/loss"}},
    },
}


@pytest.fixture
def text_run(folder, tinynet, write_spec):
    """A finished run on a text."""
    (folder / "text.txt").write_text(TEXT * 20, encoding="utf-8")
    assert tinynet("train", write_spec(SPEC), "--run", "text", "--quiet").code == 0
    return folder / "text"


def test_stdout_is_the_text_and_nothing_else(forked, text_run):
    result = forked("generate", text_run, "--prompt", "The ", "--length", 30, "--seed", 3)
    assert (result.code, result.err) == (0, "")
    assert result.out == library.generate(text_run, "The ", 30, seed=3) + "\n"
    assert len(result.out) == len("The ") + 30 + 1


def test_several_texts_are_separated_by_an_empty_line(tinynet, text_run):
    options = ("--length", 20, "--temperature", 0.5, "--top-k", 6, "--top-p", 0.95)
    texts = [
        library.generate(text_run, "The ", 20, temperature=0.5, top_k=6, top_p=0.95, number=number)
        for number in range(3)
    ]
    assert len({*texts}) == 3
    result = tinynet("generate", text_run, "--prompt", "The ", "--count", 3, *options)
    assert (result.code, result.out) == (0, "\n\n".join(texts) + "\n")
    for threads in (1, 3):
        words = ("--prompt", "The ", "--count", 3, "--json", "--threads", threads)
        report = tinynet("generate", text_run, *words, *options).json
        assert report["texts"] == texts
        assert {**report, "texts": 0} == {
            "prompt": "The ", "length": 20, "temperature": 0.5, "top_k": 6, "top_p": 0.95,
            "seed": 0, "texts": 0,
        }  # fmt: skip


def test_the_checkpoint_can_be_chosen(tinynet, text_run):
    texts = {
        name: tinynet("generate", text_run, "--prompt", "The ", "--checkpoint", name).out
        for name in ("best", "last", "step-000000000000.msgpack")
    }
    assert texts["last"] != texts["step-000000000000.msgpack"]
    assert texts["best"] == tinynet("generate", text_run, "--prompt", "The ").out


def test_an_unusable_prompt_is_bad_data_and_prints_no_text(tinynet, text_run):
    result = tinynet("generate", text_run, "--prompt", "The müon")
    assert (result.code, result.out) == (3, "")
    assert "the character 'ü' (U+00FC), which the network's vocabulary lacks" in result.err
    report = tinynet("generate", text_run, "--prompt", "", "--json")
    assert report.code == 2
    assert report.json["error"]["message"].startswith("the prompt is empty")


def test_a_network_that_was_not_trained_on_text_is_bad_usage(tinynet, run):
    result = tinynet("generate", run, "--prompt", "7")
    assert (result.code, result.out) == (2, "")
    assert "one input that is a text" in result.err


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--prompt", "a", "--temperature", -1),
        ("--prompt", "a", "--top-p", 0),
        ("--prompt", "a", "--top-k", 0),
        ("--prompt", "a", "--length", -2),
        ("--prompt", "a", "--count", 0),
    ],
)
def test_unusable_options_are_bad_usage(tinynet, words):
    result = tinynet("generate", "run", *words)
    assert (result.code, result.out) == (2, "")


def test_a_character_may_begin_in_the_prompt(folder, tinynet, write_spec):
    (folder / "text.txt").write_text("è" * 200, encoding="utf-8")
    spec = json.loads(json.dumps(SPEC))
    spec["data"] |= {"unit": "byte", "transforms": []}
    spec["network"]["layers"] = [
        {"type": "embedding", "input_dim": 256, "output_dim": 8},
        {"type": "dense", "units": 256},
    ]
    spec["training"]["optimizer"]["learning_rate"] = 0.1
    assert tinynet("train", write_spec(spec), "--run", "bytes", "--quiet").code == 0
    words = ("generate", "bytes", "--prompt", "è\udcc3", "--length", 5, "--temperature", 0)
    assert tinynet(*words).out == "èèèè\n"
    assert tinynet(*words, "--json").json["texts"] == ["èèèè"]


def test_a_pipe_gets_the_text_unchanged(folder, forked, tinynet, write_spec):
    """Escaped on a terminal: test_terminal.py."""
    (folder / "text.txt").write_text("a\x1b" * 100, encoding="utf-8")
    spec = json.loads(json.dumps(SPEC))
    spec["network"]["layers"][-1]["units"] = 3
    assert tinynet("train", write_spec(spec), "--run", "text", "--quiet").code == 0
    words = ("text", "--prompt", "a", "--length", 3, "--temperature", 0)
    assert forked("generate", *words).out == "a\x1ba\x1b\n"
    assert tinynet("generate", *words, "--json").json["texts"] == ["a\x1ba\x1b"]
