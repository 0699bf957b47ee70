"""The MLflow logger: MLflow's client finds the run with its parameters, metrics and final state."""

import json
import logging
import math
import os
import shutil

import pytest

pytest.importorskip("mlflow", reason="needs the extra mlflow")
pytest.importorskip("sqlalchemy", reason="needs the extra mlflow")

from mlflow import MlflowClient

import tinynet
from tests.small_spec import small_spec
from tinynet.builtin.loggers.mlflow import MLflow
from tinynet.logger import LoggedRecord, LoggedRun
from tinynet.testing import check_logger

pytestmark = [
    pytest.mark.extra,
    pytest.mark.filterwarnings("ignore"),  # of MLflow and of its database
]


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    """An empty database: to create its tables takes long."""
    path = tmp_path_factory.mktemp("mlflow") / "empty.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def uri(empty, tmp_path, monkeypatch):
    shutil.copy(empty, tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return uri


def spec_of(**training):
    usual = {"metrics": ["accuracy"], "log_every_steps": 1, "loggers": ["mlflow"]}
    usual["optimizer"] = {"type": "adam", "learning_rate": 0.002}
    spec = small_spec(**{**usual, **training})
    spec["network"]["layers"][1]["name"] = "head"
    return spec


def only_run(uri, experiment="small"):
    """Return MLflow's client and the only run of an experiment."""
    client = MlflowClient(uri)
    found = client.get_experiment_by_name(experiment)
    (run,) = client.search_runs([found.experiment_id])
    return client, run


def metrics(uri):
    client, run = only_run(uri)
    return {
        key: [
            (point.step, point.value) for point in client.get_metric_history(run.info.run_id, key)
        ]
        for key in run.data.metrics
    }


def expected(run):
    scalars = {}
    for line in run.history:
        for name, value in line.items():
            if name not in ("step", "wall"):
                scalars.setdefault(name, {})[line["step"]] = value
    return {name: list(values.items()) for name, values in scalars.items()}


def test_the_client_reads_parameters_metrics_tags_and_the_final_state(uri, tmp_path):
    run = tinynet.train(spec_of(), tmp_path / "run")
    _, found = only_run(uri)
    assert (found.info.status, found.info.run_name) == ("FINISHED", "run")
    params = found.data.params
    assert params["training.optimizer.type"] == "adam"
    assert params["training.optimizer.learning_rate"] == "0.002"
    assert params["network.layers.head.units"] == "10"
    assert params["data.transforms.0.factor"] == "0.0625"
    assert found.data.tags["tinynet.folder"] == str(run.path)
    assert metrics(uri) == expected(run)


class KilledError(Exception):
    pass


def test_a_killed_and_resumed_run_is_one_run_with_every_step_once(uri, tmp_path, monkeypatch):
    def kill(event):
        if isinstance(event, tinynet.events.Evaluated) and event.epoch == 2:
            raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(MLflow, "finish", lambda *arguments: None)  # as after kill -9
        with pytest.raises(KilledError):
            tinynet.train(spec_of(), tmp_path / "run", observer=kill)
    assert only_run(uri)[1].info.status == "RUNNING"
    run = tinynet.resume(tmp_path / "run", overrides={"training.epochs": 4})
    _, found = only_run(uri)
    assert found.info.status == "FINISHED"
    assert metrics(uri) == expected(run)
    (changed,) = [text for tag, text in found.data.tags.items() if "changed_at_step" in tag]
    assert json.loads(changed) == {"training.epochs": "4"}


def test_a_logger_that_is_added_later_gets_the_whole_run(uri, tmp_path):
    tinynet.train(spec_of(loggers=[], epochs=2), tmp_path / "run")
    more = {"training.epochs": 3}
    run = tinynet.resume(tmp_path / "run", overrides=more, loggers=["mlflow"])
    assert metrics(uri) == expected(run)


def test_the_state_of_a_run_that_fails_or_stops(uri, tmp_path):
    class BrokenError(Exception):
        pass

    def fail(event):
        if isinstance(event, tinynet.events.Evaluated):
            raise BrokenError

    def stop(event):
        if isinstance(event, tinynet.events.Evaluated):
            raise tinynet.events.StopTraining("enough")

    with pytest.raises(BrokenError):
        tinynet.train(spec_of(), tmp_path / "run", observer=fail)
    assert only_run(uri)[1].info.status == "FAILED"
    tinynet.resume(tmp_path / "run", observer=stop)
    assert only_run(uri)[1].info.status == "KILLED"
    tinynet.resume(tmp_path / "run")
    assert only_run(uri)[1].info.status == "FINISHED"


def test_a_copied_folder_is_a_run_of_its_own(uri, tmp_path):
    """The file of a stranger must not make tinynet write into another run of MLflow."""
    tinynet.train(spec_of(), tmp_path / "run")
    client, found = only_run(uri)
    for content in (
        {"run_id": found.info.run_id, "tinynet_run_id": "another"},
        {"run_id": "../x", "tinynet_run_id": "1"},
    ):
        folder = tmp_path / "copy"
        folder.mkdir(exist_ok=True)
        (folder / "mlflow.json").write_text(json.dumps(content))
        logger = MLflow(MLflow.Config(experiment="other"))
        logger.start(LoggedRun(folder, "copy", "1", {"name": "small"}))
        logger.finish("finished", {})
        assert json.loads((folder / "mlflow.json").read_text())["tinynet_run_id"] == "1"
    assert len(client.search_runs([client.get_experiment_by_name("other").experiment_id])) == 2


@pytest.mark.parametrize("how", ["deleted", "elsewhere"])
def test_a_run_that_mlflow_no_longer_has_is_recorded_anew(uri, tmp_path, empty, how, monkeypatch):
    tinynet.train(spec_of(epochs=2), tmp_path / "run")
    client, found = only_run(uri)
    if how == "deleted":
        client.delete_run(found.info.run_id)
    else:
        shutil.copy(empty, tmp_path / "mlflow.db.new")
        uri = f"sqlite:///{tmp_path / 'mlflow.db.new'}"
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    run = tinynet.resume(tmp_path / "run", overrides={"training.epochs": 3})
    assert metrics(uri) == expected(run)


def test_the_environment_is_left_as_it_was(uri, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    before, level = dict(os.environ), logging.root.manager.disable
    seen = []

    def log_batch(self, *arguments, **values):
        names = ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES")
        seen.append([os.environ[name] for name in names])

    monkeypatch.setattr(MlflowClient, "log_batch", log_batch)
    tinynet.train(spec_of(epochs=1), tmp_path / "run")
    assert seen
    assert all(one == ["7", "2"] for one in seen)
    assert dict(os.environ) == before
    assert logging.root.manager.disable == level


def test_figures_that_are_not_finite_are_recorded_once(uri, tmp_path):
    records = [LoggedRecord(1, 1, {"loss": math.nan, "left+right/mse": 1.0}, 1.7e9)]
    for past in ([], records):
        logger = MLflow(MLflow.Config())
        logger.start(LoggedRun(tmp_path, "run", "1", {"name": "small"}, len(past), past))
        for record in records:
            logger.log(record.step, record.epoch, record.figures)
        logger.finish("stopped", {})
    found = metrics(uri)
    assert [step for step, _ in found["loss"]] == [1]
    assert found["left_right/mse"] == [(1, 1.0)]


def test_an_unreachable_server_is_a_warning(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    warnings = []

    def observe(event):
        if isinstance(event, tinynet.events.Warned):
            warnings.append(event.message)

    run = tinynet.train(spec_of(), tmp_path / "run", observer=observe)
    assert run.finished
    assert len(warnings) == 1
    assert "mlflow (version 0.1.0) is switched off, and the training continues" in warnings[0]


def test_it_keeps_the_promises_of_a_logger(uri):
    check_logger(MLflow, {"experiment": "kit"})


def test_figures_of_the_test_split_are_metrics_of_the_same_run(uri, tmp_path):
    run = tinynet.train(spec_of(epochs=1), tmp_path / "run")
    before, test = metrics(uri), run.evaluate("test")
    found = metrics(uri)
    assert found["test/loss"] == [(run.step, pytest.approx(test["loss"]))]
    assert {key: points for key, points in found.items() if not key.startswith("test/")} == before
    assert only_run(uri)[1].info.status == "FINISHED"
