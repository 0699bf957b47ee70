"""Warnings about padded texts whose padding a network takes for words."""

import json

import pytest

from tinynet.commands.check import check_spec

MASK = {"type": "sequence_mask", "name": "mask", "inputs": "input"}
EMBEDDING = {"type": "embedding", "input_dim": 20, "output_dim": 4, "inputs": "input"}
LSTM = {"type": "lstm", "units": 3}
POOL = {"type": "global_avg_pool1d"}
SEQUENCES = {**LSTM, "return_sequences": True}


@pytest.fixture
def warned(tmp_path):
    """Return the messages about a network for texts."""
    lines = ["yes\tgood film", "no\ta bad film"] * 6
    (tmp_path / "lines.txt").write_text("\n".join(lines))

    def warned(*layers):
        spec = {
            "tinynet": 1,
            "name": "padded",
            "data": {
                "type": "text_lines",
                "path": "lines.txt",
                "layout": "label_text",
                "transforms": [{"type": "vocabulary", "length": 5}],
            },
            "network": {"layers": [*layers, {"type": "dense", "units": 2}]},
            "training": {"steps": 1, "loss": "softmax_cross_entropy", "optimizer": "sgd"},
        }
        (tmp_path / "spec.json").write_text(json.dumps(spec))
        return [warning.message for warning in check_spec(tmp_path / "spec.json").warnings]

    return warned


@pytest.mark.parametrize("last", [LSTM, POOL, {**LSTM, "bidirectional": True}])
def test_a_layer_over_all_positions_needs_a_mask(warned, last):
    name = f"{last['type']}_1"
    assert warned(EMBEDDING, {"type": "dropout", "rate": 0.1}, last) == [
        f"'{name}' takes the padding of 'input' for words; add"
        ' {"type": "sequence_mask", "name": "mask", "inputs": "input"}, and set "inputs":'
        ' ["dropout_1", "mask"]'
    ]
    assert warned(MASK, EMBEDDING, {**last, "inputs": ["embedding_1", "mask"]}) == []


def test_padding_reaches_a_pool_behind_a_recurrent_layer(warned):
    both = {**SEQUENCES, "bidirectional": True, "inputs": ["embedding_1", "mask"]}
    (message,) = warned(EMBEDDING, SEQUENCES, POOL)
    assert message.startswith("'global_avg_pool1d_1' takes the padding")
    assert warned(MASK, EMBEDDING, both, {**POOL, "inputs": ["lstm_1", "mask"]}) == []
    assert warned(MASK, EMBEDDING, both, POOL) == [
        "'global_avg_pool1d_1' takes the padding of 'input' for words; set \"inputs\":"
        ' ["lstm_1", "mask"]'
    ]


def test_indices_are_no_quantities(warned):
    messages = [m for m in warned({"type": "dense", "units": 4}) if "quantities" in m]
    assert messages == [
        "'dense_1' takes the words of 'input' for quantities: they are indices of a vocabulary;"
        ' put an embedding before it, or use {"type": "bag_of_words"} in place of the vocabulary'
    ]
    assert warned(EMBEDDING, "flatten") == []
