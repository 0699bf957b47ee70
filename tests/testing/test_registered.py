"""The kit by name: what a type is checked on, and what is said where that is not known."""

from typing import Any, ClassVar

import numpy as np
import pytest
from pydantic import Field

from tinynet import registry
from tinynet.errors import PluginError, ShapeError
from tinynet.layer import Array, Build, Cache, Context, Gradients, LayerConfig, Shape
from tinynet.testing import NotCheckableError, plugin_checks
from tinynet.testing.arguments import CHECKS
from tinynet.testing.checks import run_all
from tinynet.testing.registered import entries_named, plugin_cases


class Scale:
    """y = factor * x; a layer that says nothing of what it is checked on."""

    class Config(LayerConfig):
        factor: float = Field(default=2.0, description="What everything is multiplied by.")

    def __init__(self, config: Config, in_shapes: tuple[Shape, ...], build: Build) -> None:
        (self.out_shape,) = in_shapes
        self.factor = config.factor
        self.params: dict[str, Array] = {}

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return x * self.factor, None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (dy * self.factor,), {}


class WithExamples(Scale):
    examples: ClassVar[Any] = (
        {"options": {"factor": 3.0}, "in_shapes": [[5]]},
        {"in_shapes": [[2, 3]], "inputs": [[[[1, 2, 3], [4, 5, 6]]] * 4]},
    )


class PartOfAnExample(Scale):
    examples: ClassVar[Any] = ({"options": {"factor": 3.0}},)


class WithoutDefault(Scale):
    class Config(LayerConfig):
        factor: float = Field(description="What everything is multiplied by.")


class Images(Scale):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        if len(self.out_shape) != 3:
            raise ShapeError("images are wanted")


class Gallery(Scale):
    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes, build)
        if len(self.out_shape) != 5:
            raise ShapeError("many volumes are wanted")


class Difference(Scale):
    """Two inputs, in a constructor that does not count them."""

    def __init__(self, config: Any, in_shapes: tuple[Shape, ...], build: Build) -> None:
        super().__init__(config, in_shapes[:1], build)

    def forward(self, ctx: Context, a: Array, b: Array) -> tuple[Array, Cache]:  # type: ignore[override]
        return a - b, None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (dy, -dy), {}


class Lookup(Scale):
    """Of integers, of which none may be above 4."""

    integer_inputs = True

    def forward(self, ctx: Context, x: Array) -> tuple[Array, Cache]:
        return np.eye(5)[x].sum(axis=-1) * self.factor, None

    def backward(self, ctx: Context, cache: Cache, dy: Array) -> Gradients:
        return (None,), {}


class Misspelt(Scale):
    examples: ClassVar[Any] = ({"in_shape": [[5]]},)


class NoExamples(Scale):
    examples: ClassVar[Any] = {"in_shapes": [[5]]}


class Malformed(Scale):
    examples: ClassVar[Any] = ({"in_shapes": [5]},)


def words(name: str, **arguments: Any) -> list[str]:
    (entry,) = entries_named(name)
    return [str(case) for case in plugin_cases(entry, **arguments)]


def test_the_examples_of_a_class_are_what_it_is_checked_on(register: Any) -> None:
    register("layers", "scaled", WithExamples)
    first, second = words("scaled")
    assert first == 'with options {"factor": 3.0} on inputs (5,)'
    assert second.startswith("with options {} on inputs (2, 3) and inputs ")
    run_all(plugin_checks("scaled"))


def test_each_example_has_its_own_name_in_findings_and_tests(register: Any) -> None:
    register("layers", "scaled", WithExamples)
    names = {check.subject for check in plugin_checks("scaled")}
    assert names == {"WithExamples.examples[0]", "WithExamples.examples[1]"}


def test_what_is_said_takes_the_place_of_the_first_example(register: Any) -> None:
    register("layers", "scaled", WithExamples)
    assert words("scaled", options={"factor": 1.0}) == [
        'with options {"factor": 1.0} on inputs (5,)'
    ]
    assert words("scaled", in_shapes=[(7,)]) == ['with options {"factor": 3.0} on inputs (7,)']


