"""Examination of plugins: each is loaded in a process of its own, and problems are explained."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tinynet import registry
from tinynet.commands.plugins import doctor
from tinynet.commands.plugins.doctor import examine, running_kernels
from tinynet.commands.plugins.protocols import PROTOCOLS, breach, required_methods
from tinynet.kernels.numpy import NumpyKernels
from tinynet.registry import GROUPS, UnknownTypeError

LAYER = """
from tinynet.layer import LayerConfig

class {name}:
    class Config(LayerConfig):
        pass
    def __init__(self, config, in_shapes, build): ...
    def forward(self, ctx, x): ...
    def backward(self, ctx, cache, dy): ...
"""
GOOD = LAYER.format(name="Good")

BROKEN = {
    "missing": ("import nothing_like_it", "Odd", r"ModuleNotFoundError: No module named 'nothing_"),
    "misspelt": ("x = 1\ndef f(:\n", "Odd", r"SyntaxError: invalid syntax \(.*misspelt\.py:2\)"),
    "raising": ("\n\n1 / 0", "Odd", r"ZeroDivisionError: division by zero \(.*raising\.py:3\)"),
    "leaving": ("raise SystemExit(3)", "Odd", r"SystemExit: 3 \(.*leaving\.py:1\)"),
    "interrupting": ("raise KeyboardInterrupt", "Odd", r"KeyboardInterrupt \(.*interrupting\.py:1"),
    "empty": ("", "Odd", r"AttributeError: module 'empty' has no attribute 'Odd'"),
    "function": ("def Odd(): ...", "Odd", r"function:Odd is not a class"),
    "bare": ("class Odd: ...", "Odd", r"no nested `Config` that derives from tinynet's"),
    "half": (
        GOOD.replace("backward", "backwards"),
        "Good",
        r"Good lacks 'backward' of the protocol Layer",
    ),
    "unnamed": (
        GOOD.replace("LayerConfig", "Config").replace("tinynet.layer", "tinynet.config"),
        "Good",
        r"the Config of Good does not derive from LayerConfig",
    ),
    "reserving": (
        GOOD.replace("        pass", "        name: str = 'mine'", 1),
        "Good",
        r"^Good\.Config: the spec language reserves .* give the field another name$",
    ),
}
"""Module -> its source, the class it registers, and the reported problem."""


def problems(name: str, **settings: float) -> dict[str, tuple[str, ...]]:
    return {one.listed.entry.name: one.problems for one in examine(name, **settings)}


def test_broken_plugins_are_explained_and_do_not_affect_others(
    install: Callable[..., Path],
) -> None:
    layers = {module: f"{module}:{cls}" for module, (_, cls, _) in BROKEN.items()}
    site = install("crowd", {"layers": {**layers, "good": "crowd:Good"}}, GOOD)
    for module, (source, _, _) in BROKEN.items():
        (site / f"{module}.py").write_text(source)
    by_name = problems("crowd")
    for module, (_, _, finding) in BROKEN.items():
        (problem,) = by_name.pop(module)
        assert re.search(finding, problem), problem
    assert by_name == {"good": ()}


KILLERS = {
    "exiting": ("import os; os._exit(9)", "its import ends the process with exit code 9"),
    "crashing": (
        "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "its import ends the process with a signal, Segmentation fault",
    ),
    "speaking": (
        "import os, sys; print('no licence', file=sys.stderr, flush=True); os._exit(9)",
        "its import ends the process with exit code 9: no licence",
    ),
}


def test_plugin_that_ends_its_process_does_not_affect_others(
    install: Callable[..., Path],
) -> None:
    layers = {module: f"{module}:Odd" for module in KILLERS}
    site = install("killers", {"layers": {**layers, "good": "killers:Good"}}, GOOD)
    for module, (source, _) in KILLERS.items():
        (site / f"{module}.py").write_text(source)
    by_name = problems("killers")
    assert by_name == {**{name: (text,) for name, (_, text) in KILLERS.items()}, "good": ()}


def test_plugin_whose_import_hangs_is_reported(install: Callable[..., Path]) -> None:
    install("sleeper", {"layers": {"odd": "sleeper:Odd"}}, "import time; time.sleep(1000)")
    assert problems("sleeper", patience=0.5) == {"odd": ("its import takes longer than 0.5 s",)}


def test_output_of_a_plugin_does_not_disturb_the_examination(install: Callable[..., Path]) -> None:
    noise = "import os; print('{}'); os.write(1, b'{}\\n')\n"
    install("noisy", {"layers": {"good": "noisy:Good"}}, noise + GOOD)
    (examination,) = examine("noisy")
    assert examination.ok
    assert examination.seconds is not None


def test_name_of_two_distributions_is_a_problem(
    install: Callable[..., Path],
) -> None:
    for name in ("one", "two"):
        install(name, {"layers": {"good": f"{name}:Good"}}, GOOD)
    both = examine("good")
    assert {one.listed.entry.distribution for one in both} == {"one", "two"}
    for one in both:
        assert one.problems == (
            "2 distributions have the layer 'good'; write 'one:good' or 'two:good'",
        )
        assert one.seconds is not None
    assert len(examine("one:good")) == 1


def test_plugin_for_another_tinynet_version_is_a_problem(install: Callable[..., Path]) -> None:
    install("later", {"layers": {"good": "later:Good"}}, GOOD, requires="tinynet-core>=9")
    (examination,) = examine("later")
    assert examination.problems[0].startswith("it requires tinynet-core>=9, and tinynet-core ")


def test_unknown_name_is_an_error(install: Callable[..., Path]) -> None:
    install("one", {"layers": {"good": "one:Good"}}, GOOD)
    with pytest.raises(UnknownTypeError, match="did you mean 'good'"):
        examine("goood")


def test_built_in_types_have_no_problems() -> None:
    examinations = examine("tinynet-core")
    assert len(examinations) > 50
    assert not [one for one in examinations if not one.ok]


def test_name_of_the_running_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "choose_kernels", NumpyKernels)
    assert running_kernels() == "tinynet-core:numpy (numpy)"


def test_required_methods_of_protocols() -> None:
    assert PROTOCOLS.keys() == set(GROUPS)
    assert required_methods("layers") == ["forward", "backward"]
    assert required_methods("initializers") == ["__call__"]
    assert required_methods("datasets") == ["__len__", "gather"]
    assert required_methods("transforms") == ["describe", "fit", "apply"]


def test_class_without_call_is_not_an_initializer() -> None:
    """Every class is callable, but the objects of an initializer must be callable too."""

    class Odd:
        Config = registry.default().load("initializers", "zeros").Config

    assert breach("initializers", Odd) == "Odd lacks '__call__' of the protocol Initializer"


def test_an_adaptive_schedule_needs_the_methods_of_its_own_protocol() -> None:
    class Forgets:
        Config = registry.default().load("schedules", "reduce_on_plateau").Config

        def factor(self, step: int, total_steps: int, state: object) -> float:
            return 1.0

    expected = "Forgets lacks 'start' and 'update' of the protocol AdaptiveSchedule"
    assert breach("schedules", Forgets) == expected


def test_methods_that_are_never_called_may_be_missing() -> None:
    relu, mse = (registry.default().load(*one) for one in (("layers", "relu"), ("losses", "mse")))

    class Passed:
        Config = relu.Config
        forward = relu.forward

    class Stopped(Passed):
        differentiable = False

    class Compared:
        Config = mse.Config
        forward, backward = mse.forward, mse.backward

    class Contrasted(Compared):
        output_count = 2

    assert breach("layers", Passed) == "Passed lacks 'backward' of the protocol Layer"
    assert breach("layers", Stopped) == ""
    assert breach("losses", Compared) == "Compared lacks 'predict' of the protocol Loss"
    assert breach("losses", Contrasted) == ""
