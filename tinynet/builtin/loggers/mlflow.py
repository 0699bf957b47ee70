"""Runs of MLflow."""

import json
import logging
import math
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from pydantic import Field

from tinynet.errors import explaining_io
from tinynet.extras import importing
from tinynet.files.atomic import replacing
from tinynet.files.strict import READ, open_strictly
from tinynet.logger import LoggedRun, LoggerConfig, RunState

_FILE = "mlflow.json"
"""The file in the run folder that names the run of MLflow, so that a resumed run continues it."""

_MAX_FILE = 2**16
_ID = re.compile(r"[0-9a-f]{32}")
_DATABASES = ("sqlite:", "mysql", "mssql", "postgresql")
_STATUS = {"finished": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}

_MAX_KEY, _MAX_PARAM, _MAX_TAG = 250, 500, 5000
_MAX_PARAMS, _MAX_METRICS = 100, 1000
"""The limits of MLflow: characters of names and values, and entries of one request."""

_PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "20"}
"""Instead of the 7 retries and the 120 seconds of MLflow."""

_SECONDS = 1.0
"""Figures of steps are sent at most this often."""


class MLflow:
    """A run of MLflow: the values of the spec as its parameters, and all figures as its metrics.

    A resumed run continues the same run of MLflow; the file ``mlflow.json`` in the run folder names
    it. The state at the end is FINISHED, KILLED (stopped, and can be resumed) or FAILED. Needs the
    package ``mlflow-skinny`` or ``mlflow``.

    The environment variable ``MLFLOW_TRACKING_URI`` names the server or database; without it, a
    database in the current folder is used. A spec cannot name it: a spec from a stranger must not
    send anything anywhere.
    """

    family = "trackers"

    class Config(LoggerConfig):
        """Options of `mlflow`."""

        experiment: str | None = Field(
            default=None,
            min_length=1,
            max_length=500,
            description="Name of the experiment; by default the name of the spec.",
        )

    def __init__(self, config: Config) -> None:
        with importing("mlflow", "the logger mlflow"):
            import mlflow
            from mlflow import entities

            self._uri = mlflow.get_tracking_uri()
            if self._uri.startswith(_DATABASES):
                import alembic  # noqa: F401
                import sqlalchemy  # noqa: F401
        self._entities = entities
        self._new_client = mlflow.MlflowClient
        self._experiment = config.experiment
        self._known: dict[str, dict[int, float]] = {}
        self._last: dict[str, int] = {}
        self._waiting: list[Any] = []
        self._sent = 0.0

    def start(self, run: LoggedRun) -> None:
        with _careful():
            self._client = self._new_client(tracking_uri=self._uri)
            before = self._earlier(run)
            if before is None:
                self._create(run)
                self._send_params(_params(run.spec))
            else:
                self._continue(run, before)
            for record in (*run.history, *run.statistics, *run.tests):
                self._add(record.step, record.epoch, record.figures, record.time)
            self._send()

    def log(self, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        now = time.time()
        self._add(step, epoch, figures, now)
        if now - self._sent >= _SECONDS or len(self._waiting) >= _MAX_METRICS:
            with _careful():
                self._send()

    def statistics(self, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        self.log(step, epoch, figures)

    def log_test(self, run: LoggedRun, step: int, epoch: int, figures: Mapping[str, float]) -> None:
        with _careful():
            self._client = self._new_client(tracking_uri=self._uri)
            before = self._earlier(run)
            if before is None:
                return  # It was deleted, or is in another place.
            self._id = before.info.run_id
            self._known["epoch"] = {step: float(epoch)}  # which the training has recorded
            self._add(step, epoch, figures, time.time())
            self._send()

    def finish(self, state: RunState, figures: Mapping[str, float]) -> None:
        with _careful():
            self._send()
            self._client.set_terminated(self._id, _STATUS[state])

    # The run of MLflow ----------------------------------------------------------------------

    def _earlier(self, run: LoggedRun) -> Any:
        """Return the run of MLflow that an earlier process recorded; None without one."""
        try:
            with open(open_strictly(run.folder / _FILE, READ), "rb") as file:
                saved = json.loads(file.read(_MAX_FILE))
        except (FileNotFoundError, ValueError, RecursionError):
            return None
        own = saved.get("run_id") if isinstance(saved, dict) else None
        if (
            not isinstance(own, str)
            or not _ID.fullmatch(own)
            or saved.get("tinynet_run_id") != run.run_id
        ):
            return None
        try:
            found = self._client.get_run(own)
        except Exception as error:
            # It was deleted for good, or the run is now recorded in another place.
            if getattr(error, "error_code", None) == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        return found if found.info.lifecycle_stage == "active" else None

    def _create(self, run: LoggedRun) -> None:
        experiment = self._experiment_id(self._experiment or str(run.spec["name"]))
        start = run.history[0].time if run.history else time.time()
        created = self._client.create_run(
            experiment,
            start_time=int(1000 * start),
            run_name=run.name,
            tags={
                "tinynet.run_id": run.run_id,
                "tinynet.folder": str(run.folder),
                "mlflow.source.name": "tinynet",
                "mlflow.source.type": "LOCAL",
            },
        )
        self._id = created.info.run_id
        content = {"run_id": self._id, "experiment_id": experiment, "tinynet_run_id": run.run_id}
        path = run.folder / _FILE
        with explaining_io(path), replacing(path) as write_at:
            write_at(0, json.dumps(content, indent=2).encode() + b"\n")

    def _experiment_id(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is not None:
            return str(found.experiment_id)
        try:
            return str(self._client.create_experiment(name))
        except Exception:
            # Another process may have created it meanwhile.
            found = self._client.get_experiment_by_name(name)
            if found is None:
                raise
            return str(found.experiment_id)

    def _continue(self, run: LoggedRun, before: Any) -> None:
        self._id = before.info.run_id
        self._client.update_run(self._id, status="RUNNING")
        params, recorded = _params(run.spec), before.data.params
        self._send_params({key: v for key, v in params.items() if key not in recorded})
        # MLflow never changes a parameter.
        changed = {k: v for k, v in params.items() if k in recorded and recorded[k] != v}
        if changed:
            text = json.dumps(changed)[:_MAX_TAG]
            self._client.set_tag(self._id, f"tinynet.changed_at_step_{run.step}", text)
        # Nor does it remove a metric: what a killed process recorded beyond its checkpoint is not
        # recorded again.
        for key in before.data.metrics:
            points = self._client.get_metric_history(self._id, key)
            self._known[key] = {point.step: point.value for point in points}

    # Parameters and metrics -----------------------------------------------------------------

    def _send_params(self, params: Mapping[str, str]) -> None:
        entities = [self._entities.Param(key, value) for key, value in params.items()]
        for start in range(0, len(entities), _MAX_PARAMS):
            part = entities[start : start + _MAX_PARAMS]
            self._client.log_batch(self._id, params=part)

    def _add(self, step: int, epoch: int, figures: Mapping[str, float], now: float) -> None:
        for name, value in {**figures, "epoch": float(epoch)}.items():
            key = _key(name)
            # The learning rate of a step is a figure of its evaluation, too.
            if self._last.get(key) == step or _same(self._known.get(key, {}).get(step), value):
                continue
            self._last[key] = step
            self._waiting.append(self._entities.Metric(key, value, int(1000 * now), step))

    def _send(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._sent = time.time()
        for start in range(0, len(waiting), _MAX_METRICS):
            part = waiting[start : start + _MAX_METRICS]
            self._client.log_batch(self._id, metrics=part)


@contextmanager
def _careful() -> Iterator[None]:
    """Call MLflow without its notes, and without waiting long for a server that does not answer.

    The notes about the tables of a new database would break a progress bar, and the training waits
    meanwhile. Environment variables of the user are respected.
    """
    level, added = logging.root.manager.disable, _PATIENCE.keys() - os.environ.keys()
    logging.disable(logging.INFO)
    os.environ.update({name: _PATIENCE[name] for name in added})
    try:
        yield
    finally:
        logging.disable(level)
        for name in added:
            os.environ.pop(name, None)


def _same(known: float | None, value: float) -> bool:
    """Return True if a metric has this value; databases hold no infinity, but the largest float."""
    if known is None:
        return False
    if math.isinf(value):
        return math.copysign(1, known) == math.copysign(1, value) and abs(known) > 1e308
    return known == value or (math.isnan(known) and math.isnan(value))


def _key(name: str) -> str:
    return re.sub(r"[^\w.\- :/]", "_", name)[:_MAX_KEY]


def _params(spec: Any, path: str = "") -> dict[str, str]:
    """Return the values of a spec by dotted path; a node of the network is in it by its name."""
    if isinstance(spec, Mapping) and spec:
        items = list(spec.items())
    elif isinstance(spec, list) and any(isinstance(item, dict | list) for item in spec):
        items = [(_name_of(item, index), item) for index, item in enumerate(spec)]
    else:
        text = spec if isinstance(spec, str) else json.dumps(spec, ensure_ascii=False)
        return {_key(path): text if len(text) <= _MAX_PARAM else text[: _MAX_PARAM - 3] + "..."}
    params: dict[str, str] = {}
    for key, value in items:
        for name, text in _params(value, f"{path}.{key}" if path else key).items():
            params.setdefault(name, text)
    return params


def _name_of(item: Any, index: int) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return name if isinstance(name, str) else str(index)
