"""Encodings of a table agree with those of scikit-learn, fitted on the same samples."""

import numpy as np
import pytest

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is the oracle")

from sklearn.impute import SimpleImputer  # noqa: E402
from sklearn.preprocessing import OneHotEncoder  # noqa: E402

pytestmark = pytest.mark.oracle

RNG = np.random.default_rng(5)
ROWS = 300
NUMBERS = np.where(RNG.random((ROWS, 2)) < 0.2, np.nan, RNG.integers(0, 9, (ROWS, 2)))
COLORS = RNG.choice(["red", "green", "blue", "?"], ROWS, p=[0.5, 0.3, 0.1, 0.1])
TRAINING = RNG.permutation(ROWS)[:150]


@pytest.fixture
def encoded(open_csv):
    """Return the encoded rows of the table, learned from some of them."""

    def encoded(**columns):
        lines = [
            ",".join(["NA" if np.isnan(n) else repr(float(n)) for n in row] + [color, "0"])
            for row, color in zip(NUMBERS, COLORS, strict=True)
        ]
        data = open_csv("a,b,color,y\n" + "\n".join(lines) + "\n", columns=columns)
        data = data.with_state(data.learn(TRAINING))
        return data.gather(np.arange(ROWS)).inputs["input"]

    return encoded


@pytest.mark.parametrize("strategy", ["mean", "median", "most_frequent", "constant"])
def test_missing_numbers(encoded, strategy):
    options = {"missing": strategy, "indicator": True}
    if strategy == "constant":
        options["fill"] = 0.5
    ours = encoded(a=options, b=options, color="ignore")
    theirs = SimpleImputer(strategy=strategy, fill_value=0.5, add_indicator=True)
    expected = theirs.fit(NUMBERS[TRAINING]).transform(NUMBERS)
    np.testing.assert_allclose(ours[:, [0, 2, 1, 3]], expected, rtol=1e-15)


def test_one_hot_categories(encoded):
    ours = encoded(a="ignore", b={"missing": "mean"})[:, 1:]
    theirs = OneHotEncoder(
        categories=[["blue", "green", "red"]], handle_unknown="ignore", sparse_output=False
    )
    expected = theirs.fit(COLORS[TRAINING, None]).transform(COLORS[:, None])
    np.testing.assert_array_equal(ours, expected)


def test_missing_categories(encoded):
    ours = encoded(a="ignore", b={"missing": "mean"}, color={"missing": "most_frequent"})[:, 1:]
    colors = COLORS.astype(object)[:, None]
    imputed = SimpleImputer(missing_values="?", strategy="most_frequent")
    colors = imputed.fit(colors[TRAINING]).transform(colors)
    expected = OneHotEncoder(sparse_output=False).fit(colors[TRAINING]).transform(colors)
    np.testing.assert_array_equal(ours, expected)


def test_rare_categories(encoded):
    """scikit-learn gives rare categories a feature of their own, the last one."""
    ours = encoded(a="ignore", b={"missing": "mean"}, color={"min_count": 30})[:, 1:]
    present = COLORS != "?"
    theirs = OneHotEncoder(
        min_frequency=30, handle_unknown="infrequent_if_exist", sparse_output=False
    )
    fitted = theirs.fit(COLORS[TRAINING][present[TRAINING], None])
    expected = fitted.transform(COLORS[present, None])
    np.testing.assert_array_equal(ours[present], expected[:, : ours.shape[1]])
    assert ours.shape[1] == 2
