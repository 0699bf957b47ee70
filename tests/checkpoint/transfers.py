"""Networks, checkpoints and transfers between them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tinynet.checkpoint.checkpoint import Checkpoint
from tinynet.checkpoint.plugin_lock import TypeFacts
from tinynet.checkpoint.sections import DataFacts, LogMark
from tinynet.checkpoint.transfer import apply_transfer, plan_transfer
from tinynet.checkpoint.transfer_rules import TransferRules
from tinynet.errors import CheckpointMismatchError
from tinynet.network.network import Network
from tinynet.training.progress import Progress

CORE = ("batch_norm", "conv2d", "dense", "embedding", "flatten", "layer_norm", "relu", "tanh")

BODY: tuple[dict[str, Any], ...] = (
    {"type": "dense", "units": 5},
    {"type": "batch_norm"},
    {"type": "relu"},
)


def network(*layers: dict[str, Any], seed: int = 0, **keys: Any) -> Network:
    return Network({"input_shape": [4], "layers": list(layers), **keys}, seed=seed)


def checkpoint_of(net: Network, **changes: Any) -> Checkpoint:
    """Return a checkpoint of a network."""
    tensors = {f"params/{name}": array.copy() for name, array in net.params.items()}
    tensors |= {f"buffers/{name}": array.copy() for name, array in net.buffers.items()}
    tensors["slots/dense_1/weight/first_moment"] = np.ones(3, np.float32)
    made = Checkpoint(
        run_id="run",
        spec={"network": net.spec.model_dump(mode="json", exclude_none=True)},
        progress=Progress(),
        tensors=tensors,
        transforms={},
        data=DataFacts("/", {}, {}, {}),
        log=LogMark(0, ""),
        lineage=(),
        environment={},
        types={f"layers:{n}": TypeFacts(f"tinynet-core:{n}", "tinynet-core", "1") for n in CORE},
    )
    return replace(made, **changes)


def transferred(old: Network, new: Network, rules: TransferRules) -> str:
    checkpoint = checkpoint_of(old)
    plan = plan_transfer(new, checkpoint, rules)
    apply_transfer(plan, new, checkpoint.tensors)
    return "\n".join(plan.lines)


def refusal(old: Network | Checkpoint, new: Network, **rules: Any) -> str:
    checkpoint = old if isinstance(old, Checkpoint) else checkpoint_of(old)
    before = {name: array.copy() for name, array in new.params.items()}
    with pytest.raises(CheckpointMismatchError) as caught:
        plan_transfer(new, checkpoint, TransferRules(**rules))
    assert_same(new.params, before)
    return str(caught.value)


def assert_same(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        assert array.dtype == theirs[name].dtype
        assert array.tobytes() == theirs[name].tobytes(), name
