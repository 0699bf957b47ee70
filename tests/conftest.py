"""Fixtures that several folders of tests share."""

import gc
import os
import sys

import pytest
from hypothesis import settings

import tinynet
from tinynet import registry
from tinynet.text.options import named_for_command_line

# A test must not fail because a machine is slow, nor in CI because it drew other examples.
settings.register_profile("tinynet", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("tinynet")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Run the whole suite on all cores; chosen files start sooner in a single process."""
    option, whole = config.option, config.args_source is config.ArgsSource.TESTPATHS
    is_worker = "PYTEST_XDIST_WORKER" in os.environ  # which would start workers of its own
    if is_worker or not config.pluginmanager.has_plugin("xdist"):
        return
    if whole and not option.usepdb and option.numprocesses is None:
        option.numprocesses = config.hook.pytest_xdist_auto_num_workers(config=config)
    if option.numprocesses and option.dist == "no":
        option.dist = "worksteal"  # Otherwise one worker is idle while the other ends its share.


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Exempt the objects of the collection, about a million, from garbage collections."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items):
    """Start with the tests that take longest, so that none of them is the last to end."""
    items.sort(key=lambda item: item.path.name != "test_models.py")


@pytest.fixture(scope="session", autouse=True)
def shared_bytecode(tmp_path_factory):
    """Let child processes share compiled modules where the environment keeps none."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        folder = tmp_path_factory.getbasetemp()
        if "PYTEST_XDIST_WORKER" in os.environ:
            folder = folder.parent  # that of all workers
        os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")


@pytest.fixture(scope="session", autouse=True)
def options_of_the_command_line():
    """Let messages name options as on the command line, as most expected texts have them."""
    with named_for_command_line():
        yield


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk():
    """Let `fsync` only look at its file: no test cuts the power, and many save checkpoints."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", os.fstat)
        yield


def pytest_runtest_setup(item):
    if item.get_closest_marker("oracle") and (torch := sys.modules.get("torch")):
        torch.set_num_threads(1)  # The arrays are small: more threads only wait for each other.


@pytest.fixture
def register(monkeypatch):
    """Register a class for one test, as an installed distribution would: (group, name, class)."""
    entries = [e for group in registry.GROUPS for e in registry.default().entries(group)]

    def add(group, name, cls):
        target = f"{cls.__module__}:{cls.__qualname__}"
        entries.append(registry.Entry(group, name, "test-plugin", "1.0", target))
        extended = registry.Registry(entries)
        monkeypatch.setattr(registry, "default", lambda: extended)

    return add


@pytest.fixture
def make_trainer(tmp_path):
    """A trainer of digits in a small dense network, in float64, unless the arguments differ."""

    def make(*, layers=None, data=None, network=None, **training):
        spec = {
            "tinynet": 1,
            "name": "test",
            "data": data or {"type": "digits", "split": {"validation": 60, "test": 1637}},
            "network": {
                "dtype": "float64",
                "layers": layers or [{"type": "flatten"}, {"type": "dense", "units": 10}],
                **(network or {}),
            },
            "training": {
                **({} if "steps" in training else {"epochs": 2}),
                "batch_size": 16,
                "seed": 5,
                "loss": "softmax_cross_entropy",
                "optimizer": {"type": "sgd", "learning_rate": 0.001},
                **training,
            },
        }
        return tinynet.Trainer(tinynet.load_spec(spec), root=tmp_path)

    return make


@pytest.fixture
def write_csv(tmp_path):
    """Write rows to a file; the `data` part of a spec that reads it: write_csv(rows, header)."""

    def write(rows, header="a,b,kind"):
        lines = [header, *(",".join(map(str, row)) for row in rows)]
        (tmp_path / "data.csv").write_text("\n".join(lines) + "\n")
        return {"type": "csv", "path": "data.csv", "target": "kind"}

    return write


def pytest_addoption(parser):
    parser.addoption(
        "--torture-count", type=int, default=0, help="repetitions of each test marked `torture`"
    )


@pytest.fixture
def torture_count(request):
    """Return the number of repetitions of a test marked `torture`."""
    count = request.config.getoption("--torture-count")
    if not count:
        pytest.skip("--torture-count says how often")
    return count
