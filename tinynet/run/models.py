"""Loading and evaluation of trained networks."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Unpack

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.plugin_lock import check_types
from tinynet.checkpoint.sections import DataFacts
from tinynet.data.data import Data
from tinynet.data.given import GivenData
from tinynet.data.splits import SplitName
from tinynet.engine.engine import Engine
from tinynet.errors import CheckpointMismatchError
from tinynet.files.scan_cache import verifying
from tinynet.layer.build import MAX_PARAMS
from tinynet.network.kernel_choice import choose_kernels
from tinynet.network.network import Network
from tinynet.prediction.model import Model, open_model
from tinynet.run.arguments import check_arguments
from tinynet.run.lookup import find_checkpoint
from tinynet.run.options import Observer, Settings, observer
from tinynet.run.roots import recorded_root
from tinynet.training.checks import require_weights_taken
from tinynet.training.evaluation import Figures
from tinynet.training.events import Warned
from tinynet.training.loader import labelled

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
    _, _, model = _load(path, checkpoint, options, observer({}))
    transforms = model.spec.data.transforms if model.spec.data is not None else ()
    if transforms and not preprocessed:
        names = dict.fromkeys(part.type.removeprefix("tinynet-core:") for part in transforms)
        model.network.refusal = (
            f"tinynet.load leaves out the transforms of the run ({', '.join(names)}), so this"
            f" network cannot predict raw inputs; tinynet.load_model({str(path)!r}).predict(x)"
            " applies them; if the inputs are preprocessed already, load the network with"
            " preprocessed=True"
        )
    return model.network


def load_model(
    path: str | Path, checkpoint: str | Path | None = None, **settings: Unpack[Settings]
) -> Model:
    """Load a trained network with its preprocessing: `Model.predict` takes raw inputs.

    Args:
        path: A run folder, or a checkpoint.
        checkpoint: ``"best"``, ``"last"``, or a file; see `find_checkpoint`.
        **settings: See `Settings`.

    Raises:
        CheckpointError: if it cannot be read, or does not fit what is installed.
        PluginError: if a type that it needs is not installed.
    """
    check_arguments("load_model", locals())
    _, _, model = _load(path, checkpoint, settings, observer(settings))
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


def _load(
    path: str | Path, which: str | Path | None, settings: Settings, report: Observer
) -> tuple[Path, Checkpoint, Model]:
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


@dataclass(frozen=True, eq=False)
class Evaluation(Mapping[str, float]):
    """The figures of a split, by name: ``evaluation["accuracy"]``.

    Attributes:
        checkpoint: The checkpoint that was evaluated.
        step: Its step.
        split: ``"train"``, ``"val"`` or ``"test"``.
        samples: The number of samples.
        metrics: ``loss`` and every metric by its label; with several outputs ``kind/loss`` and so
            on.
    """

    checkpoint: Path
    step: int
    split: SplitName
    samples: int
    metrics: dict[str, float]

    def __getitem__(self, name: str) -> float:
        return self.metrics[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.metrics)

    def __len__(self) -> int:
        return len(self.metrics)


def evaluate(
    path: str | Path,
    split: SplitName | Literal["validation"] = "test",
    *,
    data: Any = None,
    checkpoint: str | Path | None = None,
    **settings: Unpack[Settings],
) -> Evaluation:
    """Compute the loss and the metrics of a whole split.

    Args:
        path: A run folder, or a checkpoint.
        split: ``"test"``, ``"val"`` (or ``"validation"``) or ``"train"``.
        data: The samples in memory that the run was trained on; see `tinynet.train`.
        checkpoint: ``"best"``, ``"last"``, or a file; see `find_checkpoint`.
        **settings: See `Settings`.

    Raises:
        CheckpointError: if the checkpoint cannot be read.
        DataError: if the data cannot be read, or the split is empty, or nothing in it counts for a
            loss.
        PluginError: if a type that it needs is not installed.
    """
    check_arguments("evaluate", locals())
    return evaluate_split(path, split, checkpoint, GivenData.of(data), settings)


def evaluate_split(
    path: str | Path,
    split: SplitName | Literal["validation"],
    checkpoint: str | Path | None,
    given: GivenData | None,
    settings: Settings,
) -> Evaluation:
    """Evaluate a split of the run's data, or of those given in their place; see `evaluate`."""
    name: SplitName = "val" if split == "validation" else split
    report = observer(settings)
    file, state, model = _load(path, checkpoint, settings, report)
    spec = model.spec
    if spec.data is None:
        raise CheckpointMismatchError(f"{file} names no data to evaluate on")
    root = recorded_root(settings, file, state, spec)
    datasets = None if given is None else given.datasets(spec)
    with verifying(settings.get("verify_data", False)):
        data = Data(spec.data, root, spec.training.seed, state.transforms, datasets)
    data.require(name)
    for change in state.data.changes(DataFacts.of(data)):
        report(Warned(change))
    require_weights_taken(spec, model.network, data, evaluation=True)
    data.require_finite(model.network.dtype, name)
    engine = Engine(model.network.program, settings.get("threads"))
    figures = Figures(spec.training.metrics, model.network)
    batches = data.batches(name, EVALUATION_BATCH)
    samples = (labelled(batch, model.target_names) for batch in batches)
    for _ in figures.evaluate(engine, samples, name):
        pass
    return Evaluation(file, state.progress.step, name, figures.samples, figures.result())
