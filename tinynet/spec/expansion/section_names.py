"""Misspelt ``vars`` and ``blocks``: reported once, and corrected.

Otherwise everything that uses a variable or a block would be reported as wrong.
"""

from collections.abc import Collection

from pydantic import JsonValue

from tinynet.errors import Problem
from tinynet.spec.expansion.sources import Trace
from tinynet.spec.models import Spec
from tinynet.spec.network_spec import NetworkSpec
from tinynet.text.document import KeyProblem, join_pointer
from tinynet.text.wording import closest, quote, suggest


def respell(document: JsonValue) -> tuple[JsonValue, Trace, list[Problem]]:
    """Return the corrected spec, the places of its parts, and the misspelt keys."""
    moves: dict[str, str] = {}
    problems: list[Problem] = []

    def corrected(holder: JsonValue, meant: str, keys: Collection[str], at: str) -> JsonValue:
        if not isinstance(holder, dict) or meant in holder:
            return holder
        wrong = [key for key in holder if key not in keys and closest(key, keys) == meant]
        if len(wrong) != 1:
            return holder
        (key,) = wrong
        pointer = at + join_pointer([key])
        moves[at + join_pointer([meant])] = pointer
        message = f"unknown key {quote(key)}; {suggest(key, keys)}"
        problems.append(KeyProblem(message, pointer))
        return {meant if k == key else k: value for k, value in holder.items()}

    document = corrected(document, "vars", {*Spec.model_fields, *Spec.written}, "")
    if isinstance(document, dict) and "network" in document:
        keys = {*NetworkSpec.model_fields, *NetworkSpec.written}
        network = corrected(document["network"], "blocks", keys, "/network")
        document = {**document, "network": network}
    return document, Trace.of_moves(moves), problems
