"""The reference kernels, in NumPy alone."""


class NumpyKernels:
    """Every kernel of the interface, readable first and fast second."""
