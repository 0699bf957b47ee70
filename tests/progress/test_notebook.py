"""Progress in notebooks: an output that is replaced, and that no name can control."""

import re
from html.parser import HTMLParser

import pytest

from tinynet.progress.notebook import NotebookSurface, in_notebook
from tinynet.progress.surface import Position, Row


class Output:
    """An output of a notebook, which keeps everything that it showed."""

    def __init__(self):
        self.shown = []

    def show(self, data):
        self.shown.append(data)
        return self

    def update(self, data, *, raw):
        assert raw
        self.shown.append(data)

    @property
    def html(self):
        return self.shown[-1]["text/html"]

    @property
    def text(self):
        return self.shown[-1]["text/plain"]


def row(number, **figures):
    return Row("epoch", f"{number}/99", figures or {"val/loss": 1 / number}, "1,234", number == 2)


@pytest.fixture
def output():
    return Output()


@pytest.fixture
def surface(output):
    return NotebookSurface(output.show)


def test_the_bar_is_gone_at_the_end_and_the_table_stays(surface, output):
    surface.prose("runs/x (10 steps)")
    surface.start(0, 10)
    assert '<progress value="0.0000"' in output.html
    surface.position(Position(5, "1/2", 0.25, "1,234"))
    surface.evaluated(row(1))
    surface.evaluated(row(2))
    surface.prose("Best epoch 2")
    surface.close()
    assert "<progress" not in output.html
    assert output.html.count("<tr>") == 3
    assert output.html.index("runs/x") < output.html.index("<table>")
    assert output.html.index("</table>") < output.html.index("Best epoch 2")
    lines = output.text.splitlines()
    assert [line.split()[0] for line in lines] == ["runs/x", "epoch", "1/99", "2/99", "Best"]
    assert lines[3].endswith("best")


def test_a_fast_run_redraws_rarely(surface, output):
    """Thousands of messages would make a notebook unusable."""
    surface.start(0, 10_000)
    for number in range(1, 10_000):
        surface.position(Position(number, "1/1", 0.5, "9"))
    surface.close()
    assert len(output.shown) < 100


def test_a_long_run_has_its_last_rows(surface, output):
    surface.start(0, 200)
    for number in range(1, 201):
        surface.evaluated(row(number))
    surface.close()
    assert "150 earlier evaluations in metrics.jsonl" in output.html
    assert re.findall(r">(\d+)/99<", output.html) == [str(n) for n in range(151, 201)]


def test_names_are_escaped(surface, output):
    evil = "<script>alert(1)</script>\x1b[2J\n& \"'"
    surface.message(evil)
    surface.start(0, 1)
    surface.evaluated(row(1, **{evil: 0.5}))
    surface.message(evil)
    surface.close()
    tags = set()

    class Parser(HTMLParser):
        def handle_starttag(self, tag, attrs):
            tags.add(tag)

    for data in output.shown:
        Parser().feed(data["text/html"])
        assert "\x1b" not in data["text/html"] + data["text/plain"]
    assert "script" not in tags


def test_a_notebook_that_fails_does_not_end_a_training(output):
    def fail(data):
        raise ConnectionError("closed")

    surface = NotebookSurface(fail)
    surface.start(0, 10)
    surface.evaluated(row(1))
    surface.close()


def test_nothing_is_shown_without_content(surface, output):
    surface.close()
    assert output.shown == []


def test_a_program_is_no_notebook():
    assert not in_notebook()


CELLS = (
    """import os, signal, tinynet
from tinynet.events import StepDone
spec = {"tinynet": 1, "name": "n", "data": {"type": "digits"},
        "network": {"layers": ["flatten", {"type": "dense", "units": 10}]},
        "training": {"epochs": 2, "batch_size": 512, "loss": "softmax_cross_entropy",
                     "optimizer": "adam", "checkpoint": {"keep_best": {"metric": "val/loss"}}}}
def interrupt(event):
    if isinstance(event, StepDone) and event.step == 4:
        os.kill(os.getpid(), signal.SIGINT)""",
    "tinynet.train(spec, 'run', progress=True, observer=interrupt)",
    "tinynet.resume('run', progress=True).step",
)


@pytest.mark.extra
def test_a_real_kernel_shows_interrupts_and_resumes(tmp_path):
    pytest.importorskip("ipykernel", reason="needs ipykernel")
    client = pytest.importorskip("nbclient", reason="needs nbclient")
    nbformat = pytest.importorskip("nbformat", reason="needs nbclient")
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS]
    notebook = nbformat.v4.new_notebook(cells=cells)
    run = client.NotebookClient(
        notebook, allow_errors=True, resources={"metadata": {"path": str(tmp_path)}}
    )
    run.execute()
    _, interrupted, resumed = (cell.outputs for cell in notebook.cells)
    shown, error = interrupted
    assert error.ename == "Interrupted"
    assert error.evalue.startswith("Interrupted at step 4 and saved")
    assert "<progress" not in shown.data["text/html"]
    shown, result = resumed
    assert "resuming at step 4" in shown.data["text/html"]
    assert "Best epoch 2 of 2" in shown.data["text/html"]
    assert "2/2" in shown.data["text/plain"]
    assert result.data["text/plain"] == "6"