def test_what_an_example_leaves_out_is_found_by_trying(register: Any) -> None:
    register("layers", "scaled", PartOfAnExample)
    assert words("scaled") == ['with options {"factor": 3.0} on inputs (6,)']


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [(Scale, "(6,)"), (Images, "(6, 6, 4)"), (Difference, "(6,) and (6,)")],
)
def test_without_examples_the_first_inputs_that_a_layer_takes_are_taken(
    register: Any, layer: type[Any], inputs: str
) -> None:
    register("layers", "tried", layer)
    assert words("tried") == [f"with options {{}} on inputs {inputs}"]
    run_all(plugin_checks("tried"))


def test_a_layer_of_integers_is_given_integers(register: Any) -> None:
    register("layers", "lookup", Lookup)
    (entry,) = entries_named("lookup")
    for in_shapes in (None, [(3,)]):
        (case,) = plugin_cases(entry, None, in_shapes)
        (samples,) = case.arguments["inputs"]
        assert samples.dtype.kind == "i"
        assert {*samples.flat} == {0, 1}


def test_a_layer_that_takes_nothing_says_why_and_what_to_do(register: Any) -> None:
    register("layers", "gallery", Gallery)
    with pytest.raises(NotCheckableError) as info:
        plugin_checks("gallery")
    head, first, *_ = str(info.value).splitlines()
    assert head == (
        "the layer 'gallery' accepts none of the arguments that the kit tries; pass the shapes of"
        " its inputs, or add `examples` to the class Gallery. Tried:"
    )
    assert first == "  on inputs (6,): ShapeError: many volumes are wanted"
    run_all(plugin_checks("gallery", in_shapes=[(2, 1, 2, 1, 1)]))


def test_missing_options_are_named(register: Any) -> None:
    register("layers", "scaled", WithoutDefault)
    with pytest.raises(NotCheckableError) as e:
        plugin_checks("scaled")
    assert str(e.value) == (
        "the layer 'scaled' requires the option 'factor'; pass it, or add `examples` to the class"
        " WithoutDefault"
    )
    assert e.value.missing == ("factor",)
    assert e.value.corrected == {}
    run_all(plugin_checks("scaled", options={"factor": 0.5}))


@pytest.mark.parametrize(
    ("options", "missing", "corrected", "message"),
    [
        ({"factr": 3}, (), {"factor": 3}, "unknown key 'factr'; did you mean 'factor'?"),
        ({"factr": 3, "factor": 4.0}, (), {"factor": 4.0}, "did you mean 'factor'?"),
        ({"xyz": 3}, ("factor",), {}, "unknown key 'xyz'; available: factor"),
        ({"factr": "wide"}, (), None, "unknown key 'factr'; did you mean 'factor'?"),
        ({"factor": "wide", "xyz": 1}, (), None, "unknown key 'xyz'; available: factor"),
    ],
)
def test_misspelled_options_are_corrected(
    register: Any,
    options: dict[str, Any],
    missing: tuple[str, ...],
    corrected: dict[str, Any] | None,
    message: str,
) -> None:
    register("layers", "scaled", WithoutDefault)
    with pytest.raises(NotCheckableError) as e:
        plugin_checks("scaled", options=options)
    assert str(e.value).startswith("the layer 'scaled' refuses the options {")
    assert message in str(e.value)
    assert e.value.missing == missing
    assert e.value.corrected == corrected
    if corrected:
        run_all(plugin_checks("scaled", options=corrected))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"options": {"factor": "wide"}},
            'refuses the options {"factor": "wide"}: factor: Input should be a valid number',
        ),
        ({"in_shapes": [(3,)]}, "refuses the inputs: images are wanted"),
    ],
)
def test_unsuitable_arguments_are_refused_before_any_check_runs(
    register: Any, arguments: dict[str, Any], message: str
) -> None:
    register("layers", "images", Images)
    with pytest.raises(NotCheckableError, match=message):
        plugin_checks("images", **arguments)


