"""The number of threads of kernels for some work, which follows from the amount of work alone.

Two threads that compute on the same arrays pass them from one core's cache to the other's. How long
that takes depends on where the cores are: a step of an MLP with 235,000 parameters and one sample
takes one thread 97 us, and two threads 88 us on near cores, but 517 us on far ones. So small work
stays on one thread. No bit of a result depends on the number.
"""

PASS_FLOPS = 8e6
"""Arithmetic operations of the forward pass of a batch from which several threads are faster."""

UPDATED_ELEMENTS = 2**20
"""Elements of all parameters from which several threads update them faster after small passes."""


def threads_for_pass(threads: int, flops: float) -> int:
    """Return the number of threads for passes of a batch.

    Args:
        threads: The most threads.
        flops: Arithmetic operations of the forward pass of the whole batch.
    """
    return threads if flops >= PASS_FLOPS else 1


def threads_for_update(threads: int, flops: float, elements: int) -> int:
    """Return the number of threads for the update of a step.

    Where several threads computed the gradients, these are in the caches of several cores.

    Args:
        threads: The most threads.
        flops: Arithmetic operations of the forward passes of the whole step.
        elements: Elements of all parameters.
    """
    return threads if flops >= PASS_FLOPS or elements >= UPDATED_ELEMENTS else 1
