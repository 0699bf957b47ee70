"""Generated text: reproducible, the same one position at a time, and what cannot be continued."""

import numpy as np
import pytest

import tinynet
from tinynet.errors import DataError, PluginError, UsageError
from tinynet.prediction import sequence_outputs
from tinynet.prediction.generation import TextGenerator
from tinynet.prediction.sampling import Sampling

from .conftest import (
    ATTENTION,
    BIGRAM,
    DENSE,
    EMBEDDING,
    LINES,
    STEPS,
    UNITS,
    VOCABULARY,
    Chunked,
)

RECURRENT = [EMBEDDING, {"type": "recurrent"}, DENSE]
TIED = [
    EMBEDDING,
    {"type": "multi_head_attention", "num_heads": 2, "causal": True, "rotary": True},
    {**DENSE, "shares": {"weight": "embedding_1/weight.T"}},
]
PROMPTS = ["T", "The moon ", LINES[:STEPS], LINES[: STEPS + 1], LINES]


def both(model, prompt, length, **sampling):
    """Return the continuations one position at a time, and with whole windows."""
    generators = (TextGenerator(model, 1), TextGenerator(model, 1, whole=True))
    sampling = Sampling(**sampling)
    return ["".join(generator.stream(prompt, length, sampling)) for generator in generators]


def test_the_same_seed_gives_the_same_text_on_any_number_of_threads(text_model):
    model = text_model(ATTENTION)
    text = model.generate("The ", 60, seed=4)
    assert text.startswith("The ")
    assert len(text) == 64
    long = model.generate(LINES, 60, seed=4)
    for threads in (1, 2, 3):
        assert model.generate("The ", 60, seed=4, threads=threads) == text
        assert model.generate(LINES, 60, seed=4, threads=threads) == long
    others = [model.generate("The ", 60, seed=5), model.generate("The ", 60, seed=4, number=1)]
    assert len({text, *others}) == 3


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("layers", [ATTENTION, TIED], ids=["positions", "tied"])
def test_single_positions_write_the_same_text_as_whole_windows(text_model, layers, prompt):
    """Also where the prompt, or the text, is longer than the window."""
    model = text_model(layers)
    one, whole = both(model, prompt, 3 * STEPS + 5)
    assert one == whole
    assert len(one) == 3 * STEPS + 5


@pytest.mark.parametrize("layers", [ATTENTION, RECURRENT, BIGRAM])
def test_a_text_in_several_calls_is_the_text_of_one_call(text_model, layers):
    model = text_model(layers)
    whole = model.generate("A fox", 50, seed=2)
    for length in (0, 1, 6, 7, 8, 30):
        assert model.generate(model.generate("A fox", length, seed=2), 50 - length, seed=2) == whole


def test_temperature_0_takes_the_most_probable_character(text_model):
    model = text_model(ATTENTION)
    text = "The moon"
    for _ in range(STEPS - len(text)):
        indices = np.array([[ord(c) for c in text.ljust(STEPS)]], np.int32)
        label = model.predict(indices).labels[0, len(text) - 1]
        text += str(label)
    for seed in (0, 1):
        assert model.generate("The moon", STEPS - 8, temperature=0, seed=seed) == text
    assert model.generate("The moon", STEPS - 8, top_k=1) == text
    assert model.generate("The moon", STEPS - 8, top_p=1e-9) == text


def test_layers_of_any_length_read_the_whole_text(text_model):
    """A window would make them forget its start."""
    model = text_model(RECURRENT)
    generator = TextGenerator(model, 1)
    assert generator.any_length
    assert TextGenerator(text_model(BIGRAM), 1).any_length
    assert not TextGenerator(text_model(ATTENTION), 1).any_length
    one, whole = both(model, "The moon", STEPS - 8)
    assert one == whole


