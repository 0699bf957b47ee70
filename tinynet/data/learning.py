"""The state of a dataset that learns from the training split, such as means and categories."""

from collections.abc import Mapping

import numpy as np

from tinynet.data.fields import check_fields
from tinynet.data.indices import Indices
from tinynet.data.splits import POINTER
from tinynet.dataset import Dataset, LearningDataset, State
from tinynet.engine.plugin_state import state_problem
from tinynet.engine.tensor_names import DATASET, TRANSFORMS, of_group
from tinynet.text.plugin_errors import PluginErrors, plugin_error
from tinynet.types import Array


def learn(dataset: Dataset, training: Indices, pointer: str = POINTER) -> State:
    """Return the state that a dataset learns from the samples at ``training`` (N,), or nothing.

    Raises:
        PluginError: for a state that a checkpoint cannot hold.
    """
    if not isinstance(dataset, LearningDataset):
        return {}
    with PluginErrors(dataset, "learn raised", pointer):
        state = dataset.learn(np.asarray(training))
    problem = state_problem(state, "learn", f"{TRANSFORMS}{DATASET}".rstrip("/"), finite=False)
    if problem is None and (bad := [name for name in state if "/" in name]):
        problem = f"learn must give its arrays names without '/'; one is {bad[0]!r}"
    if problem is not None:
        raise plugin_error(dataset, problem, pointer)
    return dict(state)


def load_learned(dataset: Dataset, state: State, pointer: str = POINTER) -> Dataset:
    """Return a dataset with a state that was learned; datasets that do not learn are unchanged."""
    if not isinstance(dataset, LearningDataset):
        return dataset
    with PluginErrors(dataset, "with_state raised", pointer):
        encoded = dataset.with_state(state)
    check_fields(encoded, pointer)
    return encoded


def split_state(arrays: Mapping[str, Array]) -> tuple[State, dict[str, Array]]:
    """Return the state of the dataset, and that of the transforms, from arrays by address."""
    transforms = {name: array for name, array in arrays.items() if not name.startswith(DATASET)}
    return of_group(DATASET, arrays), transforms
