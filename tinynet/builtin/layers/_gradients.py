"""Gradients of parameters, by name."""

from tinynet.layer import Array


def wanted(**gradients: Array | None) -> dict[str, Array]:
    """Return those that were computed: kernels give None for what nobody needs."""
    return {name: gradient for name, gradient in gradients.items() if gradient is not None}
