"""The estimators of scikit-learn: its own checks, and the data that they take."""

import pickle
from unittest import SkipTest

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_wine
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import tinynet
from tinynet.errors import DataError, SpecError, UsageError
from tinynet.sklearn import TinynetClassifier, TinynetRegressor

pytestmark = pytest.mark.extra

OUT = {"type": "dense", "units": "$outputs"}
CHECKED = {"epochs": 30, "learning_rate": 0.01, "random_state": 0, "threads": 1}


@parametrize_with_checks([TinynetClassifier(**CHECKED), TinynetRegressor(**CHECKED)])
def test_scikit_learns_own_checks(estimator, check, monkeypatch):
    if "array_api" in getattr(check, "func", check).__name__:
        monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # without it the check is skipped
    if getattr(check, "func", check).__name__.endswith("output_format_decision_function"):
        with pytest.raises(SkipTest, match="does not have a decision_function method"):
            check(estimator)
        return
    check(estimator)


@pytest.fixture(scope="module")
def wine():
    return load_wine(return_X_y=True)


@pytest.fixture(scope="module")
def digits():
    x, y = load_digits(return_X_y=True)
    return x.reshape(-1, 8, 8, 1) / 16, y


def test_a_classifier_is_as_good_as_scikit_learns_own(wine):
    x, y = wine
    own = cross_val_score(TinynetClassifier(random_state=0, epochs=50), x, y).mean()
    other = make_pipeline(StandardScaler(), MLPClassifier(random_state=0, max_iter=500))
    assert own >= cross_val_score(other, x, y).mean() - 0.02


def test_early_stopping_keeps_the_best_parameters():
    x, y = load_diabetes(return_X_y=True)
    stopped = TinynetRegressor(epochs=300, early_stopping=True, random_state=0).fit(x, y)
    assert stopped.n_iter_ < 300
    assert stopped.score(x, y) > 0.4
    losses = [figures["val/loss"] for figures in stopped.history_]
    assert len(losses) - 1 - int(np.argmin(losses)) == 10


def test_layers_and_images(digits):
    x, y = digits
    layers = [{"type": "conv2d", "filters": 8, "kernel_size": 3}, "relu", "flatten", OUT]
    classifier = TinynetClassifier(layers, epochs=8, random_state=1).fit(x[:1000], y[:1000])
    assert classifier.score(x[1000:], y[1000:]) > 0.9
    assert classifier.predict_proba(x[:3]).shape == (3, 10)
    assert classifier.model_.predict(x[:3]).label_values.tolist() == [0, 1, 2]


def test_a_file_of_a_spec(digits, tmp_path):
    spec = tmp_path / "spec.json"
    spec.write_text(
        '{"tinynet": 1, "name": "s", "vars": {"outputs": 2},'
        ' "network": {"layers": ["flatten", {"type": "dense", "units": "$outputs"}]},'
        ' "training": {"epochs": 3, "loss": "softmax_cross_entropy", "optimizer": "adam"}}'
    )
    x, y = digits
    for source in (str(spec), spec):
        assert TinynetClassifier(source).fit(x, y).predict_proba(x[:2]).shape == (2, 10)


def test_the_same_seed_gives_the_same_bits(digits):
    x, y = digits
    one, two = (TinynetClassifier(epochs=1, random_state=3).fit(x, y) for _ in range(2))
    assert np.array_equal(one.predict_proba(x), two.predict_proba(x))
    other = TinynetClassifier(epochs=1, random_state=4).fit(x, y)
    assert not np.array_equal(one.predict_proba(x), other.predict_proba(x))


def test_training_is_that_of_tinynet_train(digits, tmp_path):
    """An estimator is another way to call the same training: bit for bit."""
    x, y = digits
    spec = {
        "tinynet": 1,
        "name": "same",
        "data": {"split": {"validation": 0.2, "test": 0}},
        "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
        "training": {
            "epochs": 2,
            "batch_size": 32,
            "seed": 7,
            "loss": "softmax_cross_entropy",
            "optimizer": "adam",
        },
    }
    classifier = TinynetClassifier(spec).fit(x, y)
    tinynet.train(spec, tmp_path / "run", data=(x, y))
    expected = tinynet.load_model(tmp_path / "run").predict(x).probabilities
    assert np.array_equal(classifier.predict_proba(x), expected)


