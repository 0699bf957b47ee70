"""`tinynet evaluate`: the figures of a split, of the checkpoint that is meant."""

from pathlib import Path

import pytest


@pytest.fixture
def best_before_last(tinynet, table_spec):
    """A run that tells everything apart early; what is as good later is no better."""
    keep = '{"keep_best": {"metric": "val/accuracy"}}'
    words = ("--run", "r", "--quiet", "--set", f"training.checkpoint={keep}")
    assert tinynet("train", table_spec, *words).code == 0
    return Path("r")


def test_it_tells_split_samples_figures_and_checkpoint(tinynet, run):
    result = tinynet("evaluate", run)
    assert result.code == 0
    figures, checkpoint = result.out.splitlines()
    assert figures.startswith("test (180 samples): loss ")
    assert checkpoint == f"checkpoint: {run}/checkpoints/step-000000000012.msgpack"
    assert result.err == ""


def test_json_is_one_object(forked, run):
    result = forked("evaluate", run, "--json", "--threads", 1)
    assert result.code == 0
    assert result.err == ""
    report = result.json
    assert report["checkpoint"].endswith("step-000000000012.msgpack")
    assert (report["step"], report["split"], report["samples"]) == (12, "test", 180)
    assert set(report["metrics"]) == {"loss", "accuracy"}


@pytest.mark.parametrize(
    ("split", "samples"), [("train", 1437), ("val", 180), ("validation", 180), ("test", 180)]
)
def test_every_split_can_be_asked_for(tinynet, run, split, samples):
    report = tinynet("evaluate", run, "--split", split, "--json").json
    short = "val" if split == "validation" else split
    assert (report["split"], report["samples"]) == (short, samples)


def test_it_finds_the_figures_that_training_logged(tinynet, run, spec):
    logged = tinynet("resume", run, "--json").json["metrics"]
    metrics = tinynet("evaluate", run, "--split", "val", "--json").json["metrics"]
    assert metrics["accuracy"] == logged["val/accuracy"]
    assert metrics["loss"] == pytest.approx(logged["val/loss"], rel=1e-6)


def test_the_best_checkpoint_counts_unless_another_is_named(tinynet, best_before_last):
    run = best_before_last
    best = tinynet("evaluate", run, "--checkpoint", "best", "--json").json
    last = tinynet("evaluate", run, "--checkpoint", "last", "--json").json
    assert best["step"] < last["step"]
    assert tinynet("evaluate", run, "--json").json == best
    name = Path(best["checkpoint"]).name
    for named in (name, run / "checkpoints" / name):
        assert tinynet("evaluate", run, "--checkpoint", named, "--json").json == best
    assert tinynet("evaluate", best["checkpoint"], "--json").json == best


def test_without_a_best_the_last_counts_and_asking_for_the_best_is_4(tinynet, write_spec):
    tinynet("train", write_spec(checkpoint={}), "--run", "r")
    assert tinynet("evaluate", "r", "--json").json["step"] == 12
    result = tinynet("evaluate", "r", "--checkpoint", "best")
    assert result.code == 4
    assert "training.checkpoint.keep_best" in result.err


def test_a_damaged_newest_checkpoint_is_refused_with_a_remedy_that_works(tinynet, best_before_last):
    """An older model in its place, even an untrained one, would be taken for the trained one."""
    *_, older, last = sorted((best_before_last / "checkpoints").iterdir())
    last.write_bytes(last.read_bytes()[:-1])
    for words in ((), ("--checkpoint", "best"), ("--checkpoint", "last")):
        result = tinynet("evaluate", best_before_last, *words)
        assert result.code == 4
        assert result.err.startswith(
            f"error: the newest checkpoint of {best_before_last} is damaged ({last}: "
        )
        assert f"instead of the run: {older}\n" in result.err
    assert tinynet("evaluate", older).code == 0
    assert tinynet("evaluate", best_before_last, "--checkpoint", older.name).code == 0
    assert last.exists()


def test_a_checkpoint_that_was_named_is_never_replaced_by_another(tinynet, run):
    last = max((run / "checkpoints").iterdir())
    last.write_bytes(last.read_bytes()[:-1])
    for words in ([last], [run, "--checkpoint", last.name]):
        result = tinynet("evaluate", *words)
        assert result.code == 4
        assert str(last) in result.err


@pytest.mark.parametrize("name", ["missing", "spec.json", "empty"])
def test_what_is_no_checkpoint_is_4(tinynet, spec, folder, name):
    (folder / "empty").mkdir()
    result = tinynet("evaluate", name)
    assert result.code == 4
    assert name in result.err
    assert "Errno" not in result.err


def test_an_empty_split_is_3_and_says_what_would_fill_it(tinynet, write_spec, folder):
    spec = write_spec()
    assert tinynet("train", spec, "--run", "r", "--set", "data.split.test=0").code == 0
    result = tinynet("evaluate", "r")
    assert result.code == 3
    assert "the test split is empty" in result.err


def test_data_that_changed_are_reported(tinynet, table_run, folder):
    with (folder / "table.csv").open("a") as file:
        file.write("0.9,0.1,rose\n")
    result = tinynet("evaluate", table_run)
    assert result.code == 0
    assert "warning: the dataset 'data' has changed since the checkpoint was made" in result.err


def test_data_may_lie_elsewhere_now(tinynet, table_run, folder):
    (folder / "elsewhere").mkdir()
    (folder / "table.csv").rename(folder / "elsewhere" / "table.csv")
    assert tinynet("evaluate", table_run).code == 3
    assert tinynet("evaluate", table_run, "--data-root", "elsewhere").code == 0


def test_an_unknown_split_and_too_small_a_limit_are_2(tinynet, run):
    result = tinynet("evaluate", run, "--split", "tset")
    assert result.code == 2
    assert "'--split': 'tset' is not a split; did you mean 'test'?" in result.err
    assert tinynet("evaluate", run, "--max-params", 10).code == 2


def test_new_data_take_the_place_of_those_of_the_run(tinynet, table_run):
    Path("new.csv").write_text("width,height,kind\n0.1,0.9,lily\n0.9,0.1,rose\n")
    result = tinynet("evaluate", table_run, "--data", "new.csv")
    assert result.out.startswith("new.csv (2 samples): loss ")
    report = tinynet("evaluate", table_run, "--data", "new.csv", "--json").json
    assert (report["split"], report["samples"]) == ("data", 2)
    Path("new.csv").write_text("width,height,kind\n0.1,0.9,tulip\n")
    result = tinynet("evaluate", table_run, "--data", "new.csv")
    assert result.code == 3
    assert "classes that the training data lack: tulip" in result.err


def test_new_data_have_no_splits(tinynet, table_run):
    result = tinynet("evaluate", table_run, "--data", "new.csv", "--split", "val")
    assert result.code == 2
    assert "leave it out with --data" in result.err
