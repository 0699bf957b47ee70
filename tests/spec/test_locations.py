"""Line and column of a mistake, in files of any style."""

import json
import re
from copy import deepcopy
from itertools import cycle

import pytest

from tinynet.errors import SpecError
from tinynet.spec.reading import load_spec

STRANGE = 'e\u0301 \N{GRINNING FACE} 界 \N{FAMILY}\u200d\N{BOY} \u2028 \x7f \\ " / {[,:]} $'
"""Characters of one to four bytes, of zero and double width, and line separators."""

KEY = STRANGE.replace("/", "|")
"""The same in a path of `MISTAKES`."""

SPEC = {
    "comment": STRANGE,
    "tinynet": 1,
    "name": "places",
    "vars": {"width": 4, "kernel": [3, 3]},
    "data": {
        "type": "npz",
        "path": STRANGE,
        "classes": [STRANGE, "b"],
        "split": {"comment": {STRANGE: [STRANGE]}, "test": 0.2},
    },
    "network": {
        "comment": STRANGE,
        "input_shape": [8, 8, 1],
        "blocks": {
            "pair": {
                "params": {"filters": "$width", "rate": None},
                "layers": [
                    {
                        "type": "conv2d",
                        "filters": "$filters",
                        "kernel_size": "$kernel",
                        "weight_initializer": {"type": "normal", "stddev": 0.1},
                    },
                    {"type": "dropout", "rate": "$rate"},
                ],
            }
        },
        "layers": [
            {"comment": STRANGE, "block": "pair", "rate": 0.1, "repeat": 2},
            "relu",
            {"type": "flatten", "name": "flat"},
            {"type": "dense", "units": 3},
            {"type": "dense", "units": 3, "inputs": "flat", "name": "left"},
            {"type": "add", "inputs": ["left", "dense_1"]},
        ],
    },
    "training": {
        "class_weights": {STRANGE: 1},
        "epochs": 2,
        "loss": {"type": "mse", "weight": 1},
        "optimizer": {"type": "adam", "learning_rate": 0.01},
        "metrics": ["r2", {"type": "mae"}],
        "early_stopping": {"metric": "val/mae"},
        "checkpoint": {"keep_last": 3},
    },
}

STYLES = {
    "with nothing between": [""],
    "on one line": [" "],
    "with tabs": ["\t", "\t\t"],
    "with many lines": ["\n\n\n  "],
    "with CRLF": ["\r\n", "", "\r\n  "],
    "with CR": ["\r", "\r "],
    "with all of them": ["\r\n", "\t", "", "\n", "\r", " \n\r "],
}

MISTAKES = {
    "tinynet": 9,
    "name": "a name",
    "vars/width": -7,
    "vars/kernel": [3, 0],
    "vars/#unused": 1,
    "data/split/test": 2.5,
    "data/#pahts": STRANGE,
    "network/input_shape/1": 0,
    "network/blocks/pair/layers/0/#filtres": 3,
    "network/blocks/pair/layers/0/weight_initializer/stddev": "x",
    "network/blocks/pair/layers/1/type": "dropuot",
    "network/blocks/pair/params/#3d": 3,
    "network/layers/0/block": "pairs",
    "network/layers/0/repeat": 0,
    "network/layers/0/rate": 2,
    "network/layers/0/#" + KEY: 1,
    "network/layers/1": "relo",
    "network/layers/3": 7,
    "network/layers/3/units": "3",
    "network/layers/4/inputs": "nowhere",
    "network/layers/5/name": "flat",
    "network/layers/5/inputs/1": "nowhere",
    "network/outputs": "nowhere",
    "training/epochs": 0,
    "training/#epocs": 3,
    "training/class_weights/" + KEY: -1,
    "training/loss/weight": -1,
    "training/optimizer/learning_rate": 0,
    "training/metrics/1/type": "mea",
    "training/early_stopping/metric": "val/mea",
    "training/checkpoint/keep_last": 1,
}
"""The wrong values by path (`#` before a new key)."""


