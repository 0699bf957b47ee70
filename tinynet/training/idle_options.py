"""Warnings about options that change nothing."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from pydantic import JsonValue

from tinynet import registry
from tinynet.engine.inputs import own_name
from tinynet.engine.losses import OutputLoss
from tinynet.engine.node import Node
from tinynet.errors import Problem
from tinynet.network.network import Network
from tinynet.spec.graph import build_graph, is_input
from tinynet.spec.training_spec import OptimizerGroup, OptimizerReference, TrainingSpec
from tinynet.text.wording import format_list, quote
from tinynet.training.constraints import POINTER as CONSTRAINTS
from tinynet.training.constraints import constrained
from tinynet.training.optimizer_groups import POINTER, group_of_each, members_of_each
from tinynet.training.regularization import declared_regularizers
from tinynet.types import Array

_INITIALIZER = "_initializer"
_MASK = "tinynet-core:sequence_mask"


def idle_initializers(network: Network) -> Iterator[Problem]:
    """Warn about initializers of parameters that belong to other nodes."""
    for declared in build_graph(network.spec):
        if not declared.spec.shared_params:
            continue
        node, options = network.nodes[declared.name], declared.spec.options
        for key in options:
            addresses = _shared_addresses(node, key)
            if addresses and not _is_default(node.type, options, key):
                message = (
                    f"{quote(key)} changes nothing, because the parameter is that of another node;"
                    f" initialize {format_list(addresses)} there, or remove the option"
                )
                yield Problem(message, f"{node.pointer}/{key}")


def _shared_addresses(node: Node, key: str) -> list[str]:
    """Return the addresses of the parameters that an option would initialize.

    The list is empty if one of them is the node's own, or if the key is not that of an initializer.
    """
    kind, is_initializer = key.removesuffix(_INITIALIZER), key.endswith(_INITIALIZER)
    # In attention, weight_initializer is for query_weight, key_weight, ...
    names = [name for name in node.layer.params if name.rpartition("_")[2] == kind]
    if not is_initializer or not all(name in node.tied for name in names):
        return []
    return [node.tied[name].address for name in names]


def _is_default(kind: str, options: Mapping[str, JsonValue], key: str) -> bool:
    """Return True if an option of a layer has its default, or must be set."""
    plugins = registry.default()
    if plugins.load("layers", kind).Config.model_fields[key].is_required():
        return True
    others = {name: value for name, value in options.items() if name != key}
    return bool(plugins.configure("layers", kind, others)[key] == options[key])


def idle_losses(losses: Sequence[OutputLoss]) -> Iterator[Problem]:
    """Warn about losses that all have the weight 0."""
    if losses and not any(part.weight for part in losses):
        message = (
            "every loss has the weight 0, so that the gradients are 0 and training learns nothing;"
            " give one of them a weight above 0"
        )
        yield Problem(message, losses[0].pointer)


def idle_masks(network: Network, sample: Mapping[str, Array]) -> Iterator[Problem]:
    """Warn about masks of numbers none of which is padding.

    Args:
        network: The network.
        sample: Values of each input of the data, after the transforms, by name.
    """
    options = {declared.name: declared.spec.options for declared in build_graph(network.spec)}
    for node in network.nodes.values():
        name = own_name(node.inputs[0])
        if node.type != _MASK or not is_input(node.inputs[0]) or options[node.name]["max_length"]:
            continue
        values, padding = sample[name], options[node.name]["padding_value"]
        tokens = values.dtype.kind != "f" or np.array_equal(values, np.floor(values))
        if not tokens and not np.any(values == padding):
            message = (
                f"no value of the input {quote(name)} is the padding {padding}, so the mask marks"
                " every position; compute it from an array that no transform changes, or from"
                " lengths with max_length"
            )
            yield Problem(message, node.pointer)


def idle_groups(optimizer: OptimizerReference, network: Network) -> Iterator[Problem]:
    """Warn about groups of an optimizer that change nothing."""
    groups, own = optimizer.groups or (), _options_of_all(optimizer)
    chosen = _trained_members(groups, network)
    for index, params in enumerate(chosen):
        earlier, later = _union(chosen[:index]), _union(chosen[index + 1 :])
        if not params:
            why, remedy = "none of its parameters is trained", "remove it"
        elif params <= later:
            why = "later groups have all of its parameters, and the last one decides"
            remedy = "move it behind them, or remove it"
        elif not params & earlier and not _differing(_options(groups[index]), own):
            why = "it has the same options as all parameters"
            remedy = "set others, such as rate_factor, or remove it"
        else:
            continue
        yield Problem(f"the group changes nothing: {why}; {remedy}", f"{POINTER}/{index}")


def groups_that_stop_training(optimizer: OptimizerReference, network: Network) -> Iterator[Problem]:
    """Warn about groups by which every parameter has the learning rate 0."""
    groups = optimizer.groups or ()
    chosen = group_of_each(groups, network.params)
    deciding = {chosen.get(address) for address in network.trainable}
    stopped = {index for index, group in enumerate(groups) if group.rate_factor == 0}
    if deciding and deciding <= stopped:
        index = min(stopped & deciding)
        message = (
            "nothing is trained: every parameter has the rate_factor 0; set another, or leave"
            " some parameters out of the group with a pattern after '!'"
        )
        yield Problem(message, f"{POINTER}/{index}")


def idle_regularizers(training: TrainingSpec, network: Network) -> Iterator[Problem]:
    """Warn about regularizers of parameters none of which is trained."""
    for declared in declared_regularizers(training, network):
        if not declared.addresses & network.trainable:
            message = (
                "the regularizer changes nothing: none of its parameters is trained; remove it"
            )
            yield Problem(message, declared.pointer)


def idle_constraints(training: TrainingSpec, network: Network) -> Iterator[Problem]:
    """Warn about constraints of parameters none of which is trained."""
    for index, declared in enumerate(training.constraints or ()):
        pointer = f"{CONSTRAINTS}/{index}"
        if not constrained(declared, network, pointer):
            message = "the constraint changes nothing: none of its parameters is trained; remove it"
            yield Problem(message, pointer)


def lost_options(optimizer: OptimizerReference, network: Network) -> Iterator[Problem]:
    """Warn about options of a group that some of its parameters lose to a later group."""
    groups, own = optimizer.groups or (), _options_of_all(optimizer)
    chosen = _trained_members(groups, network)
    for earlier, index in combinations(range(len(groups)), 2):
        options, before = _options(groups[index]), _differing(_options(groups[earlier]), own)
        lost = {key: value for key, value in before.items() if key not in options}
        shared = chosen[earlier] & chosen[index] - _union(chosen[index + 1 :])
        is_idle = chosen[earlier] <= _union(chosen[earlier + 1 :])
        # Without options, a group is meant to keep its parameters out of the earlier ones.
        if not options or not lost or not shared or is_idle:
            continue
        message = (
            f"the group takes {format_list(sorted(shared))} from group {earlier} with all options,"
            f" so the {format_list([*lost])} of that group is lost there; for both, add a group of"
            f" these parameters at the end with {json.dumps({**lost, **options})}, or exclude them"
            " from one of the two with a pattern after '!'"
        )
        yield Problem(message, f"{POINTER}/{index}")


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)


def _trained_members(groups: Sequence[OptimizerGroup], network: Network) -> list[frozenset[str]]:
    """Return the trained parameters that the patterns of each group choose."""
    return [named & network.trainable for named in members_of_each(groups, network.params)]


def _options_of_all(optimizer: OptimizerReference) -> dict[str, Any]:
    """Return the options of parameters that are in no group."""
    return {"rate_factor": 1.0, **optimizer.options}


def _options(group: OptimizerGroup) -> dict[str, Any]:
    """Return the options that the spec sets in a group."""
    is_set = "rate_factor" in group.model_fields_set
    return {**({"rate_factor": group.rate_factor} if is_set else {}), **group.options}


def _differing(options: Mapping[str, Any], others: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that have other values elsewhere."""
    return {key: value for key, value in options.items() if others.get(key) != value}
