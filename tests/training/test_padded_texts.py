"""Networks on padded texts: what follows a text, or comes before it, changes no prediction."""

import numpy as np
import pytest

import tinynet

MASK = {"type": "sequence_mask", "name": "mask", "inputs": "input"}
EMBEDDING = {"type": "embedding", "input_dim": 20, "output_dim": 8, "inputs": "input"}
NETWORKS = {
    "lstm": [{"type": "lstm", "units": 5, "inputs": ["embedding_1", "mask"]}],
    "gru": [{"type": "gru", "units": 5, "bidirectional": True, "inputs": ["embedding_1", "mask"]}],
    "attention": [
        {"type": "multi_head_attention", "num_heads": 2, "inputs": ["embedding_1", "mask"]},
        {"type": "global_avg_pool1d", "inputs": ["multi_head_attention_1", "mask"]},
    ],
    "max": [{"type": "global_max_pool1d", "inputs": ["embedding_1", "mask"]}],
}
LINES = ["yes\tgood film", "no\tbad film", "yes\ta film so good", "no\tnot so good a film"] * 5
TEXTS = ["good", "a bad film", "not so bad a film", "unknown words", ""]


@pytest.mark.parametrize("padding", ["post", "pre"])
@pytest.mark.parametrize("name", NETWORKS)
def test_padding_changes_no_prediction(name, padding, tmp_path):
    (tmp_path / "lines.txt").write_text("\n".join(LINES))
    predictions = []
    for length in (5, 9):
        spec = {
            "tinynet": 1,
            "name": name,
            "data": {
                "type": "text_lines",
                "path": "lines.txt",
                "layout": "label_text",
                "empty": "keep",
                "split": {"validation": 0, "test": 0},
                "transforms": [{"type": "vocabulary", "length": length, "padding": padding}],
            },
            "network": {
                "layers": [MASK, EMBEDDING, *NETWORKS[name], {"type": "dense", "units": 2}],
                "dtype": "float64",
            },
            "training": {
                "steps": 5,
                "batch_size": 8,
                "loss": "softmax_cross_entropy",
                "optimizer": {"type": "adam", "learning_rate": 0.05},
            },
        }
        run = tinynet.train(spec, tmp_path / f"run{length}", data_root=tmp_path)
        predictions.append(tinynet.load_model(run.path).predict(TEXTS).probabilities)
    assert np.ptp(predictions[0], axis=0).max() > 0.01
    np.testing.assert_allclose(*predictions, rtol=1e-9)