def with_mistake(path, value):
    """Return the spec with a mistake, and the key or value at its expected place."""
    spec = deepcopy(SPEC)
    *way, last = [part.replace("|", "/") for part in path.split("/")]
    holder = spec
    for key in way:
        holder = holder[int(key) if isinstance(holder, list) else key]
    key = last.removeprefix("#")
    holder[int(key) if isinstance(holder, list) else key] = value
    return spec, key if last != key else value


def write(value, gaps, ascii_only=False):
    """Return JSON text with the next of `gaps` between all tokens."""
    if isinstance(value, dict) and value:
        parts = [
            f"{json.dumps(key, ensure_ascii=ascii_only)}{next(gaps)}:{next(gaps)}"
            f"{write(part, gaps, ascii_only)}{next(gaps)}"
            for key, part in value.items()
        ]
        return f"{{{next(gaps)}{f',{next(gaps)}'.join(parts)}}}"
    if isinstance(value, list):
        parts = [write(part, gaps, ascii_only) + next(gaps) for part in value]
        return f"[{next(gaps)}{f',{next(gaps)}'.join(parts)}]"
    return json.dumps(value, ensure_ascii=ascii_only)


def rest_of(text, problem):
    """Return the text from the place of a problem on."""
    lines = re.split(r"(\r\n|\r|\n)", text)
    return "".join(lines[2 * (problem.line - 1) :])[problem.column - 1 :]


def problems(path):
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    return caught.value.problems


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["", "byte-order mark"])
@pytest.mark.parametrize("style", STYLES)
def test_a_mistake_is_reported_at_its_place(style, mark, tmp_path):
    """This holds in every style."""
    path = tmp_path / "spec.json"
    for ascii_only in (False, True):
        for where, value in MISTAKES.items():
            spec, offending = with_mistake(where, value)
            text = write(spec, cycle(STYLES[style]), ascii_only)
            path.write_bytes(mark + text.encode())
            places = [rest_of(text, problem) for problem in problems(path)]
            values = [json.JSONDecoder().raw_decode(place)[0] for place in places]
            assert offending in values, (where, values)


def test_the_spec_without_a_mistake_is_valid_in_every_style(tmp_path):
    path = tmp_path / "spec.json"
    for gaps in STYLES.values():
        path.write_bytes(b"\xef\xbb\xbf" + write(SPEC, cycle(gaps)).encode())
        assert load_spec(path).data.options["path"] == STRANGE


INVALID_JSON = {
    "NaN": "NaN",
    "-Infinity": "-Infinity",
    "1e999": "1e999",
    "9" * 301: "9" * 301,
    "'x'": "'x'",
    "True": "True",
    "// x\n3": "//",
    "01": "1",
    '"\\ud800"': '"\\ud800"',
    '"a\\qb"': "\\qb",
    '"a\tb"': "\tb",
    '3, "epochs": 4': '"epochs": 4',
    "[1,]": ",]",
}
"""Texts for the number of epochs, with the text at the expected place of the mistake."""


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("raw", INVALID_JSON)
def test_invalid_json_is_reported_at_its_place(raw, style, tmp_path):
    path = tmp_path / "spec.json"
    spec, _ = with_mistake("training/epochs", "@")
    text = write(spec, cycle(STYLES[style])).replace('"@"', raw)
    path.write_bytes(text.encode())
    (problem,) = problems(path)
    assert rest_of(text, problem).startswith(INVALID_JSON[raw]), problem


def test_every_use_of_a_wrong_value_is_reported(tmp_path):
    """The value of a variable is used in a block, which is used in the network."""
    path = tmp_path / "spec.json"
    for gaps in STYLES.values():
        text = write(with_mistake("vars/width", -7)[0], cycle(gaps))
        path.write_bytes(text.encode())
        (problem,) = problems(path)
        assert rest_of(text, problem).startswith("-7")
        assert [rest_of(text, use).partition('"')[2].partition('"')[0] for use in problem.uses] == [
            "$width", "$filters",
        ]  # fmt: skip