def test_a_pickled_estimator_predicts_and_continues_the_same(digits):
    x, y = digits
    first = TinynetClassifier(epochs=2, random_state=0).fit(x, y)
    second = pickle.loads(pickle.dumps(first))
    for estimator in (first, second):
        estimator.partial_fit(x, y)
    assert first.n_iter_ == second.n_iter_ == 3
    assert np.array_equal(first.predict_proba(x), second.predict_proba(x))


def test_partial_fit_learns_from_parts_that_lack_classes(wine):
    x, y = wine
    classifier = TinynetClassifier(random_state=0)
    for epoch in range(45):
        part = y == epoch % 3
        classifier.partial_fit(x[part], y[part], classes=[0, 1, 2])
    assert classifier.n_iter_ == 45
    assert classifier.classes_.tolist() == [0, 1, 2]
    with pytest.raises(ValueError, match=r"labels that are not in classes: array\(\[5\]\)"):
        classifier.partial_fit(x[:2], [0, 5])


def test_partial_fit_is_a_longer_run(wine):
    """Optimizer state and scales stay, so the loss continues to fall."""
    x, y = wine
    regressor = TinynetRegressor(random_state=0)
    for _ in range(20):
        regressor.partial_fit(x, y)
    losses = [figures["train/loss"] for figures in regressor.history_]
    assert len(losses) == 20
    assert losses[-1] < losses[9] < losses[0]


def test_grid_search_in_a_pipeline(wine):
    x, y = wine
    spec = {
        "vars": {"width": 8},
        "network": {"layers": [{"type": "dense", "units": "$width"}, "relu", OUT]},
    }
    grid = {"overrides": [{"vars.width": width} for width in (2, 16)], "learning_rate": [0.01]}
    search = GridSearchCV(TinynetClassifier(spec, epochs=10, threads=1), grid, cv=2)
    assert make_pipeline(StandardScaler(), search).fit(x, y).score(x, y) > 0.9
    assert clone(search.best_estimator_).get_params()["spec"] == spec


def test_a_table_with_categories_and_missing_cells():
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    draw = np.random.default_rng(0)
    kind = draw.choice(["a", "b", None], 300)
    size = np.where(draw.random(300) < 0.1, np.nan, draw.normal(size=300))
    table = pandas.DataFrame({"kind": kind, "size": size})
    label = np.where(kind == "a", "yes", "no")
    spec = {"data": {"columns": {"size": {"missing": "median"}}}}
    classifier = TinynetClassifier(spec, epochs=30, random_state=0).fit(table, label)
    assert classifier.score(table, label) == 1
    assert classifier.feature_names_in_.tolist() == ["kind", "size"]
    with pytest.raises(ValueError, match="feature names should match"):
        classifier.predict(table[["kind"]])
    with pytest.raises(DataError, match='"missing": "median"'):
        TinynetClassifier().fit(table, label)


def test_texts():
    texts, labels = ["a good film", "bad", "good", "such a bad film"] * 20, list("pnpn") * 20
    spec = {"data": {"transforms": [{"type": "tfidf"}]}}
    classifier = TinynetClassifier(spec, epochs=20, random_state=0).fit(texts, labels)
    assert classifier.predict(["good", "bad bad"]).tolist() == ["p", "n"]


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"spec": 5}, UsageError, "spec=5 must be a list of layers"),
        ({"spec": [{"type": "dens"}]}, SpecError, "did you mean 'dense'"),
        ({"spec": "nowhere.json"}, SpecError, "no such file: nowhere.json"),
        ({"overrides": 3}, UsageError, "overrides=3 must be a dict"),
        ({"epochs": 0}, SpecError, "must be at least 1"),
        ({"learning_rate": "x"}, SpecError, "a number is expected"),
    ],
)
def test_wrong_parameters_are_reported_in_fit(wine, parameters, error, message):
    with pytest.raises(error, match=message):
        TinynetClassifier(**parameters).fit(*wine)


def test_several_outputs_are_refused(wine):
    spec = {
        "network": {
            "layers": [{"type": "dense", "units": 3}, {"type": "dense", "units": 2}],
            "outputs": {"a": "dense_1", "b": "dense_2"},
        },
        "training": {
            "loss": {"a": {"type": "softmax_cross_entropy", "target": "target"}},
            "metrics": [],
        },
    }
    with pytest.raises(UsageError, match="the network has 2 outputs"):
        TinynetClassifier(spec, epochs=1).fit(*wine)


@pytest.fixture
def mixed():
    """A DataFrame with a category, and a number that two of its classes have."""
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    draw = np.random.default_rng(0)
    kind = draw.choice(["u", "v"], 200)
    return pandas.DataFrame({"kind": kind, "size": draw.normal(size=200)})


