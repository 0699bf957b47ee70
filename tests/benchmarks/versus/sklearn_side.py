"""scikit-learn's side: `MLPClassifier.partial_fit`, with one Adam step per batch."""

from collections.abc import Callable

import numpy as np
from sklearn.neural_network import MLPClassifier

from versus.networks import BETA_1, BETA_2, CLASSES, EPSILON, LEARNING_RATE, batch_of, nodes_of


def train(network: str, batch: int, *, threads: int, dropout: bool) -> Callable[[], float]:
    """Return a training step, which returns the loss before the update."""
    dense = [node for node in nodes_of(network, dropout=dropout) if node.type == "dense"]
    x, labels = batch_of(network, batch)
    classifier = MLPClassifier(
        [node.options["units"] for node in dense[:-1]],
        activation="relu",
        solver="adam",
        alpha=0,
        batch_size=batch,
        learning_rate_init=LEARNING_RATE,
        shuffle=False,
        beta_1=BETA_1,
        beta_2=BETA_2,
        epsilon=EPSILON,
    )
    classifier.partial_fit(x, labels, classes=np.arange(CLASSES))
    # The first call has drawn the parameters: replace them by ours, and restart Adam on them.
    classifier.coefs_ = [node.params["weight"] for node in dense]
    classifier.intercepts_ = [node.params["bias"] for node in dense]
    del classifier._optimizer

    def step() -> float:
        classifier.partial_fit(x, labels)
        return float(classifier.loss_)

    return step