@pytest.mark.parametrize(
    "layer",
    [
        {"type": "lstm", "units": 9, "return_sequences": True},
        {"type": "gru", "units": 9, "return_sequences": True},
        {"type": "simple_rnn", "units": 9, "return_sequences": True, "activation": "relu"},
        {"type": "conv1d", "filters": 9, "kernel_size": 3, "padding": "causal"},
    ],
    ids=lambda layer: layer["type"],
)
def test_recurrent_layers_and_causal_convolutions_go_on(text_model, layer):
    """Beyond the window the text is that of a network with a larger window."""
    model = text_model([EMBEDDING, layer, {"type": "relu"}, DENSE])
    one, whole = both(model, "The moon", STEPS - 8)
    assert one == whole
    wide = text_model([EMBEDDING, layer, {"type": "relu"}, DENSE], length=4 * STEPS)
    for address, array in wide.network.params.items():
        array[...] = model.network.params[address]
    text, expected = both(wide, LINES[: STEPS + 3], 3 * STEPS - 3, seed=1)
    assert text == expected
    assert model.generate(LINES[: STEPS + 3], 3 * STEPS - 3, seed=1) == LINES[: STEPS + 3] + text


@pytest.mark.parametrize("kind", ["lstm", "gru", "simple_rnn"])
def test_a_final_state_that_nobody_reads_changes_nothing(text_model, kind):
    """Also one that has as many units as the window has positions."""
    layer = {"type": kind, "units": STEPS, "return_sequences": True}
    stated = text_model([EMBEDDING, {**layer, "return_state": True}, DENSE])
    plain = text_model([EMBEDDING, layer, DENSE])
    assert stated.generate("The ", 2 * STEPS) == plain.generate("The ", 2 * STEPS)


def test_a_final_state_that_is_read_looks_ahead(text_model):
    layer = {"type": "gru", "units": STEPS, "return_sequences": True, "return_state": True}
    layers = [
        EMBEDDING,
        {**layer, "name": "first"},
        {"type": "gru", "units": STEPS, "return_sequences": True, "initial_state": True,
         "inputs": ["first", "first:state"]},
        DENSE,
    ]  # fmt: skip
    with pytest.raises(UsageError, match=r"gru_2 \(.*\) computes a position from later ones"):
        text_model(layers, steps=1).generate("The ", 5)


def test_layers_without_the_ability_are_slow_and_correct(text_model):
    model, right = text_model([EMBEDDING, {"type": "previous"}, DENSE]), text_model(RECURRENT)
    with pytest.warns(UserWarning, match=r"is slow, .*: previous_1 \(it looks across positions\)"):
        text = model.generate("The ", STEPS - 4)
    assert text == right.generate("The ", STEPS - 4)


@pytest.mark.parametrize("layer", ["forgetful", "scattered"])
def test_a_faulty_ability_is_not_used(text_model, layer):
    model, right = text_model([EMBEDDING, {"type": layer}, DENSE]), text_model(RECURRENT)
    with pytest.warns(UserWarning, match=rf"{layer}_1 \(its forward_next does not compute"):
        text = model.generate("The ", STEPS - 4)
    assert text == right.generate("The ", STEPS - 4)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda *args: 1 / 0, "forward_next raised ZeroDivisionError"),
        (lambda layer, ctx, cache, position, x: x[:, :1], r"must be an array of shape \(1, 4, 8\)"),
    ],
)
def test_errors_of_an_ability_name_the_layer(text_model, monkeypatch, wrong, message):
    model = text_model([EMBEDDING, {"type": "chunked"}, DENSE], steps=1)
    monkeypatch.setattr(Chunked, "forward_next", wrong)
    with pytest.raises(PluginError, match=rf"chunked_1 \(.*\): .*{message}"):
        model.generate("The ", 3)


@pytest.mark.parametrize("most", [256, 5, 1])
def test_a_prompt_is_computed_at_once_where_layers_can(text_model, most, monkeypatch):
    """Layers that can and others in one network, and prompts of more positions than one call."""
    monkeypatch.setattr(sequence_outputs, "MAX_POSITIONS", most)
    layers = [{"type": "gru", "units": 8, "return_sequences": True}, {"type": "recurrent"}]
    model = text_model([EMBEDDING, {"type": "chunked"}, *layers, DENSE])
    right = text_model([EMBEDDING, {"type": "recurrent"}, *layers, DENSE])
    generator = TextGenerator(model, 1)
    Chunked.calls.clear()
    text = "".join(generator.stream(LINES[:33], 4, Sampling()))
    whole, rest = divmod(33, most)
    assert Chunked.calls == [most] * whole + [rest] * (rest > 0) + [1] * 3
    assert LINES[:33] + text == right.generate(LINES[:33], 4)


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        ({"type": "following"}, "following_1"),
        ({"type": "multi_head_attention", "num_heads": 2}, "multi_head_attention_1"),
    ],
)
def test_a_network_that_reads_the_future_cannot_write(text_model, layer, name):
    model = text_model([EMBEDDING, layer, DENSE])
    with pytest.raises(UsageError, match=rf"because {name} \(.*\) computes a position from later"):
        model.generate("The ", 5)


