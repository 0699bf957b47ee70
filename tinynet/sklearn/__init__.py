"""Estimators of scikit-learn that train the network of a spec, in memory.

from tinynet.sklearn import TinynetClassifier

TinynetClassifier(epochs=50).fit(X, y).score(X_test, y_test)
"""

from tinynet.extras import importing

with importing("sklearn", "tinynet.sklearn"):
    import sklearn as sklearn

from tinynet.sklearn.classifier import TinynetClassifier
from tinynet.sklearn.regressor import TinynetRegressor

__all__ = ["TinynetClassifier", "TinynetRegressor"]