@pytest.mark.parametrize(
    "labels",
    [[0.0, 1.0], [-1.0, 1.0], [" a", "a"], ["1", "1.0"], ["NA", ""], ["True", "no way"], [7, 12]],
)
def test_labels_of_a_table_are_no_cells(mixed, labels):
    """A label is what y has, whatever a cell of a table with that text would be."""
    y = np.array(labels)[(mixed["kind"] == "u").to_numpy().astype(int)]
    classifier = TinynetClassifier(epochs=30, learning_rate=0.02, random_state=0).fit(mixed, y)
    assert classifier.score(mixed, y) == 1
    assert classifier.classes_.tolist() == sorted(labels)
    partial = TinynetClassifier(random_state=0).partial_fit(mixed[:1], y[:1], classes=labels)
    assert partial.predict_proba(mixed).shape == (200, 2)


def test_a_feature_that_equals_the_target_is_a_feature(mixed):
    """Else the features of a fold would depend on its rows."""
    regressor = TinynetRegressor(epochs=30, random_state=0, learning_rate=0.02)
    regressor.fit(mixed, mixed["size"].to_numpy())
    assert regressor.score(mixed, mixed["size"]) > 0.95
    assert regressor.model_.inputs["input"].names == ("kind=u", "kind=v", "size")


def test_several_targets_of_a_table(mixed):
    y = np.c_[mixed["size"], mixed["kind"] == "u"].astype(float)
    regressor = TinynetRegressor(epochs=40, random_state=0, learning_rate=0.02).fit(mixed, y)
    assert regressor.predict(mixed).shape == (200, 2)
    assert regressor.score(mixed, y) > 0.9


def test_columns_of_text_are_left_out_with_a_warning(mixed):
    mixed["review"] = [f"review {i} was written for this test alone" for i in range(200)]
    with pytest.warns(UserWarning, match="the columns 'review' hold texts"):
        TinynetClassifier(epochs=1).fit(mixed, mixed["kind"].to_numpy())


def test_texts_need_no_spec():
    texts, labels = ["a good film", "bad", "good", "such a bad film"] * 20, list("pnpn") * 20
    classifier = TinynetClassifier(epochs=20, random_state=0).fit(texts, labels)
    assert classifier.predict(["good", "bad bad"]).tolist() == ["p", "n"]


def test_sparse_inputs_are_those_of_the_dense_array(wine):
    sparse = pytest.importorskip("scipy.sparse", reason="scipy is not installed")
    x, y = wine
    dense, same = (TinynetClassifier(epochs=2, random_state=0) for _ in range(2))
    expected = dense.fit(x, y).predict_proba(x)
    assert np.array_equal(same.fit(sparse.csr_array(x), y).predict_proba(x), expected)


@pytest.mark.parametrize("units", [2, 5])
def test_a_network_of_other_outputs_is_refused_in_fit(wine, units):
    with pytest.raises(UsageError, match=f"has {units} values for each sample, but y has 3 cl"):
        TinynetClassifier([{"type": "dense", "units": units}]).fit(*wine)


def test_hidden_layers_beside_a_network_are_refused(wine):
    """Else a search over them would compare equal networks."""
    with pytest.raises(UsageError, match="has no effect, since spec has a network"):
        TinynetClassifier([OUT], hidden_layer_sizes=(5,)).fit(*wine)


def test_an_interrupted_fit_keeps_its_state(wine, monkeypatch):
    class Interrupted(TinynetClassifier):
        def _show(self, event):
            if event.epoch == 3:
                raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="training was interrupted at step 18; its state is kept"):
        classifier = Interrupted(random_state=0).fit(*wine)
    assert classifier.n_iter_ == 3
    assert classifier.predict(wine[0]).shape == (178,)


def test_any_number_of_classes(wine):
    x, y = wine
    several = np.c_[y == 0, y > 0, x[:, 0] > 13].astype(int)
    classifier = TinynetClassifier(epochs=60, random_state=0).fit(x, several)
    assert classifier.score(x, several) > 0.9
    probabilities = classifier.predict_proba(x)
    assert probabilities.shape == several.shape
    assert ((probabilities > 0.5) == classifier.predict(x)).all()
    partial = TinynetClassifier(random_state=0).partial_fit(x, several)
    assert partial.partial_fit(x, several).n_iter_ == 2
    with pytest.raises(ValueError, match="another form than in the first call"):
        partial.partial_fit(x, y)
