"""Reports of runs of every kind: what they have, and what they say they lack."""

import copy

import numpy as np
import pytest

import tinynet
from tinynet.commands.report import make_report
from tinynet.commands.report.content import ReportContent
from tinynet.errors import CheckpointError, DataError
from tinynet.run.record import read_record

SPEC = {
    "tinynet": 1,
    "name": "small",
    "data": {"type": "npz", "path": "data.npz", "inputs": "x", "targets": "y"},
    "network": {"layers": [{"type": "dense", "units": 3}]},
    "training": {
        "epochs": 2,
        "batch_size": 16,
        "loss": "softmax_cross_entropy",
        "optimizer": {"type": "adam", "learning_rate": 0.01},
        "metrics": ["accuracy"],
        "checkpoint": {"keep_best": {"metric": "val/loss"}},
    },
}


def changed(spec=SPEC, **values):
    """Return a copy of a spec; in the keys, ``__`` stands between the names of a path."""
    result = copy.deepcopy(spec)
    for path, value in values.items():
        *parents, last = path.split("__")
        place = result
        for name in parents:
            place = place[name]
        place[last] = value
    return result


def arrays(samples=160):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, 4)).astype(np.float32)
    return {"x": x, "y": x[:, :3].argmax(axis=1), "z": x @ [1.0, 2.0, 3.0, 4.0]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("report")
    np.savez(path / "data.npz", **arrays())
    tinynet.train(SPEC, path / "run", data_root=path)
    return path


def report_of(path, **settings):
    return make_report(path / "run", data_root=path, **settings)


def test_the_figures_are_those_of_evaluate(folder):
    """Two commands that disagree on the accuracy would both be useless."""
    report = report_of(folder)
    expected = tinynet.evaluate(folder / "run", data_root=folder)
    assert report.metrics == dict(expected)
    assert report.samples == expected.samples == 16
    (output,) = report.content.outputs
    assert {f.name: f.value for f in report.content.overview.figures} == dict(expected)
    counts = np.array(output.classification.confusion.counts)
    assert np.trace(counts) / counts.sum() == pytest.approx(expected["accuracy"])
    assert report.content.notices == ()


@pytest.mark.parametrize("split", ["train", "val", "validation"])
def test_another_split(folder, split):
    report = report_of(folder, split=split)
    assert report.metrics == dict(tinynet.evaluate(folder / "run", split, data_root=folder))


def test_the_worst_samples_are_those_with_the_largest_loss(folder):
    (output,) = report_of(folder).content.outputs
    scores = [sample.score for sample in output.samples.samples]
    assert len(scores) == 16
    assert scores == sorted(scores, reverse=True)
    assert np.mean(scores) == pytest.approx(report_of(folder).metrics["loss"], rel=1e-5)
    sample = output.samples.samples[0]
    row = int(sample.place.split("row ")[1].split(" ")[0])
    x = arrays()["x"][row]
    assert [float(cell) for cell in sample.cells] == pytest.approx(x.tolist(), rel=1e-4)
    assert sample.expected == str(arrays()["y"][row])
    assert str(folder) not in sample.place


def test_the_best_epoch_and_the_curves(folder):
    content = report_of(folder).content
    assert [chart.title for chart in content.training.charts] == [
        "Loss",
        "Accuracy",
        "Learning rate",
    ]
    loss = content.training.charts[0]
    assert [line.name for line in loss.lines] == ["training", "validation"]
    assert [mark.label for mark in loss.marks] == ["best epoch 2"]
    assert content.overview.sentence == "Finished after 2 epochs, 16 steps."


def test_values_of_the_spec_that_are_no_defaults(folder):
    """A reader sees which settings differ from the defaults."""
    spec = report_of(folder).content.spec
    changes = {row[0]: row[1:] for row in spec.changed.rows}
    assert changes["training.optimizer.learning_rate"] == ("0.01", "0.001")
    assert changes["network.layers.dense_1.units"] == ("3", "")
    assert "training.seed" not in changes
    kinds = {line.text.strip().rstrip(","): line.kind for line in spec.lines}
    assert kinds['"learning_rate": 0.01'] == "set"
    assert kinds['"use_bias": true'] == "default"


def test_a_run_without_its_data_has_everything_else(folder, tmp_path):
    """Runs are copied to other machines, and the data stay where they are."""
    report = make_report(folder / "run", data_root=tmp_path)
    content = report.content
    (notice,) = content.notices
    assert notice.kind == "note"
    assert "The data cannot be opened, so the report has no predictions" in notice.text
    assert "data.npz" in notice.text
    assert content.outputs == ()
    assert content.training is not None
    assert content.network.layers.rows[0][0] == "dense_1"
    assert content.data.splits is None
    assert content.overview.figures_of.startswith("logged in epoch 2")
    assert {figure.name for figure in content.overview.figures} == {"val/loss", "val/accuracy"}


def test_changed_data_are_a_warning(folder, tmp_path):
    values = arrays()
    np.savez(tmp_path / "data.npz", **{**values, "x": values["x"] + 1})
    content = make_report(folder / "run", data_root=tmp_path).content
    assert [notice.kind for notice in content.notices] == ["warning"]
    assert content.outputs


def test_arrays_in_memory_may_be_passed_again(tmp_path):
    values = arrays()
    data = (values["x"], values["y"])
    spec = {name: part for name, part in SPEC.items() if name != "data"}
    tinynet.train(spec, tmp_path / "run", data=data)
    (notice,) = make_report(tmp_path / "run").content.notices
    assert "data in memory" in notice.text
    report = make_report(tmp_path / "run", data=data)
    assert report.content.notices == ()
    assert report.content.outputs


@pytest.mark.parametrize(
    ("split", "used", "words"),
    [
        ({"validation": 0.2, "test": 0}, "val", "There is no test split"),
        ({"validation": 0, "test": 0}, "train", "which the network has seen"),
    ],
)
def test_runs_without_a_test_split(folder, tmp_path, split, used, words):
    keep = {"metric": "train/loss"}
    spec = changed(data__split=split, training__epochs=1, training__checkpoint={"keep_best": keep})
    tinynet.train(spec, tmp_path / "run", data_root=folder)
    report = make_report(tmp_path / "run", data_root=folder)
    assert report.split == used
    assert words in report.content.notices[0].text
    with pytest.raises(DataError, match="the test split is empty"):
        make_report(tmp_path / "run", "test", data_root=folder)


def test_an_interrupted_run_is_marked(folder, tmp_path):
    """The report must not pass off an unfinished run as a result."""

    def stop(event):
        if isinstance(event, tinynet.events.Evaluated):
            raise tinynet.events.StopTraining("enough")

    tinynet.train(SPEC, tmp_path / "run", data_root=folder, observer=stop)
    content = make_report(tmp_path / "run", data_root=folder).content
    assert content.overview.state == "stopped"
    assert "It can be resumed" in content.overview.sentence
    assert content.origin.commands[0].startswith("tinynet resume")
    tinynet.resume(tmp_path / "run", data_root=folder, overrides={"training.epochs": 3})
    content = make_report(tmp_path / "run", data_root=folder).content
    assert content.overview.state == "finished"
    assert content.spec.edits.rows[0][1:] == ("training.epochs", "2", "3")
    assert content.origin.lineage.rows[0][0] == "resumed"
    assert content.origin.lineage.rows[0][3] == "training.epochs: 3, was 2"
    assert any(mark.kind == "resume" for mark in content.training.charts[0].marks)
    seconds = [row[-1] for row in content.training.evaluations.rows]
    assert seconds == sorted(seconds)


def test_logged_statistics(folder, tmp_path):
    """Vanishing gradients and dead units are visible without another run."""
    spec = changed(training__log_statistics_every_steps=4)
    tinynet.train(spec, tmp_path / "run", data_root=folder)
    statistics = make_report(tmp_path / "run", data_root=folder).content.statistics
    charts = {chart.title: chart for chart in statistics.charts}
    (line,) = charts["Standard deviation of gradients"].lines
    assert (line.name, line.x) == ("dense_1/weight", (4.0, 8.0, 12.0, 16.0))
    assert statistics.last.title == "Statistics of step 16"
    assert {row[1] for row in statistics.last.rows} == {"parameter", "gradient", "output"}
    (tmp_path / "run" / "statistics.jsonl").write_text('{"step": "four"}\n')
    content = make_report(tmp_path / "run", data_root=folder).content
    assert content.statistics is None
    assert "statistics cannot be read" in content.notices[0].text


def test_outputs_of_two_kinds(folder, tmp_path):
    spec = changed(
        data__targets={"kind": "y", "size": "z"},
        network={
            "layers": [
                {"type": "dense", "name": "kind", "units": 3, "inputs": "input"},
                {"type": "dense", "name": "size", "units": 1, "inputs": "input"},
            ],
            "outputs": {"kind": "kind", "size": "size"},
        },
        training__loss={"kind": "softmax_cross_entropy", "size": "mse"},
        training__metrics=[{"type": "accuracy", "output": "kind"}],
    )
    tinynet.train(spec, tmp_path / "run", data_root=folder)
    kind, size = make_report(tmp_path / "run", data_root=folder).content.outputs
    assert (kind.title, size.title) == ("kind", "size")
    assert kind.classification is not None
    assert [figure.name for figure in kind.figures] == ["loss", "accuracy"]
    (row,) = size.regression.per_target.rows
    assert row[0] == "size"
    squared = next(figure.value for figure in size.figures if figure.name == "loss")
    assert row[2] == pytest.approx(squared**0.5, rel=1e-5)


def test_errors_are_in_the_units_of_the_data(folder, tmp_path):
    """An error of 0.3 standard deviations says nothing to someone who knows the data."""
    spec = changed(
        data__targets="z",
        data__transforms=[{"type": "standardize", "on": ["input", "target"]}],
        network={"layers": [{"type": "dense", "units": 1}]},
        training__loss="mse",
        training__metrics=["mae"],
    )
    tinynet.train(spec, tmp_path / "run", data_root=folder)
    report = make_report(tmp_path / "run", data_root=folder)
    (output,) = report.content.outputs
    (row,) = output.regression.per_target.rows
    z = arrays()["z"]
    train_deviation = z.std()
    assert row[1] / report.metrics["mae"] == pytest.approx(train_deviation, rel=0.2)
    sample = output.samples.samples[0]
    error = abs(float(sample.expected) - float(sample.predicted))
    assert error == pytest.approx(sample.score, rel=1e-2)


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(CheckpointError, match="is not a run folder"):
        make_report(tmp_path)


def test_contents_are_plain(folder):
    """The page, and every test of it, needs no network and no arrays."""
    content = report_of(folder).content
    assert isinstance(content, ReportContent)
    assert not list(arrays_in(content))


def arrays_in(value):
    if isinstance(value, np.ndarray | np.generic):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from arrays_in(part)
    elif hasattr(value, "__dataclass_fields__"):
        yield from arrays_in(tuple(vars(value).values()))


def test_a_missing_best_checkpoint_is_a_warning(folder, tmp_path):
    """The last checkpoint is still worth a report."""
    overrides = {"training.optimizer.learning_rate": 50.0, "training.epochs": 6}
    tinynet.train(SPEC, tmp_path / "run", data_root=folder, overrides=overrides)
    record = read_record(tmp_path / "run")
    assert record.best.step < record.step
    record.best_checkpoint.unlink()
    report = make_report(tmp_path / "run", data_root=folder)
    assert "The best checkpoint is missing" in report.content.notices[0].text
    assert report.checkpoint == record.checkpoint
