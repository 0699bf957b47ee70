"""Loading of trained networks."""

from functools import partial
from pathlib import Path
from typing import Any, Unpack

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.plugin_lock import check_types
from tinynet.layer.build import MAX_PARAMS
from tinynet.network.kernel_choice import choose_kernels
from tinynet.network.network import Network
from tinynet.prediction.model import Model, open_model
from tinynet.run.arguments import check_arguments
from tinynet.run.lookup import find_checkpoint
from tinynet.run.options import Observer, Settings, observer
from tinynet.training.events import Warned

EVALUATION_BATCH = 512
"""Samples that are evaluated at a time."""


def load(
    path: str | Path,
    checkpoint: str | Path | None = None,
    *,
    preprocessed: bool = False,
    max_params: int = MAX_PARAMS,
    strict_finite: bool = False,
    kernels: str | None = None,
    **settings: Any,
) -> Network:
    """Load the network and its losses without the preprocessing; see `load_model` for raw inputs.

    `Network.predict` returns probabilities. If the run preprocesses its data, `Network.predict`
    refuses inputs, unless ``preprocessed`` is True.

    Args:
        path: A run folder, or a checkpoint.
        checkpoint: ``"best"``, ``"last"``, or a file; see `find_checkpoint`.
        preprocessed: True if the inputs of `Network.predict` will be preprocessed as in training.
        max_params: Elements of parameters and buffers that may be allocated.
        strict_finite: Refuse NaN and infinity in parameters and buffers, instead of warning.
        kernels: Name of the numerical kernels; by default the fastest that are installed.
        **settings: No others; an unknown one is a `UsageError` with a suggestion.

    Raises:
        CheckpointError: if it cannot be read, or does not fit what is installed.
        PluginError: if a type that it needs is not installed.
    """
    check_arguments("load", locals(), others=())
    options = Settings(max_params=max_params, strict_finite=strict_finite, kernels=kernels)
    _, _, model = open_run(path, checkpoint, options, observer({}))
    if not preprocessed and (left_out := _preprocessing(model)):
        model.network.refusal = (
            f"tinynet.load leaves out {left_out}, so this network cannot predict raw inputs;"
            f" tinynet.load_model({str(path)!r}).predict(x) applies them; if the inputs are"
            " preprocessed already, load the network with preprocessed=True"
        )
    return model.network


def _preprocessing(model: Model) -> str:
    """Return a description of the preprocessing of raw inputs; empty without any."""
    data = model.spec.data
    if data is None:
        return ""
    parts = []
    if model.learned:
        kind = data.type.removeprefix("tinynet-core:")
        parts.append(f"the categories and values for missing cells of the dataset {kind!r}")
    if data.transforms:
        names = dict.fromkeys(part.type.removeprefix("tinynet-core:") for part in data.transforms)
        parts.append(f"the transforms of the run ({', '.join(names)})")
    return " and ".join(parts)


def load_model(
    path: str | Path, checkpoint: str | Path | None = None, **settings: Unpack[Settings]
) -> Model:
    """Load a trained network with its preprocessing: `Model.predict` takes raw inputs.

    Each of several processes loads and predicts by itself; `tinynet predict` divides the inputs.

    Args:
        path: A run folder, or a checkpoint.
        checkpoint: ``"best"``, ``"last"``, or a file; see `find_checkpoint`.
        **settings: See `Settings`.

    Raises:
        CheckpointError: if it cannot be read, or does not fit what is installed.
        PluginError: if a type that it needs is not installed.
    """
    check_arguments("load_model", locals())
    _, _, model = open_run(path, checkpoint, settings, observer(settings))
    for problem in model.without_labels():
        model.warn(problem)
    return model


def generate(
    path: str | Path,
    prompt: str,
    length: int = 200,
    *,
    checkpoint: str | Path | None = None,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
    seed: int = 0,
    number: int = 0,
    **settings: Unpack[Settings],
) -> str:
    """Continue a text with a trained network: `load_model`, then `Model.generate`.

    Args:
        path: A run folder, or a checkpoint.
        prompt: The start of the text.
        length: The number of values to add: characters, or bytes.
        checkpoint: ``"best"``, ``"last"``, or a file; see `find_checkpoint`.
        temperature: See `Model.generate`, as for the next four.
        top_k: Draw only from the `top_k` most probable values.
        top_p: Draw only from the most probable values that together have this probability.
        seed: The seed of the draws.
        number: The number of the text.
        **settings: See `Settings`.

    Returns:
        The prompt and its continuation.

    Raises:
        CheckpointError: if it cannot be read, or does not fit what is installed.
        DataError: for a prompt with characters that the network's vocabulary lacks.
        PluginError: if a type that it needs is not installed.
        UsageError: if the network does not predict text, and for values that cannot be used.
    """
    check_arguments("generate", locals())
    model = load_model(path, checkpoint, **settings)
    return model.generate(
        prompt,
        length,
        temperature=temperature,
        top_k=top_k,
        top_p=top_p,
        seed=seed,
        number=number,
        threads=settings.get("threads"),
    )


def open_run(
    path: str | Path, which: str | Path | None, settings: Settings, report: Observer
) -> tuple[Path, Checkpoint, Model]:
    """Return the file of a checkpoint, its content and its model."""
    report_warning = partial(_report_warning, report)
    file, state = find_checkpoint(path, which, report_warning)
    not_finite = state.check_finite(strict=settings.get("strict_finite", False))
    for text in (*not_finite, *check_types(state.types).major):
        report_warning(text)
    kernels = choose_kernels(settings.get("kernels"))
    limit = settings.get("max_params", MAX_PARAMS)
    return file, state, open_model(state, limit, kernels, report_warning)


def _report_warning(report: Observer, text: str) -> None:
    """Report a warning; at module level, so that a model can be pickled."""
    report(Warned(text))
