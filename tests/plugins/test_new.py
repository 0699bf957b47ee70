"""A new plugin works as it is written: it is listed, keeps its promises, and passes its tests."""

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

import tinynet
from tinynet import registry
from tinynet.plugins import new
from tinynet.plugins.new import NotMadeError, kinds, new_plugin
from tinynet.registry import KINDS


def test_there_is_a_template_for_every_kind_that_a_spec_can_name() -> None:
    assert kinds() == [kind for group, kind in KINDS.items() if group != "kernels"]


def test_the_parts_are_named_as_their_places_have_it(tmp_path: Path) -> None:
    made = new_plugin("My.odd-Layer", into=tmp_path)
    names = made.names
    assert (names.package, names.class_name, names.group) == (
        "my_odd_layer", "MyOddLayer", "layers"
    )  # fmt: skip
    assert made.folder == tmp_path / "My.odd-Layer"
    written = {str(path.relative_to(made.folder)) for path in made.folder.rglob("*.*")}
    assert written == set(made.files)
    project = tomllib.loads((made.folder / "pyproject.toml").read_text())
    assert project["project"]["name"] == "My.odd-Layer"
    assert project["project"]["entry-points"] == {
        "tinynet.layers": {"my_odd_layer": "my_odd_layer:MyOddLayer"}
    }
    assert project["tool"]["setuptools"]["packages"] == ["my_odd_layer"]


def test_every_file_is_rendered_to_the_end(tmp_path: Path) -> None:
    """A `$package` that nobody replaced would be the first thing that an author reads."""
    for kind in kinds():
        made = new_plugin(f"odd-{kind}", kind, tmp_path)
        for path in made.files:
            text = (made.folder / path).read_text(encoding="utf-8")
            assert "$" not in text
            assert text.endswith("\n")
            assert max(map(len, text.splitlines())) <= 100 or path == "README.md"
        json.loads((made.folder / "spec.json").read_text())
        assert f"tinynet plugins check odd_{kind}" in (made.folder / "README.md").read_text()


def test_a_new_plugin_of_every_kind_passes_its_tests(
    install: Callable[..., Path], tmp_path: Path
) -> None:
    """The kit, what its own class promises, and a network that is trained with it."""
    folders = []
    for kind in kinds():
        made = new_plugin(f"odd-{kind}", kind, tmp_path)
        package = made.names.package
        target = f"{package}:{made.names.class_name}"
        site = install(made.names.distribution, {made.names.group: {package: target}})
        # As an editable installation has it: the metadata there, the source here.
        (site / f"{package}.py").unlink()
        folders.append(made.folder)
    paths = [str(site), *map(str, folders), *filter(None, [os.environ.get("PYTHONPATH")])]
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


INSTALL = "-m pip --quiet --disable-pip-version-check --python".split()
OFFLINE = "install --no-index --no-build-isolation --no-deps --editable".split()
COMMAND = "from tinynet_cli.main import main; main()"


def test_a_new_plugin_installs_is_listed_and_passes_the_kit(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="64")
    pytest.importorskip("pip")
    made = new_plugin("my-layer", into=tmp_path)
    home = tmp_path / "venv"
    venv.create(home, system_site_packages=True)
    python = str(home / "bin" / "python")
    # This very environment may itself be one, whose packages another does not see by itself.
    site = sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)})
    here = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n"
    (Path(site) / "here.pth").write_text(here)

    def run(*words: str) -> str:
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run(sys.executable, *INSTALL, python, *OFFLINE, str(made.folder))
    listed = json.loads(run(python, "-c", COMMAND, "plugins", "list", "--json"))["plugins"]
    (mine,) = [one for one in listed if one["name"] == "my_layer"]
    assert (mine["where"], mine["editable"]) == (str(made.folder), True)
    assert "all kept" in run(python, "-c", COMMAND, "plugins", "check", "my_layer")
    assert "all ok" in run(python, "-c", COMMAND, "plugins", "doctor", "my-layer")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my layer", "'my layer' cannot be the name of a distribution: letters, digits, and"),
        ("-layer", "'-layer' cannot be the name of a distribution"),
        ("größe", "cannot be the name of a distribution"),
        ("../layer", "cannot be the name of a distribution"),
        ("", "'' cannot be the name of a distribution"),
        ("3d-conv", "'3d_conv' cannot be a name in Python; 'my-3d-conv' would do"),
        ("lambda", "'lambda' cannot be a name in Python"),
        ("none", "'None' cannot be a name in Python"),
        ("relu", "tinynet-core has the layer 'relu' already; 'my-relu' would do"),
        ("ReLU", "tinynet-core has the layer 'relu' already; 'my-ReLU' would do"),
        ("json", "would be called 'json', which is something else's name already; 'my-json'"),
        ("tests", "would be called 'tests', which is something else's name already"),
        ("tinynet-core", "a distribution 'tinynet-core' is installed already; 'my-tinynet-core'"),
        ("layer-config", "the class would be called 'LayerConfig', a name that its own code needs"),
    ],
)
def test_a_name_that_would_not_work_is_refused_with_one_that_would(
    tmp_path: Path, name: str, message: str
) -> None:
    with pytest.raises(NotMadeError, match=message):
        new_plugin(name, into=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_name_that_would_do_is_free(install: Callable[..., Path], tmp_path: Path) -> None:
    install("acme", {"layers": {"my_relu": "acme:ReLU"}})
    with pytest.raises(NotMadeError, match="'my-relu-2' would do"):
        new_plugin("relu", into=tmp_path)
    new_plugin("my-relu-2", into=tmp_path)


def test_a_name_is_free_where_only_another_kind_has_it(tmp_path: Path) -> None:
    assert any(entry.name == "mse" for entry in registry.default().entries("losses"))
    assert new_plugin("mse", "metric", tmp_path).names.group == "metrics"


def test_a_kind_without_a_template_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotMadeError, match="no template for a 'leyer'; did you mean 'layer'"):
        new_plugin("my-layer", "leyer", tmp_path)


@pytest.mark.parametrize("what", ["a folder", "a file", "a link to nowhere"])
def test_nothing_that_is_there_is_written_over(tmp_path: Path, what: str) -> None:
    place = tmp_path / "my-layer"
    if what == "a folder":
        place.mkdir()
    elif what == "a file":
        place.write_text("mine")
    else:
        place.symlink_to("nowhere")
    with pytest.raises(NotMadeError, match="is there already; give the plugin another name"):
        new_plugin("my-layer", into=tmp_path)
    assert list(tmp_path.iterdir()) == [place]


def test_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotMadeError, match="there is no folder"):
        new_plugin("my-layer", into=tmp_path / "nowhere")


def test_where_the_disk_fails_half_way_nothing_stays(
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


def test_it_asks_for_the_tinynet_that_it_was_made_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(new, "__version__", "3.7.2")
    made = new_plugin("my-layer", into=tmp_path)
    assert '"tinynet-core>=3.7,<4"' in (made.folder / "pyproject.toml").read_text()
