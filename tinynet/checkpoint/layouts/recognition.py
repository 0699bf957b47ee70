"""The framework that wrote a file of weights, recognized by the names of its arrays."""

import re
from collections.abc import Iterable

_TORCH = re.compile(
    r"(?:.*\.)?(?:weight|bias|running_mean|running_var|num_batches_tracked|in_proj_(?:weight|bias)"
    r"|(?:weight|bias)_[ih][hr]_l[0-9]+(?:_reverse)?|weight_[gv]|weight_orig|original[01]?)"
)
_KERAS = re.compile(
    r"(?:.*/)?(?:vars/[0-9]+|(?:kernel|recurrent_kernel|depthwise_kernel|pointwise_kernel"
    r"|embeddings|moving_mean|moving_variance)(?::0)?|.*:0)"
)
_OWN = re.compile(r"[^/]+/[^/]+")

_ADVICE = {
    "torch": "these look like weights of PyTorch: {add} --layout torch",
    "keras": "these look like weights of Keras: {add} --layout keras",
    "tinynet": "these look like weights of tinynet: leave out --layout",
}


def layout_advice(names: Iterable[str], layout: str | None) -> str:
    """Return the option that a file needs in place of ``layout``; empty if it may be right."""
    found = _framework(list(names))
    if found is None or found == (layout or "tinynet"):
        return ""
    return _ADVICE[found].format(add="add" if layout is None else "use")


def _framework(names: list[str]) -> str | None:
    """Return the framework whose names most arrays have; None if it is not clear."""
    of_keras = sum(_KERAS.fullmatch(name) is not None for name in names)
    of_torch = sum("/" not in name and _TORCH.fullmatch(name) is not None for name in names)
    if 3 * of_keras > len(names):
        return "keras"  # the other variables of Keras are called as here
    if 2 * of_torch > len(names):
        return "torch"
    is_own = all(map(_OWN.fullmatch, names)) and any(n.endswith("/weight") for n in names)
    return "tinynet" if is_own else None
