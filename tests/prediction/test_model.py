"""Predictions of loaded models: raw data in, labels, probabilities and values out."""

import copy
import multiprocessing
import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tinynet
from tinynet.builtin.datasets.digits import Digits
from tinynet.errors import DataError, UsageError

DIGITS = Digits(Digits.Config()).gather(np.arange(300, 310)).inputs["input"]

SPEC = {
    "tinynet": 1,
    "name": "raw",
    "data": {"type": "digits", "transforms": [{"type": "scale", "factor": 0.0625}]},
    "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
    "training": {
        "epochs": 2,
        "batch_size": 100,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 0.01},
    },
}


def dumped(network):
    return pickle.loads(pickle.dumps(network))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Return the folder of a run with a transform."""
    return tinynet.train(SPEC, tmp_path_factory.mktemp("runs") / "run").path


@pytest.fixture(scope="module")
def model(path):
    return tinynet.load_model(path)


def test_raw_data_is_preprocessed_as_in_training(model):
    predictions = model.predict(DIGITS)
    scaled = DIGITS * np.float32(0.0625)
    (ready,) = model.network.predict_outputs(scaled, in_blocks=True).values()
    np.testing.assert_allclose(ready, model.network.predict(scaled), rtol=1e-5)
    np.testing.assert_array_equal(predictions.probabilities, ready)
    np.testing.assert_array_equal(predictions.values, ready)
    assert predictions.labels.tolist() == [str(label) for label in ready.argmax(axis=1)]
    assert predictions.classes == tuple("0123456789")
    assert len(predictions) == predictions.samples == 10


@pytest.mark.parametrize("copied", [dumped, copy.deepcopy])
def test_model_can_be_pickled_and_copied(model, copied):
    """A process pool pickles the models for its workers."""
    predictions = copied(model).predict(DIGITS)
    np.testing.assert_array_equal(predictions.probabilities, model.predict(DIGITS).probabilities)


@pytest.mark.parametrize("copied", [lambda n: n, copy.copy, copy.deepcopy, dumped])
def test_load_with_transforms_refuses_raw_inputs_and_suggests_load_model(path, copied):
    network = copied(tinynet.load(path))
    assert network.params
    message = r"leaves out the transforms of the run \(scale\)"
    with pytest.raises(UsageError, match=message) as caught:
        network.predict(DIGITS)
    remedy = str(caught.value).partition("; ")[2].split(" applies")[0]
    assert len(eval(remedy, {"tinynet": tinynet, "x": DIGITS})) == 10


def test_model_describes_itself(model):
    assert repr(model) == "<Model 'raw': input (8, 8, 1) -> output>"
    assert str(model.summary()).startswith("raw: input 8x8x1, float32\n")
    assert model.classes == {"output": tuple("0123456789")}


def test_load_predicts_inputs_that_are_preprocessed(path, model):
    network = tinynet.load(path, preprocessed=True)
    scaled = DIGITS * np.float32(0.0625)
    np.testing.assert_array_equal(network.predict(scaled), model.network.predict(scaled))


def test_load_without_transforms_predicts(tmp_path):
    spec = {**SPEC, "data": {"type": "digits"}}
    run = tinynet.train(spec, tmp_path / "run", overrides={"training.epochs": 1})
    assert len(tinynet.load(run.path).predict(DIGITS)) == 10


def test_model_predicts_the_same_in_other_processes_and_threads(model):
    expected = model.predict(DIGITS).probabilities
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        (elsewhere,) = pool.map(model.predict, [DIGITS])
    with ThreadPoolExecutor(4) as threads:
        results = [elsewhere, *threads.map(model.predict, [DIGITS] * 8)]
    for result in results:
        np.testing.assert_array_equal(result.probabilities, expected)


@pytest.mark.parametrize("threads", [1, 2])
def test_sample_has_the_same_bits_alone_and_among_others(model, threads):
    """A matrix product of one row may round differently from one of many."""
    draw = np.random.default_rng(1)
    many = draw.integers(0, 17, (700, 8, 8, 1)).astype(np.uint8)
    together = model.predict(many, threads=threads).probabilities
    for part in (slice(0, 1), slice(699, 700), slice(300, 365), slice(511, 514)):
        alone = model.predict(many[part]).probabilities
        np.testing.assert_array_equal(alone, together[part])


@pytest.mark.parametrize(
    "form",
    [
        lambda x: {"input": x},
        lambda x: x.tolist(),
        lambda x: x.astype(np.int64),
        lambda x: x.astype(np.float32),
        lambda x: x.astype(np.float64),
        lambda x: x.astype(">u2"),
        lambda x: np.asfortranarray(x),
        lambda x: np.ma.masked_array(x, mask=False),
    ],
)
def test_predictions_do_not_depend_on_the_form_of_the_data(model, form):
    expected = model.predict(DIGITS).probabilities
    np.testing.assert_array_equal(model.predict(form(DIGITS)).probabilities, expected)


def test_predict_reads_files(model, tmp_path):
    np.save(tmp_path / "a.npy", DIGITS[:6])
    np.savez(tmp_path / "b.npz", input=DIGITS[6:])
    expected = model.predict(DIGITS)
    paths = [tmp_path / "a.npy", str(tmp_path / "b.npz")]
    predictions = model.predict(paths)
    np.testing.assert_array_equal(predictions.probabilities, expected.probabilities)
    assert [(file.name, file.samples) for file in predictions.files] == [
        (str(paths[0]), 6), (paths[1], 4),
    ]  # fmt: skip
    assert len(model.predict(paths[1])) == 4


class Frame:
    """An object with the interface of a DataFrame."""

    columns = ("a", "b")

    def to_numpy(self):
        return DIGITS


REFUSED = {
    "text": (np.full(DIGITS.shape, "1"), "holds text, but the model expects numbers of shape (N, "),
    "objects": (DIGITS.astype(object), "holds Python objects"),
    "complex": (DIGITS + 1j, "holds complex numbers"),
    "ragged": ([[1, 2], [3]], "is not an array: its rows differ in length"),
    "NaN": (np.where(DIGITS == 16, np.nan, DIGITS), "every number must be finite"),
    "infinity": (np.where(DIGITS == 16, np.inf, DIGITS), "every number must be finite"),
    "shape": (DIGITS[:, :7], "has shape (10, 7, 8, 1), but the model expects (N, 8, 8, 1)"),
    "one sample": (DIGITS[0], "give a single sample as [x]"),
    "no sample": (DIGITS[:0], "has no samples"),
    "a number": (3, "has shape (), but the model expects (N, 8, 8, 1)"),
    "too large": (DIGITS.astype(int) + 250, "holds 266; the model was trained on uint8, from 0 to"),
    "negative": (DIGITS.astype(int) - 1, "holds -1; the model was trained on uint8"),
    "masked": (np.ma.masked_equal(DIGITS, 16), "has masked values; fill them with"),
    "frame": (Frame(), "is a DataFrame; give df.to_numpy()"),
    "another name": (
        {"image": DIGITS},
        "but the dict holds 'image'; give {'input': x} or x itself",
    ),
    "more names": ({"input": DIGITS, "z": DIGITS}, "the model has no inputs z; available: input"),
    "nothing": ({}, "the input 'input' must be given, but the dict holds nothing"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_incompatible_data_is_an_error(model, name):
    data, message = REFUSED[name]
    with pytest.raises(DataError) as caught:
        model.predict(data)
    assert message in str(caught.value)


def test_suggestion_for_a_single_sample_works(model):
    for sample in (DIGITS[0], DIGITS[0].tolist()):
        assert len(model.predict([sample])) == 1


def test_fractions_for_integer_inputs_are_a_warning(model):
    """Data that is already scaled would be scaled again."""
    with pytest.warns(UserWarning, match="holds fractions, but the model was trained on integers"):
        model.predict(DIGITS / 16)


def test_non_finite_prediction_is_an_error(path):
    model = tinynet.load_model(path)
    model.network.params["dense_1/weight"][:] = np.inf
    with pytest.raises(DataError, match=r"the output 'output' is NaN or infinite \(10 of 10"):
        model.predict(DIGITS)


def test_several_outputs_have_separate_predictions(tmp_path, request):
    models = request.config.rootpath / "models"
    run = tinynet.train(
        models / "shapes_two_inputs.json", tmp_path / "run", overrides={"training.epochs": 1}
    )
    model = tinynet.load_model(run.path)
    with np.load(models / "data" / "shapes.npz") as data:
        arrays = {name: data[name][:4] for name in model.inputs}
    predictions = model.predict(arrays)
    assert predictions.labels.keys() == predictions.values.keys() == {"area", "kind"}
    assert predictions.labels["area"] is predictions.probabilities["area"] is None
    assert predictions.labels["kind"].shape == (4,)
    assert predictions.outputs["area"].values.shape == (4, 1)
    with pytest.raises(DataError, match="the model has the inputs image, table; give a dict with"):
        model.predict(arrays["image"])


@pytest.mark.parametrize("kind", ["object", "str"])
def test_error_for_text_or_objects_suggests_a_conversion(model, kind):
    values = DIGITS.astype(kind)
    with pytest.raises(DataError, match=r"convert it: numpy\.asarray\(x, float\)"):
        model.predict(values)
    assert list(model.predict(np.asarray(values, float)).labels) == list(
        model.predict(DIGITS).labels
    )
    values = values.astype("object")
    values[0, 0, 0, 0] = "a"
    with pytest.raises(DataError, match=r"of shape \(N, 8, 8, 1\)$"):
        model.predict(values)