def test_a_config_that_fails_is_the_plugin_s_fault(
    register: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no licence")

    register("layers", "images", Images)
    monkeypatch.setattr(Images.Config, "model_validate_json", failing)
    with pytest.raises(PluginError, match=r"images .*: its Config failed: RuntimeError: no"):
        plugin_checks("images")


def test_what_a_kind_is_not_checked_on_is_refused() -> None:
    with pytest.raises(NotCheckableError, match="the loss 'huber' is not checked on 'in_shapes'"):
        plugin_checks("huber", in_shapes=[(3,)])
    with pytest.raises(NotCheckableError, match="'numpy' is not checked on 'options'"):
        plugin_checks("numpy", options={})


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (Misspelt, r"examples\[0\]: unknown key 'in_shape'; did you mean 'in_shapes'\?"),
        (NoExamples, "examples is an object; a tuple of dicts is expected"),
        (Malformed, "the arguments of its checks cannot be used: TypeError"),
    ],
)
def test_examples_that_are_none_are_the_fault_of_the_plugin(
    register: Any, layer: type[Any], message: str
) -> None:
    register("layers", "odd", layer)
    with pytest.raises(PluginError, match=rf"test-plugin:odd \(version 1.0\): {message}"):
        plugin_checks("odd")


def test_a_name_is_a_type_or_a_qualified_type_or_a_distribution(register: Any) -> None:
    register("layers", "scaled", Scale)
    (entry,) = entries_named("scaled")
    for name in ("test-plugin:scaled", "Test_Plugin:scaled", "test-plugin", "Test.Plugin"):
        assert entries_named(name) == [entry]
    assert entries_named("scaled", "layers") == [entry]
    assert len(entries_named("tinynet-core")) > 50


def test_a_name_that_nothing_has_is_answered_with_one_that_is_alike(register: Any) -> None:
    register("layers", "scaled", Scale)
    with pytest.raises(PluginError, match=r"'adem' is installed; did you mean 'adam'\?"):
        entries_named("adem")
    with pytest.raises(PluginError, match=r"did you mean 'test-plugin:scaled'\?"):
        entries_named("test-plugin:scaeld")
    with pytest.raises(PluginError, match="no plugin 'adam' is installed among the layers"):
        entries_named("adam", "layers")


def test_a_name_that_two_distributions_have_must_be_qualified(register: Any) -> None:
    register("layers", "relu", Scale)
    with pytest.raises(PluginError, match="write 'tinynet-core:relu' or 'test-plugin:relu'"):
        plugin_checks("relu")
    run_all(plugin_checks("test-plugin:relu"))


def test_a_name_of_two_kinds_is_both_until_it_is_said_on_what() -> None:
    assert {check.subject for check in plugin_checks("mae")} == {"MAE"}
    assert len({entry.group for entry in entries_named("mae")}) == 2
    with pytest.raises(NotCheckableError, match="choose the group losses or metrics"):
        plugin_checks("mae", options={})
    run_all(plugin_checks("mae", group="metrics", options={}))


GUESSED = [
    entry
    for group in registry.GROUPS
    for entry in registry.default().entries(group)
    if entry.distribution == "tinynet-core"
    and ".standard." not in entry.target
    and entry.name not in ("memory", "mlflow", "tensorboard")
]
"""The built-in types, without the datasets that are downloaded, or passed by a program, and the
loggers that need an optional package."""


@pytest.mark.parametrize("entry", GUESSED, ids=lambda entry: f"{entry.group}-{entry.name}")
def test_whatever_needs_no_options_passes_on_what_the_kit_finds_by_trying(
    entry: registry.Entry,
) -> None:
    """`tinynet plugins check NAME` must not blame a type for what the kit tried it on."""
    cls = registry.default().load(entry.group, entry.qualified)
    config = getattr(cls, "Config", None)
    required = config is not None and any(f.is_required() for f in config.model_fields.values())
    if required or entry.name == "image_folder":  # which requires one of several options
        with pytest.raises(NotCheckableError, match=r"requires the option|name the folder"):
            plugin_cases(entry)
        return
    for case in plugin_cases(entry):
        run_all(case.checks)


def test_every_check_says_in_a_sentence_what_it_is_about() -> None:
    """It stands beside the verdict, for somebody who never read the kit."""
    assert CHECKS.keys() == set(registry.GROUPS) - {"fleets"}  # checked by several processes
    for name in (
        "relu",
        "mse",
        "adam",
        "cosine",
        "accuracy",
        "zeros",
        "digits",
        "standardize",
        "numpy",
    ):
        for check in plugin_checks(name):
            assert check.description.endswith("."), check
            assert not check.description.startswith("Take "), "not a promise, but an instruction"
            assert "``" not in check.description, "a terminal shows no markup"
