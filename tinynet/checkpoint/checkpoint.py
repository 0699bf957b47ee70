"""What a checkpoint says, and how it becomes an archive and is one again.

A checkpoint is the whole state of a run after a step: with it and the data, the run goes on as if
it had never stopped. It holds no generator state, since there is none (see `tinynet.random`), and
no history, since that is in the log.
"""

import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from tinynet import __version__, archive, registry
from tinynet.config import Reference
from tinynet.data.data import Data
from tinynet.dataset import Field
from tinynet.errors import (
    CheckpointFormatError,
    CheckpointMismatchError,
    DivergedError,
    PluginError,
)
from tinynet.progress import Progress
from tinynet.spec.models import Spec
from tinynet.spec.reading import load_spec
from tinynet.types import Array

_TRANSFORMS = "transforms/"


@dataclass(frozen=True)
class LogMark:
    """How far the log was when a checkpoint was made.

    Attributes:
        length: Its bytes.
        digest: XXH3-128 of them, as hexadecimal text.
    """

    length: int
    digest: str


@dataclass(frozen=True)
class DataFacts:
    """What the run knew of its data.

    Attributes:
        root: The folder where relative data paths started.
        fingerprints: Of each dataset, by the part of the spec that names it.
        inputs: What each input held before preprocessing.
        targets: What each target held before preprocessing.
    """

    root: str
    fingerprints: dict[str, str]
    inputs: dict[str, Field]
    targets: dict[str, Field]

    @classmethod
    def of(cls, data: Data) -> "DataFacts":
        """What is known of data that were opened."""
        return cls(
            str(data.root),
            data.fingerprints,
            {name: data.raw[name] for name in data.inputs},
            {name: data.raw[name] for name in data.targets},
        )

    @property
    def raw(self) -> dict[str, Field]:
        """What each array held before preprocessing."""
        return {**self.inputs, **self.targets}


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """The whole state of a run after a step.

    Attributes:
        run_id: The run it belongs to.
        spec: The spec as JSON, every default filled in.
        progress: Where in the run it was made.
        tensors: Parameters, buffers, optimizer slots and running figures: what `Trainer.state`
            gives.
        transforms: What preprocessing learned from the training data.
        data: What the run knew of its data.
        log: How far the log was.
        lineage: What the run was resumed or started from, oldest first.
        environment: Versions of what computed it.
        types: For each type that the spec names, who registered it.
    """

    run_id: str
    spec: dict[str, JsonValue]
    progress: Progress
    tensors: Mapping[str, Array]
    transforms: Mapping[str, Array]
    data: DataFacts
    log: LogMark
    lineage: tuple[dict[str, JsonValue], ...]
    environment: dict[str, JsonValue]
    types: dict[str, JsonValue]

    @property
    def arrays(self) -> dict[str, Array]:
        """Every array by its name in the file."""
        transforms = {f"{_TRANSFORMS}{name}": array for name, array in self.transforms.items()}
        return {**self.tensors, **transforms}

    def write(self, path: Path) -> None:
        """Write it, atomically and durably.

        Raises:
            DivergedError: if an array is not finite: such a state is never saved.
            CheckpointIOError: if the disk or the file system refuses.
        """
        for name, array in self.tensors.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise DivergedError(
                    f"{name} is not finite after step {self.progress.step};"
                    " the checkpoint was not saved, earlier ones are kept"
                )
        sections: dict[str, Any] = {
            "spec": self.spec,
            "progress": self.progress.to_json(),
            "data": to_jsonable_python(asdict(self.data)),
            "log": asdict(self.log),
            "lineage": list(self.lineage),
            "environment": self.environment,
            "types": self.types,
        }
        archive.write(path, sections, self.arrays, run_id=self.run_id, step=self.progress.step)

    @classmethod
    def read(cls, path: Path, *, copy: bool = True) -> "Checkpoint":
        """Read and verify one.

        Args:
            path: The file.
            copy: False maps the file instead, for reading only.

        Raises:
            CheckpointError: if it cannot be read, or is not one.
        """
        found = archive.read(path, copy=copy)
        sections: dict[str, Any] = dict(found.sections)
        try:
            data = sections["data"]
            fields = {
                kind: {name: _field(value) for name, value in data[kind].items()}
                for kind in ("inputs", "targets")
            }
            return cls(
                run_id=found.run_id,
                spec=sections["spec"],
                progress=Progress.from_json(sections["progress"]),
                tensors={n: a for n, a in found.tensors.items() if not n.startswith(_TRANSFORMS)},
                transforms={
                    n.removeprefix(_TRANSFORMS): a
                    for n, a in found.tensors.items()
                    if n.startswith(_TRANSFORMS)
                },
                data=DataFacts(data["root"], data["fingerprints"], **fields),
                log=LogMark(**sections["log"]),
                lineage=tuple(sections["lineage"]),
                environment=sections["environment"],
                types=sections["types"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise CheckpointFormatError(
                f"{path} is an archive, but not a tinynet checkpoint: {type(error).__name__}"
                f" {error}"
            ) from error

    def load_spec(self, overrides: Mapping[str, Any] | None = None) -> Spec:
        """Its spec, checked against what is installed now.

        Args:
            overrides: JSON values by dotted path.

        Raises:
            PluginError: if a type is not installed any more; it says what to install.
            SpecError: for overrides that are wrong.
        """
        missing = list(self._missing_types())
        if missing:
            raise PluginError("\n".join(missing))
        return load_spec(self.spec, overrides)

    def _missing_types(self) -> Iterable[str]:
        for key, facts in self.types.items():
            group, _, name = key.partition(":")
            assert isinstance(facts, dict)
            try:
                registry.default().find(group, name)
            except PluginError:
                distribution, version = facts["distribution"], facts["version"]
                yield (
                    f"the checkpoint needs {name!r} (tinynet.{group}) of {distribution} {version},"
                    f" which is not installed: pip install '{distribution}=={version}'"
                )

    def check_data(self, fingerprints: Mapping[str, str]) -> None:
        """Make sure that the data are still those of the run.

        Raises:
            CheckpointMismatchError: naming the dataset that changed.
        """
        for part, fingerprint in fingerprints.items():
            if self.data.fingerprints.get(part) != fingerprint:
                raise CheckpointMismatchError(
                    f"the dataset {part!r} has changed since the checkpoint was made;"
                    " --allow-data-change goes on with the new one"
                )


def _field(value: dict[str, Any]) -> Field:
    names = {key: tuple(value[key]) if value[key] else None for key in ("classes", "names")}
    return Field(tuple(value["shape"]), value["dtype"], **names)


def environment() -> dict[str, JsonValue]:
    """What computes here: versions that may change the last bits of a result."""
    blas = np.show_config(mode="dicts")
    found = blas.get("Build Dependencies", {}).get("blas", {}) if isinstance(blas, dict) else {}
    return {
        "tinynet": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "blas": f"{found.get('name', 'unknown')} {found.get('version', '')}".strip(),
        "machine": platform.machine(),
        "system": platform.system(),
    }


def types_of(spec: Spec) -> dict[str, JsonValue]:
    """For each type that a spec names, who registered it; the plugin lock."""
    found: dict[str, JsonValue] = {}
    for reference in _references(spec):
        if reference.type:
            entry = registry.default().find(reference.group, reference.type)
            found[f"{entry.group}:{reference.type}"] = {
                "entry": entry.qualified,
                "distribution": entry.distribution,
                "version": entry.version,
            }
    return dict(sorted(found.items()))


def _references(spec: Spec) -> Iterable[Reference]:
    training = spec.training
    yield from spec.network.layers
    yield training.loss
    yield training.optimizer
    yield from training.metrics
    if training.schedule is not None:
        yield training.schedule
    if spec.data is not None:
        yield spec.data
        yield from spec.data.transforms
        yield from (part for part in (spec.data.validation, spec.data.test) if part is not None)
