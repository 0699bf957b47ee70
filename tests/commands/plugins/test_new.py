"""New plugins from the template: they install, are listed and pass their tests."""

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import tinynet
from tinynet import registry
from tinynet.commands.plugins import new
from tinynet.commands.plugins.new import NotMadeError, kinds, new_plugin
from tinynet.text.kinds import KINDS, NOT_IN_SPECS


def test_every_kind_except_kernels_has_a_template() -> None:
    assert kinds() == [kind for group, kind in KINDS.items() if group not in NOT_IN_SPECS]


@pytest.mark.parametrize(
    ("name", "distribution", "package", "class_name"),
    [
        ("my-layer", "my-layer", "my_layer", "MyLayer"),
        ("my_layer", "my-layer", "my_layer", "MyLayer"),
        ("MyLayer", "my-layer", "my_layer", "MyLayer"),
        ("myLayer", "my-layer", "my_layer", "MyLayer"),
        ("My.odd-Layer", "my-odd-layer", "my_odd_layer", "MyOddLayer"),
        ("ReGLU", "re-glu", "re_glu", "ReGLU"),
        ("Warp2D", "warp2d", "warp2d", "Warp2D"),
        ("HTTPPool", "http-pool", "http_pool", "HTTPPool"),
        ("swish", "swish", "swish", "Swish"),
    ],
)
def test_names_of_distribution_package_and_class(
    tmp_path: Path, name: str, distribution: str, package: str, class_name: str
) -> None:
    made = new_plugin(name, into=tmp_path)
    assert (made.names.distribution, made.names.package) == (distribution, package)
    assert made.names.class_name == class_name
    assert made.folder == tmp_path / distribution


def test_files_and_entry_points(tmp_path: Path) -> None:
    made = new_plugin("My.odd-Layer", into=tmp_path)
    written = {str(path.relative_to(made.folder)) for path in made.folder.rglob("*.*")}
    assert written == set(made.files)
    project = tomllib.loads((made.folder / "pyproject.toml").read_text())
    assert project["project"]["name"] == "my-odd-layer"
    assert project["project"]["entry-points"] == {
        "tinynet.layers": {"my_odd_layer": "my_odd_layer:MyOddLayer"}
    }
    assert project["tool"]["setuptools"]["packages"] == ["my_odd_layer"]


def test_files_are_rendered_completely(tmp_path: Path) -> None:
    """No placeholder such as `$package` is left."""
    for kind in kinds():
        made = new_plugin(f"odd-{kind}", kind, tmp_path)
        for path in made.files:
            text = (made.folder / path).read_text(encoding="utf-8")
            assert "$" not in text
            assert text.endswith("\n")
            assert max(map(len, text.splitlines())) <= 100 or path == "README.md"
        json.loads((made.folder / "spec.json").read_text())
        assert f"tinynet plugins check odd_{kind}" in (made.folder / "README.md").read_text()


