"""The names that users write, and what it costs to import them."""

import inspect
import subprocess
import sys

import pytest

import tinynet

NAMES = {
    "Network": "spec input_shape seed dtype loss",
    "Run": "",
    "Spec": "",
    "Trainer": "spec",
    "evaluate": "",
    "generate": "path prompt length checkpoint temperature top_k top_p seed",
    "load": "path checkpoint",
    "load_model": "path checkpoint",
    "load_spec": "source overrides",
    "make_report": "run split checkpoint title data",
    "resume": "",
    "train": "spec run_dir",
}
"""Stable names, and the parameters that people give by name."""

MODULES = ("errors", "events", "layer", "registry", "testing")


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_takes_what_it_is_documented_to_take(name):
    parameters = inspect.signature(getattr(tinynet, name)).parameters
    assert set(NAMES[name].split()) <= parameters.keys()


@pytest.mark.parametrize("name", MODULES)
def test_a_public_module_is_there_without_importing_it_by_name(name):
    code = f"import tinynet; assert tinynet.{name}.__name__ == 'tinynet.{name}'"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_everything_public_is_listed_and_everything_listed_is_there():
    assert {*NAMES, *MODULES} <= {*tinynet.__all__}
    assert {*tinynet.__all__} <= {*dir(tinynet)}
    assert all(getattr(tinynet, name) is not None for name in tinynet.__all__)


def test_an_unknown_name_is_an_attribute_error():
    """`hasattr(tinynet, ...)` must say no, and not break."""
    with pytest.raises(AttributeError, match="module 'tinynet' has no attribute 'Netwrok'"):
        tinynet.Netwrok  # noqa: B018


def imported(code):
    """Return the modules that running the code imports."""
    report = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", report], check=True, capture_output=True, text=True
    )
    return set(done.stdout.splitlines()[-1].split())


LARGE = {"numpy", "pydantic", "pydantic_core", "msgpack", "rich", "json", "click", "torch"}


def test_importing_tinynet_imports_nothing_large():
    """Names are loaded on first use: `import tinynet` must cost nothing."""
    assert not imported("import tinynet") & (LARGE | {"tinynet.errors"})


def test_reading_a_spec_imports_no_numpy_for_the_grammar_alone():
    assert "numpy" not in imported(
        "import tinynet.text.document, tinynet.registry, tinynet.spec.models"
    )


@pytest.mark.parametrize("words", ["['--help']", "['--version']", "['train', '--help']"])
def test_help_imports_neither_numpy_nor_pydantic(words):
    code = f"import sys\nfrom tinynet_cli.main import main\ntry: main({words})\n"
    modules = imported(f"{code}except SystemExit as error: assert not error.code")
    assert not modules & (LARGE - {"json", "click"})


def test_the_package_says_its_version_and_that_it_is_typed():
    from importlib.metadata import version
    from importlib.resources import files

    assert tinynet.__version__ == version("tinynet-core")
    assert files("tinynet").joinpath("py.typed").is_file()