@pytest.mark.parametrize("size", [2, 3, 4, 6])
def test_a_network_that_reads_the_future_within_blocks_cannot_write(text_model, size):
    """The blocks of positions end where half of the window does."""
    blocks = [
        {"type": "reshape", "target_shape": [STEPS // size, size * UNITS]},
        {"type": "dense", "units": size * UNITS, "name": "mixed"},
        {"type": "reshape", "target_shape": [STEPS, UNITS]},
    ]
    model = text_model([EMBEDDING, DENSE, *blocks, DENSE], steps=1)
    with pytest.raises(UsageError, match="text cannot be generated, because"):
        model.generate("The ", 5)


def test_characters_that_the_vocabulary_lacks_are_named(text_model):
    model = text_model(BIGRAM)
    with pytest.raises(DataError) as raised:
        model.generate("The Ümlaut Ü 日", 5)
    message = str(raised.value)
    assert message.startswith("the prompt has the characters 'Ü' (U+00DC), '日' (U+65E5), which")
    with pytest.raises(DataError, match=r"character '\\x00' \(U\+0000\), which .* leave it out"):
        model.generate("A\0", 5)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ("", "the prompt is empty; give at least one character"),
        (b"The", r"must be a str, not a value of type bytes; decode it: prompt.decode\(\)"),
        (b"h\xc3", r'decode it: prompt.decode\(errors="surrogateescape"\)$'),
        (None, "the prompt must be a str, not a value of type NoneType"),
        (["The"], "the prompt must be a str, not a value of type list"),
    ],
)
def test_a_prompt_that_is_no_text_is_bad_usage(text_model, prompt, message):
    with pytest.raises(UsageError, match=message):
        text_model(BIGRAM, steps=1).generate(prompt, 5)


def test_the_index_of_unknown_characters_is_never_drawn(text_model):
    """It is the most frequent target here."""
    few = {**VOCABULARY, "max_size": 6}
    embedding, dense = {**EMBEDDING, "input_dim": 6}, {**DENSE, "units": 6}
    model = text_model([embedding, dense], transforms=[few])
    text = model.generate(" ", 100, temperature=5)
    assert len(text) == 101
    assert {*text} <= {*model.classes["output"][1:]}


@pytest.fixture
def byte_model(text_model):
    layers = [{**EMBEDDING, "input_dim": 256}, {"type": "recurrent"}, {**DENSE, "units": 256}]
    return text_model(layers, transforms=[], unit="byte", text="è日" * 200, steps=150)


def test_bytes_become_characters_as_soon_as_they_are_complete(byte_model):
    model = byte_model
    parts = list(TextGenerator(model, 1).stream("è", 10, Sampling(temperature=0)))
    assert parts == ["日", "è", "日", "è"]
    assert model.generate("è日", 4, temperature=0) == "è日è\N{REPLACEMENT CHARACTER}"
    with pytest.raises(UsageError, match="length=-1 must be an integer of at least 0"):
        model.generate("è", -1)


@pytest.mark.parametrize("cut", range(1, 10))
def test_a_character_may_begin_in_the_prompt(byte_model, cut):
    """A prompt that ends within a character is the start of the same text."""
    prompt = "è日è日".encode()[:cut].decode(errors="surrogateescape")
    text = byte_model.generate(prompt, 20 - cut, temperature=0)
    assert text == byte_model.generate("è", 18, temperature=0) == "è日" * 4


