"""Any input is loaded as a spec or refused with a readable `SpecError`.

If the only mistakes are missing plugins, the error is a `PluginError`.
"""

import json
from contextlib import suppress
from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinynet.errors import PluginError, ShapeError, SpecError
from tinynet.network.network import Network
from tinynet.spec.reading import load_spec
from tinynet.spec.rendering import origins
from tinynet.text.places import MAX_PROBLEMS

HERE = Path(__file__).parent

MODELS = [
    json.loads(path.read_text(encoding="utf-8"))
    for path in (
        *sorted((HERE.parents[1] / "models").glob("*.json")),
        HERE / "bad_blocks.json",
        *sorted(p for p in HERE.glob("corpus/*/*.json") if not p.match("*.resolved.json")),
    )
]

WORDS = st.sampled_from(
    sorted(
        "type name inputs shares trainable comment options input input:x conv2d dense relu flatten"
        " add concat batch_norm reshape embedding filters units kernel_size padding strides same"
        " valid groups axis rate target_shape weight_initializer normal orthogonal network layers"
        " input_shape dtype float64 data split validation test transforms scale on training loss"
        " epochs steps metrics accuracy checkpoint keep_best metric seed optimizer adam output"
        " outputs target on block blocks params repeat vars $ $$ $width $filters $kernel $$width"
        " $rate $x residual stage layer pair merge stage_1 pair_1.drop input:left dense_1".split()
    )
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-3, 70)
    | st.integers()
    | st.sampled_from([10**18, 10**299, -(10**299), 0.5, 1e308, -1e308, 5e-324, 8.0])
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | st.text(max_size=20)
    | st.sampled_from(["x" * 100_000, "\x00", "a\nb", "~1/~0", "input:", ":", "tinynet-core:"])
)

TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(), inner, max_size=4)
    ),
    max_leaves=8,
)


def places(tree, path=()):
    """Yield the paths to all values in a tree."""
    yield path
    keys = tree if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ()
    for key in keys:
        yield from places(tree[key], (*path, key))


LIKE = {
    bool: st.booleans(),
    int: st.integers(-1, 12) | st.sampled_from([70, 10**6, 10**18, 10**299]),
    float: st.floats(0, 1) | st.sampled_from([1e-300, 1e308]),
    str: WORDS | st.sampled_from(["$width", "$filters", "$n", "pair", "stage_1", "input:left"]),
    list: st.lists(st.integers(-1, 9), max_size=4) | st.lists(WORDS, max_size=3),
}
"""Values that are often valid, so that the checks after validation are tested, too."""


def mutate(draw, spec):
    """Change one place of a spec: replace, rename, copy or delete it."""
    path = draw(st.sampled_from([path for path in places(spec) if path]))
    *way, last = path
    holder = spec
    for key in way:
        holder = holder[key]
    kinds = ["like"] * 12 + ["value", "value", "delete", "rename", "copy", "deep", "wrap"]
    kind = draw(st.sampled_from(kinds))
    if kind == "like":
        holder[last] = draw(LIKE.get(type(holder[last]), TREES))
    elif kind == "value":
        holder[last] = draw(TREES)
    elif kind == "delete":
        del holder[last]
    elif kind == "rename" and isinstance(holder, dict):
        holder[draw(WORDS | st.text(max_size=8))] = holder.pop(last)
    elif kind == "copy":
        source = spec
        for key in draw(st.sampled_from(list(places(spec)))):
            source = source[key]
        holder[last] = deepcopy(source)
    elif kind == "deep":
        for _ in range(draw(st.integers(1, 60))):
            holder[last] = {"type": holder[last]} if draw(st.booleans()) else [holder[last]]
    else:
        holder[last] = [holder[last]]


@st.composite
def mutants(draw):
    spec = deepcopy(draw(st.sampled_from(MODELS)))
    for _ in range(draw(st.integers(1, 4))):
        mutate(draw, spec)
        if not isinstance(spec, dict) or not spec:
            break
    return spec


def check(source, overrides=None):
    """Return the loaded spec; None if it is refused with a readable error."""
    try:
        good = load_spec(source, overrides)
    except (SpecError, PluginError) as error:
        refused = error
    else:
        assert list(origins(good)), "each value came from somewhere"
        return good
    if isinstance(refused, PluginError):
        assert all(
            "is not installed" in problem.message for problem in refused.problems[:MAX_PROBLEMS]
        )
    assert 0 < len(refused.problems) <= MAX_PROBLEMS + 1
    for problem in refused.problems:
        assert problem.message
        assert len(problem.message) < 2_000
        assert "pydantic" not in problem.message
        assert problem.line is None or isinstance(source, Path)
    return None


@settings(max_examples=400)
@given(mutants())
def test_a_mutated_spec_is_loaded_or_refused(spec):
    """One that is loaded can be built, unless its shapes do not fit."""
    try:
        text = json.dumps(spec)
    except ValueError:
        pytest.fail("the mutant is not JSON")
    good = check(json.loads(text))
    if good is None:
        return
    again = load_spec(good.resolved())
    assert again.resolved() == good.resolved()
    with suppress(SpecError, ShapeError):
        Network(good.network, good.network.input_shape or (8, 8, 1), dry=True)


@st.composite
def mutated_texts(draw):
    """The text of a model with characters removed, inserted and replaced."""
    text = json.dumps(draw(st.sampled_from(MODELS)), indent=draw(st.sampled_from([None, 1])))
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 40)))
        bits = st.text("{}[]:,\"\\/'0123456789eE+-.truefalsn \n\t", max_size=6) | st.text(
            max_size=3
        )
        text = text[:start] + draw(bits) + text[end:]
    return text


@settings(max_examples=200)
@given(data=mutated_texts().map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary())
def test_a_mutated_text_is_loaded_or_refused(data, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "mutated.json"
    path.write_bytes(data)
    check(path)


@given(st.dictionaries(st.lists(WORDS, min_size=1, max_size=4).map(".".join), TREES, max_size=3))
def test_any_override_gives_a_spec_or_a_spec_error(overrides):
    check(deepcopy(MODELS[0]), overrides)
