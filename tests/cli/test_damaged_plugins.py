"""Damaged metadata of an installed distribution stop no command; `plugins` names them."""

import pytest

LAYER = """
from tinynet.layer import LayerConfig

class Odd:
    class Config(LayerConfig):
        pass
    def __init__(self, config, in_shapes, build): ...
    def forward(self, ctx, x): ...
    def backward(self, ctx, cache, dy): ...
"""


@pytest.fixture
def damaged(plugin, folder):
    """The environment with a sound plugin, and one whose metadata name no version."""
    environment = plugin(LAYER)
    facts = folder / "site" / "worse-3.dist-info"
    facts.mkdir()
    (facts / "entry_points.txt").write_text("[tinynet.layers]\n\x1b[31mred = worse:Worse\n")
    return environment


@pytest.mark.parametrize(
    "words",
    [["layers"], ["layers", "dense"], ["schema"], ["plugins", "list"],
     ["plugins", "check", "relu"], ["plugins", "new", "my-layer"], ["plugins", "doctor", "odd"]],
)  # fmt: skip
def test_a_damaged_distribution_stops_no_command(forked, damaged, words):
    result = forked(*words, env=damaged)
    assert result.code == 0, result.err


NO_POINT, NO_TEXT = b"[others]\nno equals sign\n", b"[others]\n\xff = a:b\n"


@pytest.mark.parametrize(
    ("words", "content"),
    [(["layers"], NO_POINT), (["check"], NO_TEXT), (["inspect"], NO_POINT), (["inspect"], NO_TEXT),
     (["plugins", "doctor", "odd"], NO_TEXT)],
)  # fmt: skip
def test_entry_points_that_python_cannot_parse_stop_no_command(
    process, damaged, folder, write_spec, run, words, content
):
    """Pydantic parses those of every distribution when its first model is made."""
    (folder / "site" / "worse-3.dist-info" / "entry_points.txt").write_bytes(content)
    arguments = {"check": [write_spec()], "inspect": [run]}
    result = process(*words, *arguments.get(words[0], []), env=damaged)
    assert result.code == 0, result.err


def test_a_damaged_distribution_stops_no_training(process, damaged, write_spec):
    assert process("train", write_spec(epochs=1), "--quiet", env=damaged).code == 0


def test_the_doctor_names_a_damaged_distribution_and_ends_with_5(forked, damaged, folder):
    result = forked("plugins", "doctor", "worse", env=damaged)
    assert result.code == 5
    place = folder / "site" / "worse-3.dist-info"
    message = f"{place}: its METADATA is missing or has no name: reinstall it"
    assert f"\ndamaged: {message}\n" in result.out
    assert "0 examined, 1 damaged; layers compute" in result.out
    assert f"damaged: {message}\n" in forked("plugins", "list", env=damaged).out
    report = forked("plugins", "doctor", "worse", "--json", env=damaged).json
    assert report["ok"] is False
    assert [one["where"] for one in report["damaged"]] == [str(place)]
