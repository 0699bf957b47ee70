"""Labels of the tokens of texts, without those of padding."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tinynet.data.preprocessing import Preprocessing
from tinynet.prediction.predictions import OutputPredictions
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


def labels_of_tokens(predictions: OutputPredictions, mask: Array) -> OutputPredictions:
    """Return predictions of tokens: those of a text come first, and padding has empty labels."""
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
    )


def words_left_out(texts: Array, mask: Array) -> str:
    """Describe the texts that have more words than tokens, so that some have no label; or ""."""
    words = np.array([len(text.split()) for text in texts.tolist()])
    more = int(np.sum(words > mask.sum(axis=1)))
    if not more:
        return ""
    return (
        f"{more:,} of {len(texts):,} texts have more words than the {mask.shape[1]:,} that the"
        " model labels; the others have no label. Divide these texts, or train with a greater"
        ' "length"'
    )