def test_new_plugin_of_every_kind_passes_its_tests(
    install: Callable[..., Path], tmp_path: Path
) -> None:
    """The tests cover the conformance kit, the class itself and a trained network."""
    folders = []
    for kind in kinds():
        made = new_plugin(f"odd-{kind}", kind, tmp_path)
        package = made.names.package
        target = f"{package}:{made.names.class_name}"
        site = install(made.names.distribution, {made.names.group: {package: target}})
        # Like an editable installation, with the metadata in another folder than the source.
        (site / f"{package}.py").unlink()
        folders.append(made.folder)
    sources = [str(folder / "src") for folder in folders]
    paths = [str(site), *sources, *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error",
         "--import-mode=importlib", *map(str, folders)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


COMMAND = "from tinynet_cli.main import main; main()"


@pytest.mark.parametrize(("kind", "options"), [("layer", ["--editable"]), ("dataset", [])])
def test_new_plugin_installs_is_listed_and_passes_its_tests(
    fresh: Any, tmp_path: Path, kind: str, options: list[str]
) -> None:
    """The tests also pass in the parent folder, which holds a folder of the package's name."""
    made = new_plugin("swish", kind, tmp_path)
    fresh.install(made.folder, *options)
    run, site = fresh.run, fresh.site
    listed = json.loads(run("-c", COMMAND, "plugins", "list", "--json"))["plugins"]
    (mine,) = [one for one in listed if one["name"] == "swish"]
    where = str(made.folder) if options else str(site.resolve())
    assert (mine["where"], mine["editable"]) == (where, bool(options))
    assert " passed" in run("-m", "pytest", "-p", "no:cacheprovider", "./swish")
    if kind == "layer":  # the rest is the same for every kind
        assert "all passed" in run("-c", COMMAND, "plugins", "check", "swish")
        assert "all ok" in run("-c", COMMAND, "plugins", "doctor", "swish")
        assert " passed" in run("-m", "pytest", "-p", "no:cacheprovider", at=made.folder)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my layer", "'my layer' cannot be the name of a distribution: .*; try 'my-layer'"),
        ("-layer", "'-layer' cannot be the name of a distribution: .*; try 'layer'"),
        ("größe", "cannot be the name of a distribution: ASCII letters and digits, .*try 'grosse'"),
        ("Über", "; try 'Uber'"),
        ("../layer", "cannot be the name of a distribution: .*; try 'layer'"),
        ("层", "cannot be the name of a distribution: .* between them$"),
        ("", "'' cannot be the name of a distribution: .* between them$"),
        ("3d-conv", "'3d_conv' cannot be a name in Python; try 'my-3d-conv'"),
        ("2d", "'2d' cannot be a name in Python; try 'my-2d'"),
        ("lambda", "'lambda' cannot be a name in Python; try 'my-lambda'"),
        ("none", "'None' cannot be a name in Python; try 'my-none'"),
        ("relu", "tinynet-core has the layer 'relu' already; try 'my-relu'"),
        ("ReLU", "tinynet-core has the layer 'relu' already; try 'my-re-lu'"),
        ("Conv2D", "tinynet-core has the layer 'conv2d' already; try 'my-conv2d'"),
        ("json", "a module 'json' exists already; try 'my-json'"),
        ("winreg", "a module 'winreg' exists already; try 'my-winreg'"),
        ("numpy", "a module 'numpy' exists already; try 'my-numpy'"),
        ("tinynet", "a module 'tinynet' exists already; try 'my-tinynet'"),
        ("tests", "a module 'tests' exists already; try 'my-tests'"),
        ("tinynet-core", "a distribution 'tinynet-core' is installed already; try 'my-tinynet-c"),
        ("layer-config", "the class would be called 'LayerConfig', a name that its own code needs"),
    ],
)
def test_invalid_name_is_an_error_that_suggests_a_valid_one(
    tmp_path: Path, name: str, message: str
) -> None:
    with pytest.raises(NotMadeError, match=message) as caught:
        new_plugin(name, into=tmp_path)
    assert not list(tmp_path.iterdir())
    for suggestion in re.findall(r"; try '(.*)'$", str(caught.value)):
        assert new_plugin(suggestion, into=tmp_path).folder.is_dir()


def test_suggested_name_is_free(install: Callable[..., Path], tmp_path: Path) -> None:
    install("acme", {"layers": {"my_relu": "acme:ReLU"}})
    with pytest.raises(NotMadeError, match="try 'my-relu-2'"):
        new_plugin("relu", into=tmp_path)
    new_plugin("my-relu-2", into=tmp_path)


def test_name_of_another_kind_is_free(tmp_path: Path) -> None:
    assert any(entry.name == "huber" for entry in registry.default().entries("losses"))
    assert new_plugin("huber", "metric", tmp_path).names.group == "metrics"


def test_unknown_kind_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotMadeError, match="no template for a 'leyer'; did you mean 'layer'"):
        new_plugin("my-layer", "leyer", tmp_path)


@pytest.mark.parametrize("what", ["a folder", "a file", "a link to nowhere"])
def test_existing_files_are_not_overwritten(tmp_path: Path, what: str) -> None:
    place = tmp_path / "my-layer"
    if what == "a folder":
        place.mkdir()
    elif what == "a file":
        place.write_text("mine")
    else:
        place.symlink_to("nowhere")
    with pytest.raises(NotMadeError, match=r"exists already; give .* another name, or .* --into"):
        new_plugin("my-layer", into=tmp_path)
    assert list(tmp_path.iterdir()) == [place]


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotMadeError, match="there is no folder"):
        new_plugin("my-layer", into=tmp_path / "nowhere")


def test_incomplete_plugin_is_removed_if_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text

    def fail(path: Path, data: str, encoding: str) -> int:
        if path.name == "spec.json":
            raise OSError(28, "No space left on device")
        return write(path, data, encoding)

    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(tinynet.errors.TinynetError, match="my-layer: No space left on device"):
        new_plugin("my-layer", into=tmp_path)
    assert not list(tmp_path.iterdir())


def test_plugin_requires_the_version_that_created_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new, "__version__", "3.7.2")
    made = new_plugin("my-layer", into=tmp_path)
    assert '"tinynet-core>=3.7,<4"' in (made.folder / "pyproject.toml").read_text()
