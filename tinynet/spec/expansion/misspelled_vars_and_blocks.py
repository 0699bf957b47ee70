"""Misspelled keys ``vars`` and ``blocks``: reported once, and corrected.

Otherwise everything that uses a variable or a block would be reported as wrong.
"""

from collections.abc import Collection

from pydantic import JsonValue

from tinynet.errors import Problem
from tinynet.spec.expansion.sources import Trace
from tinynet.spec.models import Spec
from tinynet.spec.network_spec import NetworkSpec
from tinynet.text.places import KeyProblem, join_pointer
from tinynet.text.wording import closest, quote, suggest


def correct_keys(document: JsonValue) -> tuple[JsonValue, Trace, list[Problem]]:
    """Return the corrected spec, the places of its parts, and the problems of the keys."""
    moves: dict[str, str] = {}
    problems: list[Problem] = []

    def corrected(holder: JsonValue, meant: str, keys: Collection[str], pointer: str) -> JsonValue:
        if not isinstance(holder, dict) or meant in holder:
            return holder
        misspelled = [key for key in holder if key not in keys and closest(key, keys) == meant]
        if len(misspelled) != 1:
            return holder
        (key,) = misspelled
        moves[pointer + join_pointer([meant])] = pointer + join_pointer([key])
        message = f"unknown key {quote(key)}; {suggest(key, keys)}"
        problems.append(KeyProblem(message, pointer + join_pointer([key])))
        return {meant if k == key else k: value for k, value in holder.items()}

    document = corrected(document, "vars", {*Spec.model_fields, *Spec.written}, "")
    if isinstance(document, dict) and "network" in document:
        keys = {*NetworkSpec.model_fields, *NetworkSpec.written}
        network = corrected(document["network"], "blocks", keys, "/network")
        document = {**document, "network": network}
    return document, Trace.of_moves(moves), problems
