"""Arguments of the public functions: unknown and invalid ones are errors."""

import ast

import numpy as np
import pytest

import tinynet
from tests.small_spec import HUNDRED, small_spec
from tinynet.errors import TinynetError, UsageError
from tinynet.run.training_run import plan_fine_tuning

SGD = {"type": "sgd", "learning_rate": 0.001}
SPEC = small_spec(data=HUNDRED, epochs=10, batch_size=50, optimizer=SGD)
STEPS_PER_EPOCH = 2


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    path = tmp_path_factory.mktemp("runs") / "run"
    return tinynet.train(SPEC, path, overrides={"training.epochs": 1})


def refusal(call):
    with pytest.raises(UsageError) as caught:
        call()
    return str(caught.value)


def callers(run, tmp_path):
    """Return calls of the public functions that take settings, by name."""
    new = tmp_path / "new"
    return {
        "train": lambda **more: tinynet.train(SPEC, new, **more),
        "resume": lambda **more: tinynet.resume(run.path, **more),
        "evaluate": lambda **more: tinynet.evaluate(run.path, **more),
        "Run.evaluate": lambda **more: run.evaluate(**more),
        "generate": lambda **more: tinynet.generate(run.path, "7", **more),
        "load": lambda **more: tinynet.load(run.path, **more),
        "load_model": lambda **more: tinynet.load_model(run.path, **more),
        "plan_fine_tuning": lambda **more: plan_fine_tuning(SPEC, run.path, **more),
    }


FUNCTIONS = (
    "train", "resume", "evaluate", "Run.evaluate", "generate", "load", "load_model",
    "plan_fine_tuning",
)  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_unknown_keyword_is_a_tinynet_error_and_a_type_error(run, tmp_path, name):
    call = callers(run, tmp_path)[name]
    for kind in (TinynetError, TypeError):
        with pytest.raises(kind, match="there is no argument 'max_parms'; did you mean 'max_para"):
            call(max_parms=3)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("epochs", 2),
        ("batch_size", 25),
        ("learning_rate", 0.01),
        ("lr", 0.01),
        ("seed", 4),
        ("optimizer", {"type": "adam", "learning_rate": 0.1}),
        ("dtype", "float64"),
        ("metrics", ["accuracy"]),
        ("validation_split", 70),
    ],
)
def test_error_for_a_spec_value_suggests_the_override(tmp_path, keyword, value):
    message = refusal(lambda: tinynet.train(SPEC, tmp_path / "run", **{keyword: value}))
    overrides = ast.literal_eval(message.partition("overrides=")[2])
    assert [*overrides.values()] == [value]
    tinynet.train(SPEC, tmp_path / "run", overrides={**overrides, "training.epochs": 1})


def test_suggested_override_of_steps_replaces_epochs(tmp_path):
    message = refusal(lambda: tinynet.train(SPEC, tmp_path / "run", steps=3))
    overrides = ast.literal_eval(message.partition("overrides=")[2])
    assert tinynet.train(SPEC, tmp_path / "run", overrides=overrides).step == 3


@pytest.mark.parametrize(
    ("keyword", "meant"),
    [("n_jobs", "threads"), ("output_dir", "run_dir"), ("checkpoint", "source"), ("lck", "lock")],
)
def test_error_for_a_name_of_another_framework_suggests_ours(keyword, meant):
    message = refusal(lambda: tinynet.train(SPEC, **{keyword: "x"}))
    assert message == f"train(): there is no argument {keyword!r}; did you mean {meant!r}?"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3,), "source=3 must be the path of a spec or a dict like one"),
        ((SPEC, ["training.epochs=2"]), 'such as {"training.epochs": 2}'),
        ((SPEC, {1: 2}), "overrides={1: 2} must be a dict"),
    ],
)
def test_wrong_types_of_load_spec_arguments_are_an_error(arguments, message):
    assert message in refusal(lambda: tinynet.load_spec(*arguments))


def test_error_for_a_misspelled_spec_value_suggests_the_override(tmp_path):
    message = refusal(lambda: tinynet.train(SPEC, tmp_path / "run", epoch=2))
    assert message.endswith('; did you mean overrides={"training.epochs": 2}?')


def test_too_many_positional_arguments_are_a_type_error(tmp_path):
    with pytest.raises(TypeError, match="takes from 1 to 2 positional arguments but 3"):
        tinynet.train(SPEC, tmp_path / "run", True)


def test_error_of_resume_suggests_the_override(run):
    message = refusal(lambda: tinynet.resume(run.path, epochs=2))
    assert message.endswith('the spec holds this value: overrides={"training.epochs": 2}')
    longer = tinynet.resume(run.path, overrides={"training.epochs": 2})
    assert longer.step == 2 * STEPS_PER_EPOCH


