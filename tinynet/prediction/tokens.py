"""Labels of the tokens of texts, without those of padding."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from tinynet.data.preprocessing import Preprocessing
from tinynet.prediction.output_predictions import OutputPredictions
from tinynet.types import Array


def text_of_tokens(preprocessing: Preprocessing, target: str, texts: Mapping[str, Array]) -> str:
    """Return the name of the text whose tokens have the labels of a target; empty without one.

    Args:
        preprocessing: The fitted transforms.
        target: Name of the target in the data.
        texts: Some texts by the name of the input.
    """
    labels = preprocessing.fields[target]
    for name in texts if labels.padding is not None else ():
        tokens = preprocessing.fields[name]
        if tokens.padding is not None and tokens.shape == labels.shape and len(tokens.shape) == 1:
            return name
    return ""


def token_mask(preprocessing: Preprocessing, name: str, texts: Array) -> Array:
    """Return True for each token of some texts, and False for padding, (N, T)."""
    mask: Array = preprocessing.apply({name: texts})[name] != preprocessing.fields[name].padding
    return mask


def labels_of_tokens(
    predictions: OutputPredictions, mask: Array, words: Array | None = None
) -> OutputPredictions:
    """Return predictions of tokens: those of a text come first, and padding has empty labels.

    Args:
        predictions: The predictions of all positions.
        mask: True for each token, and False for padding, (N, T).
        words: The word of each token, if tokens are words; see `words_of_tokens`.
    """
    labels, lengths = predictions.labels, mask.sum(axis=1)
    if labels is None or labels.shape != mask.shape:
        return predictions
    order = np.argsort(~mask, axis=1, kind="stable")
    counted = np.arange(mask.shape[1]) < lengths[:, None]
    scores = predictions.probabilities
    return replace(
        predictions,
        values=np.take_along_axis(predictions.values, order[..., None], axis=1),
        labels=np.where(counted, np.take_along_axis(labels, order, axis=1), ""),
        probabilities=scores
        if scores is None
        else np.take_along_axis(scores, order[..., None], axis=1),
        lengths=lengths,
        tokens=words,
    )


def words_of_tokens(preprocessing: Preprocessing, name: str, texts: Array, mask: Array) -> Array:
    """Return the word of each token of texts of words, (N, T), "" for padding; see `token_mask`."""
    rows = []
    for text, count in zip(texts.tolist(), mask.sum(axis=1).tolist(), strict=True):
        words = text.split()
        if len(words) > count:  # cut at its end, or else at its start
            first = np.array([text, " ".join(words[:count])], object)
            whole, part = preprocessing.apply({name: first})[name]
            words = words[:count] if (whole == part).all() else words[len(words) - count :]
        rows.append(words + [""] * (mask.shape[1] - len(words)))
    return np.array(rows, np.str_)


@dataclass
class WordsLeftOut:
    """The number of texts that have more words than tokens, so that some have no label."""

    more: int = 0
    texts: int = 0
    tokens: int = 0  # that a text has at most

    def add(self, texts: Array, mask: Array) -> None:
        """Count some texts, whose tokens are those of a mask (N, T)."""
        words = np.array([len(text.split()) for text in texts.tolist()])
        self.more += int(np.sum(words > mask.sum(axis=1)))
        self.texts += len(texts)
        self.tokens = mask.shape[1]

    @property
    def message(self) -> str:
        """A warning, or empty without such texts."""
        if not self.more:
            return ""
        return (
            f"{self.more:,} of {self.texts:,} texts have more words than the {self.tokens:,} that"
            " the model labels; the others have no label. Divide these texts, or train with a"
            ' greater "length"'
        )
