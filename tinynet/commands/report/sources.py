"""The network and the data of a reported run, as far as they can be opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.environment import environment
from tinynet.checkpoint.sections import DataFacts
from tinynet.commands.report.content import Notice
from tinynet.commands.report.evaluation import EvaluatedSplit, evaluate_split
from tinynet.data.data import Data
from tinynet.data.given import GivenData, is_given
from tinynet.data.splits import SplitName
from tinynet.dataset import Batch
from tinynet.errors import (
    CheckpointError,
    CheckpointMismatchError,
    DataError,
    PluginError,
    SpecError,
    TinynetError,
)
from tinynet.files.scan_cache import verifying
from tinynet.prediction.model import Model
from tinynet.run.models import open_run
from tinynet.run.options import Settings
from tinynet.run.record import RunRecord
from tinynet.run.roots import recorded_root
from tinynet.spec.models import Spec
from tinynet.training.events import RunEvent, Warned

_ORDER: tuple[SplitName, ...] = ("test", "val", "train")


@dataclass
class Sources:
    """The network and the data of a run.

    Attributes:
        record: The run.
        settings: See `Settings`.
        file: The evaluated checkpoint; None if the network could not be loaded.
        state: Its content.
        model: Its model.
        data: The data; None if they could not be opened.
        notices: The warnings, and notes about missing parts.
    """

    record: RunRecord
    settings: Settings
    file: Path | None = None
    state: Checkpoint | None = None
    model: Model | None = None
    data: Data | None = None
    notices: list[Notice] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.notices += [Notice("warning", problem) for problem in self.record.problems]

    def warn(self, event: RunEvent) -> None:
        """Add a warning of the run to the notices."""
        if isinstance(event, Warned):
            faults = (problem.partition(": ")[2] for problem in self.record.problems)
            if not any(fault and fault in event.message for fault in faults):
                self.notices.append(Notice("warning", event.message))

    def note(self, text: str) -> None:
        """Add a note."""
        self.notices.append(Notice("note", text))

    def open_model(self, checkpoint: str | Path | None, *, falls_back: bool = False) -> None:
        """Load the network; without its plugins, the report has everything else.

        Args:
            checkpoint: The checkpoint; None for the best one, or the last if that is damaged.
            falls_back: True if the checkpoint stands in for the best one.

        Raises:
            CheckpointError: if a named checkpoint cannot be read.
        """
        settings: Settings = {**self.settings, "observer": self.warn}
        try:
            self.file, self.state, self.model = open_run(
                self.record.path, checkpoint, settings, self.warn
            )
        except (PluginError, CheckpointMismatchError) as error:
            self.note(f"The network cannot be loaded, so the report has no predictions: {error}")
        except CheckpointError as error:
            if checkpoint is not None and not falls_back:
                raise
            if checkpoint is None:
                self.notices.append(Notice("warning", f"The best checkpoint is missing: {error}"))
                self.open_model("last", falls_back=True)
                return
            self.note(f"The checkpoint cannot be read, so the report has no predictions: {error}")

    @property
    def spec(self) -> Spec | None:
        """The spec of the evaluated checkpoint; None if the network could not be loaded."""
        return None if self.model is None else self.model.spec

    @property
    def step(self) -> int | None:
        """The step of the evaluated checkpoint."""
        return None if self.state is None else self.state.progress.step

    @property
    def environment(self) -> Mapping[str, str] | None:
        """The environment of this process; None if the network could not be loaded."""
        return None if self.model is None else environment(self.model.network.kernels)

    def open_data(self, given: GivenData | None) -> None:
        """Open the data, or add a note that says why the report lacks them.

        Args:
            given: The data that are passed; None for those of the spec.

        Raises:
            UsageError: for data that are passed although the run reads its own.
        """
        if self.model is None or self.state is None or self.file is None:
            return
        spec, part = self.model.spec, self.model.spec.data
        if part is None:
            self.note("The spec names no data, so the report has no predictions.")
            return
        if given is not None:
            given.require_memory(spec)
        elif any(p is not None and is_given(p) for p in (part, part.validation, part.test)):
            self.note(
                "The run was trained on data in memory, which are not part of the run folder, so"
                " the report has no predictions; to add them, pass the data again:"
                " tinynet.commands.report.make_report(run, data=(x, y))"
            )
            return
        try:
            datasets = None if given is None else given.datasets(spec)
            root = recorded_root(self.settings, self.file, self.state, spec)
            with verifying(self.settings.get("verify_data", False)):
                self.data = Data(part, root, spec.training.seed, self.state.transforms, datasets)
        except (DataError, SpecError, PluginError) as error:
            self.note(f"The data cannot be opened, so the report has no predictions: {error}")
            return
        for change in self.state.data.changes(DataFacts.of(self.data)):
            self.notices.append(Notice("warning", f"The data have changed: {change}."))

    def evaluate(self, split: SplitName | None) -> EvaluatedSplit | None:
        """Evaluate a split, by default the test split, else the validation or training split.

        Raises:
            DataError: if the named split is empty.
        """
        if self.model is None or self.data is None:
            return None
        if split is not None:
            self.data.require(split)
        chosen = next(name for name in _ORDER if self.data.size(name)) if split is None else split
        if split is None and chosen == "train":
            self.note(
                "There is neither a test nor a validation split: the figures are those of the"
                " training split, which the network has seen."
            )
        elif split is None and chosen == "val":
            self.note("There is no test split: the figures are those of the validation split.")
        try:
            return evaluate_split(self.model, self.data, chosen, self.settings.get("threads"))
        except TinynetError as error:
            self.note(f"The {chosen} split cannot be evaluated: {error}")
            return None

    def first_sample(self, split: SplitName) -> tuple[Batch, Batch] | None:
        """Return the first sample of a split, preprocessed and raw."""
        if self.data is None:
            return None
        first = np.arange(1)
        return self.data.batch(split, first), self.data.splits[split].at(first).read()
