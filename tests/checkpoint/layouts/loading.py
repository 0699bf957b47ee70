"""Transfers from files of weights of other frameworks."""

from tinynet.checkpoint.layouts.plan import plan_layout_transfer
from tinynet.checkpoint.transfer import apply_transfer
from tinynet.checkpoint.transfer_rules import STRICT
from tinynet.checkpoint.weight_transfer import as_tensors, required_arrays
from tinynet.files.weights import open_weights


def load(network, path, layout="torch", rules=STRICT):
    """Load a file into a network, and return the plan."""
    file = open_weights(path)
    in_order = path.suffix == ".npz"
    plan = plan_layout_transfer(
        network, file.headers(), layout, rules, path.name, in_order=in_order
    )
    apply_transfer(plan, network, as_tensors(file.read(required_arrays(plan))))
    return plan