def test_bytes_of_a_prompt_that_are_no_text_are_replaced(byte_model):
    text = byte_model.generate("\udcff\udce6è", 6, temperature=0)
    assert text == "\N{REPLACEMENT CHARACTER}" * 2 + "è日è\N{REPLACEMENT CHARACTER}"
    assert byte_model.generate("è\udce6", 0) == "è\N{REPLACEMENT CHARACTER}"
    with pytest.raises(DataError, match=r"the prompt has U\+D83D, which is half of a character"):
        byte_model.generate("è\ud83d", 1)


def test_vocabularies_of_separate_arrays_cannot_be_used(text_model):
    separate = [{"type": "vocabulary"}, {"type": "vocabulary", "on": "target"}]
    text = "a" + "bc" * 50  # "a" is in the input alone
    model = text_model([EMBEDDING, {**DENSE, "units": 3}], transforms=separate, text=text)
    with pytest.raises(UsageError, match="do not have the same vocabulary; add ") as raised:
        model.generate("b", 3)
    assert '{"type": "vocabulary", "on": ["input", "target"]}' in str(raised.value)


def test_a_network_of_other_data_does_not_write(tmp_path):
    spec = {
        "tinynet": 1,
        "name": "digits",
        "data": {"type": "digits", "split": {"validation": 0, "test": 1700}},
        "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
        "training": {"steps": 1, "loss": "softmax_cross_entropy", "optimizer": "sgd"},
    }
    run = tinynet.train(spec, tmp_path / "run").path
    with pytest.raises(UsageError, match="one input that is a text, such as windows of the data"):
        tinynet.generate(run, "7")


def test_a_network_that_reconstructs_its_input_does_not_write(text_model):
    """It predicts each character from itself."""
    loss = {"type": "softmax_cross_entropy", "target": "input"}
    model = text_model(BIGRAM, loss=loss, steps=1)
    with pytest.raises(UsageError, match=r"the loss of 'output' compares .* the input 'input', no"):
        model.generate("The ", 5)


def test_an_output_that_reconstructs_the_input_is_not_the_text(text_model):
    loss = "softmax_cross_entropy"
    losses = {"same": {"type": loss, "target": "input"}, "next": {"type": loss}}
    same, following = ({**DENSE, "name": name, "inputs": "embedding_1"} for name in losses)
    model = text_model([EMBEDDING, same, following], loss=losses, outputs=[*losses], steps=5)
    alone = text_model([EMBEDDING, following], steps=1)
    for address, array in alone.network.params.items():
        array[...] = model.network.params[address]
    assert model.generate("The ", 20) == alone.generate("The ", 20)


def test_an_output_of_another_size_is_refused(text_model):
    with pytest.warns(UserWarning, match="predictions have no labels"):
        model = text_model([EMBEDDING, {**DENSE, "units": UNITS + 1}])
    with pytest.raises(UsageError, match=rf"has {UNITS} classes at each position, but the output"):
        model.generate("A", 3)


def test_the_function_generates_as_the_model(text_model, tmp_path):
    model = text_model(BIGRAM)
    options = {"temperature": 0.7, "top_k": 5, "top_p": 0.9, "seed": 3, "number": 2}
    text = tinynet.generate(tmp_path / "run-1", "The ", 30, checkpoint="last", **options)
    assert text == model.generate("The ", 30, **options)
    with pytest.raises(UsageError, match="no argument 'temprature'; did you mean 'temperature'"):
        tinynet.generate(tmp_path / "run-1", "The ", temprature=1)
    with pytest.raises(UsageError, match=r"temperature=-1 must be a number of at least 0\n  top_k"):
        model.generate("The ", temperature=-1, top_k=0)


def test_gates_and_learned_slopes_treat_every_position_alike(text_model):
    """As in language models with SwiGLU: a text is written one position at a time."""
    nodes = ["swiglu", {"type": "prelu", "shared_axes": [1]}, "scale", "identity"]
    causal = {"type": "conv1d", "filters": 18, "kernel_size": 3, "padding": "causal"}
    one, whole = both(text_model([EMBEDDING, causal, *nodes, DENSE]), "The moon", STEPS - 8)
    assert one == whole
