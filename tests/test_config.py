"""Options of plugins, and references to plugins in specs."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError

from tinynet import registry
from tinynet.config import Config, Frozen, InitializerReference, PositivePair, Reference
from tinynet.dataset import DatasetConfig
from tinynet.errors import PluginError
from tinynet.layer import LayerConfig
from tinynet.loss import LossConfig
from tinynet.text.mistakes import explained, problems
from tinynet.transform import TransformConfig


@pytest.mark.parametrize(
    ("base", "key"),
    [
        (Config, "comment"),
        (LayerConfig, "trainable"),
        (LayerConfig, "repeat"),
        (LayerConfig, "type"),
        (LossConfig, "weight"),
        (DatasetConfig, "split"),
        (TransformConfig, "on"),
    ],
)
def test_a_plugin_cannot_take_a_key_of_the_grammar(base, key):
    """The field could never be set: the grammar would take its value."""
    with pytest.raises(PluginError, match=f"the spec language reserves {key}; give the field"):
        type("Mine", (base,), {"__annotations__": {key: int}, key: 1})


def test_a_config_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        Limits().whole = 4


class Part(Frozen):
    width: int


class Limits(Config):
    whole: int = Field(default=1, ge=1, le=10)
    share: float = Field(default=0.5, ge=0, lt=1)
    rate: float = Field(default=0.1, gt=0)
    many: int | None = Field(default=None, ge=1)
    either: int | list[int] = 0
    word: Literal["one", "two"] | None = None
    mixed: Literal["all"] | dict[str, Annotated[float, Field(ge=0)]] = "all"
    names: tuple[str, ...] = Field(default=("a",), min_length=1, max_length=3)
    text: str = Field(default="a", min_length=1, max_length=5)
    code: str = Field(default="a", pattern="^[a-z]$")
    flag: bool = True
    part: Part | None = None
    parts: tuple[Part, ...] = ()
    pair: PositivePair = (1, 1)
    fill: InitializerReference = InitializerReference(type="zeros")
    ordered: tuple[int, int] = (1, 2)
    even: int = 0
    odd: int = 1
    queer: int = 1

    @field_validator("even")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise ValueError("an even number is needed")
        return value

    @field_validator("odd")
    @classmethod
    def _odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise AssertionError("an odd number\nis needed")
        return value

    @field_validator("queer")
    @classmethod
    def _queer(cls, value: int) -> int:
        if value != 1:
            # A plugin may well choose a name that pydantic has, too.
            raise PydanticCustomError("greater_than", "only one will do")
        return value

    @model_validator(mode="after")
    def _whole_is_not_7(self) -> "Limits":
        if self.whole == 7:
            raise ValueError("whole cannot be 7")
        return self


class Needy(Config):
    width: int = Field(description="Pixels from left to right. At least 1.")
    height: int


class Plugin:
    Config = Limits


class NeedyPlugin:
    Config = Needy


class Named(Reference):
    """A reference to a plugin of these tests."""

    group = "layers"


@pytest.fixture
def errors_of(register):
    """Return "pointer: message" for each mistake in a spec's options."""
    register("layers", "limits", Plugin)
    register("layers", "needy", NeedyPlugin)

    def tell(raw):
        context = {"configure": registry.default().configure}
        with pytest.raises(ValidationError) as caught:
            Named.model_validate(raw, context=context)
        return [str(problem) for problem in problems(caught.value, raw)]

    return tell


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("whole", 0, "must be at least 1 and at most 10, not 0"),
        ("whole", 11, "must be at least 1 and at most 10, not 11"),
        ("whole", "1", 'a whole number is expected, not "1"'),
        ("whole", 1.0, "a whole number is expected, not 1.0"),
        ("whole", True, "a whole number is expected, not true"),
        ("whole", None, "a whole number is expected, not null"),
        ("share", 1, "must be at least 0 and less than 1, not 1"),
        ("share", "1", 'a number is expected, not "1"'),
        ("rate", 0, "must be more than 0, not 0"),
        ("many", 0, "must be at least 1, not 0"),
        ("either", "x", 'a whole number or a list is expected, not "x"'),
        ("word", "three", "'one' or 'two' is expected, not \"three\""),
        ("mixed", 5, "'all' or an object is expected, not 5"),
        ("names", "a", 'a list is expected, not "a"'),
        ("names", [], "must not be empty"),
        ("names", ["a"] * 4, "must have at most 3 elements, not 4"),
        ("text", "", "must not be empty"),
        ("text", "abcdef", "must have at most 5 characters, not 6"),
        ("code", "A", 'must match the pattern ^[a-z]$, not "A"'),
        ("flag", "yes", 'true or false is expected, not "yes"'),
        ("part", [1], "an object is expected, not [1]"),
        ("pair", [1], "an integer or two integers [height, width] are expected, not [1]"),
        ("pair", [1, 0], "must be at least 1, not [1, 0]"),
        ("even", 1, "an even number is needed"),
        ("odd", 2, "an odd number is needed"),
        ("queer", 2, "only one will do"),
        ("fill", "zero", "there is no initializer 'zero'; did you mean 'zeros'?"),
        ("fill", 0, "a name or an object with a 'type' is expected, not 0"),
        ("hole", 1, "unknown key 'hole'; did you mean 'whole'?"),
    ],
)
def test_a_wrong_value_gets_one_plain_sentence_at_its_place(errors_of, key, value, expected):
    assert errors_of({"type": "limits", key: value}) == [f"/{key}: {expected}"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"either": [1, "x"]}, '/either/1: a whole number is expected, not "x"'),
        ({"mixed": {"a": "x"}}, '/mixed/a: a number is expected, not "x"'),
        ({"mixed": {"a": -1}}, "/mixed/a: must be at least 0, not -1"),
        ({"part": {}}, "/part: 'width' is required"),
        ({"part": {"width": 1, "wdith": 2}}, "/part/wdith: unknown key 'wdith'"),
        ({"parts": [{"width": 1}, {"width": "x"}]},
         '/parts/1/width: a whole number is expected, not "x"'),
        ({"ordered": [1]}, "/ordered: element 1 is missing"),
        ({"whole": 7}, "whole cannot be 7"),
        ({"fill": {"type": "normal", "std": 1}},
         "/fill/std: unknown key 'std'; did you mean 'stddev'?"),
        ({"fill": {"type": "normal", "stddev": -1}}, "/fill/stddev: must be at least 0, not -1"),
        ({"fill": {"stddev": 1}}, "/fill: 'type' is required (the plugin's name, or"
         " 'distribution:name')"),
    ],
)  # fmt: skip
def test_a_mistake_within_a_value_is_told_where_it_is(errors_of, options, expected):
    assert errors_of({"type": "limits", **options}) == [expected]


