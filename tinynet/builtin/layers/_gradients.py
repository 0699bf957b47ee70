"""Gradients of parameters, by name."""

from tinynet.layer import Array


def wanted(**gradients: Array | None) -> dict[str, Array]:
    """Return the computed gradients; kernels return None for those that are not needed."""
    return {name: gradient for name, gradient in gradients.items() if gradient is not None}
