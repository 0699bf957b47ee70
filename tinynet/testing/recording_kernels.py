"""Kernels of NumPy with a recording and without: a stand-in for compiled ones in tests."""

from tinynet.kernels.numpy import NumpyKernels
from tinynet.kernels.recording import RecordedCalls


class RecordingKernels(NumpyKernels):
    """The kernels of NumPy, whose calls can be recorded."""

    recording = RecordedCalls


class PlainKernels(NumpyKernels):
    """The kernels of NumPy, whose calls are never recorded."""

    recording = None
