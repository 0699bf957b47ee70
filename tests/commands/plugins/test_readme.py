"""The plugin of the README: it installs, passes its test and trains."""

import json
import re
from pathlib import Path
from typing import Any

README = Path(__file__).parents[3] / "README.md"
COMMAND = "from tinynet_cli.main import main; main()"


def blocks(language: str) -> list[str]:
    """Return the code blocks of the section on plugins."""
    text = README.read_text(encoding="utf-8").partition("## A plugin in 25 lines")[2]
    section = text.partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)


def test_plugin_of_the_readme_works(fresh: Any, tmp_path: Path) -> None:
    project = tmp_path / "my-layers"
    (project / "my_layers").mkdir(parents=True)
    layer, test = blocks("python")
    (project / "my_layers" / "shift.py").write_text(layer)
    (project / "test_shift.py").write_text(test)
    (project / "pyproject.toml").write_text(*blocks("toml"))
    fresh.install(project, "--editable")
    assert "1 passed" in fresh.run("-m", "pytest", "-p", "no:cacheprovider", at=project)
    spec = {
        "tinynet": 1,
        "name": "shifted",
        "data": {"type": "digits", "split": {"test": 0.2}},
        "network": {"layers": ["flatten", {"type": "shift"}, {"type": "dense", "units": 10}]},
        "training": {
            "epochs": 1,
            "batch_size": 64,
            "loss": "softmax_cross_entropy",
            "optimizer": {"type": "adam", "learning_rate": 0.001},
        },
    }
    (tmp_path / "shifted.json").write_text(json.dumps(spec))
    assert "test (359 samples): loss" in fresh.run("-c", COMMAND, "train", "shifted.json")


def test_commands_of_the_readme() -> None:
    (commands,) = blocks("sh")
    assert re.findall(r"^(.*?)(?: +#.*)?$", commands, re.MULTILINE)[:2] == [
        "tinynet plugins new my-layer && pip install -e ./my-layer",
        "python -m pytest ./my-layer",
    ]