def test_error_for_a_loaded_spec_suggests_load_spec_with_overrides(tmp_path):
    spec = tinynet.load_spec(SPEC)
    message = refusal(lambda: tinynet.train(spec, tmp_path / "run", epochs=2))
    assert message.endswith('tinynet.load_spec(file, overrides={"training.epochs": 2})')
    assert tinynet.load_spec(SPEC, overrides={"training.epochs": 2}).training.epochs == 2


def test_error_for_callbacks_and_data_names_the_alternatives(tmp_path):
    message = refusal(lambda: tinynet.train(SPEC, tmp_path / "run", callbacks=[print], x=(1, 2)))
    callbacks, data = message.splitlines()
    assert "observer=f calls f(event)" in callbacks
    assert "pass arrays as data=(x, y)" in data
    x, y = np.zeros((2, 8, 8, 1)), np.zeros(2, np.int64)
    assert tinynet.Trainer(tinynet.load_spec(SPEC)).train_step(x, y) > 0
    events = []
    tinynet.train(SPEC, tmp_path / "run", overrides={"training.epochs": 1}, observer=events.append)
    assert events


@pytest.mark.parametrize(
    ("keyword", "value", "message"),
    [
        ("threads", "2", "threads='2' must be an integer of at least 1"),
        ("threads", 0, "threads=0 must be"),
        ("threads", True, "threads=True must be"),
        ("max_params", -1, "max_params=-1 must be an integer of at least 1"),
        ("observer", [print, 3], "must be a function"),
        ("data_root", "nowhere", "data_root='nowhere' is not an existing folder"),
        ("data_root", 3, "data_root=3 must be a path"),
        ("kernels", 1, "kernels=1 must be a name"),
        ("fleet", 4, "fleet=4 must be a name, such as 'mpi' or 'none'"),
        ("fleet_timeout", 0, "fleet_timeout=0 must be a positive number of seconds"),
        ("fleet_timeout", "60", "fleet_timeout='60' must be a positive number of seconds"),
        ("strict_finite", "yes", "strict_finite='yes' must be True or False"),
        ("keep_data", 1, "keep_data=1 must be True or False"),
        ("verify_data", 2, "verify_data=2 must be True or False"),
        ("overrides", ["training.epochs=2"], 'such as {"training.epochs": 2}'),
        ("rules", {"allow_new": ["*"]}, "must be tinynet.TransferRules"),
        ("resume", "run", "resume='run' must be True or False"),
        ("source", 3, "source=3 must be a path"),
    ],
)
def test_invalid_value_is_an_error_before_the_run_folder_exists(tmp_path, keyword, value, message):
    assert message in refusal(lambda: tinynet.train(SPEC, tmp_path / "run", **{keyword: value}))
    assert not (tmp_path / "run").exists()


def test_all_errors_of_a_call_are_listed(tmp_path):
    call = {"run_dir": tmp_path / "run", "epoch": 3, "threads": "all", "max_params": 0.5}
    message = refusal(lambda: tinynet.train(SPEC, **call))
    assert len(message.splitlines()) == 3
    assert all(line.lstrip().startswith("train(): ") for line in message.splitlines())


@pytest.mark.parametrize("name", ["evaluate", "load", "load_model"])
def test_checkpoint_argument_must_be_a_string(run, tmp_path, name):
    message = refusal(lambda: callers(run, tmp_path)[name](checkpoint=3))
    assert message.endswith("checkpoint=3 must be 'best', 'last', or the name of a checkpoint file")


def test_error_for_an_unknown_split_suggests_a_split(run):
    assert refusal(lambda: run.evaluate("tset")).endswith("is not a split; did you mean 'test'?")
    assert "must be one of train, val, test" in refusal(lambda: tinynet.evaluate(run.path, 3))


def test_val_and_validation_name_the_same_split(run):
    by_one, by_other = run.evaluate("val"), tinynet.evaluate(run.path, "validation")
    assert (by_one.split, by_one.metrics) == (by_other.split, by_other.metrics)


def test_numpy_numbers_and_booleans_are_accepted(tmp_path):
    overrides = {"training.epochs": 1}
    tinynet.train(
        SPEC, tmp_path / "run", overrides=overrides, threads=np.int64(1), lock=np.bool_(False)
    )


def test_missing_argument_is_a_type_error():
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        tinynet.resume()


def test_positional_data_is_not_a_run_folder():
    message = refusal(lambda: tinynet.train(SPEC, np.zeros((100, 8))))
    assert "run_dir=" in message
    assert message.endswith("must be a path, a str or a Path; pass data as data=(x, y)")


def test_a_keyword_named_settings_is_unknown(run):
    assert "there is no argument 'settings'" in refusal(lambda: tinynet.load(run.path, settings={}))