def test_all_mistakes_are_told_at_once(errors_of):
    raw = {"type": "limits", "whole": 0, "rate": "x", "hole": 1, "fill": {"type": "zero"}}
    assert len(errors_of(raw)) == 4


def test_what_is_required_says_what_it_is(errors_of):
    assert errors_of({"type": "needy"}) == [
        "'width' is required (pixels from left to right)",
        "'height' is required",
    ]


@pytest.mark.parametrize(
    ("description", "hint"),
    [
        ("The fan out.", ""),
        ("Fan out", ""),
        ("A fan out of each unit.", " (a fan out of each unit)"),
        ("Index: 0 ... n - 1. Counted from 0.", " (index: 0 ... n - 1)"),
        ("ASCII text.", " (ASCII text)"),
    ],
)
def test_a_description_that_only_repeats_the_key_is_left_out(description, hint):
    class FanOut(Config):
        fan_out: int = Field(description=description)

    with pytest.raises(ValidationError) as caught:
        FanOut.model_validate({})
    error = explained(caught.value, FanOut.model_fields)
    assert [str(problem) for problem in problems(error, {})] == [f"'fan_out' is required{hint}"]


def test_a_misspelt_key_is_one_mistake_and_not_two(errors_of):
    """'unknown key widht' and 'width is required' would be errors_of of a single slip."""
    expected = ["/widht: unknown key 'widht'; did you mean 'width'?"]
    assert errors_of({"type": "needy", "widht": 1, "height": 1}) == expected


def test_thousands_of_unknown_keys_have_no_suggestions(errors_of):
    raw = {"type": "limits", **{f"k{i}": i for i in range(5_000)}}
    assert errors_of(raw)[0] == "/k0: unknown key 'k0'"


def test_a_bare_name_is_short_for_an_object_with_a_type():
    assert Named.model_validate("relu") == Named.model_validate({"type": "relu"})


def test_a_reference_is_written_as_a_spec_would_say_it():
    raw = {"type": "adam", "learning_rate": 0.5}
    assert Named.model_validate(raw).model_dump() == raw
