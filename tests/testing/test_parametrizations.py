"""The kit finds what is wrong with parametrizations."""

import numpy as np
import pytest

from tinynet.builtin.parametrizations import SpectralNorm, WeightNorm
from tinynet.testing import CheckFailed, check_parametrization

SHAPES = [(4, 3)]


class WrongGradient(WeightNorm):
    def gradients(self, params, buffers, d_value):
        found = super().gradients(params, buffers, d_value)
        return {**found, "g": found["g"] / 2}


class OneGradient(WeightNorm):
    def gradients(self, params, buffers, d_value):
        return {"g": super().gradients(params, buffers, d_value)["g"]}


class InDouble(WeightNorm):
    def value(self, params, buffers):
        return super().value(params, buffers).astype(np.float64)


class SharesMemory(WeightNorm):
    def params_of(self, value):
        return {**super().params_of(value), "v": value}


class ChangesTheArrays(WeightNorm):
    def value(self, params, buffers):
        params["g"][...] *= 0.5
        return super().value(params, buffers)


class Replaces(SpectralNorm):
    def advance(self, params, buffers):
        buffers["u"] = buffers["u"] * 1


class ChangesTheWeight(SpectralNorm):
    def advance(self, params, buffers):
        params[""][...] /= 2


@pytest.mark.parametrize(
    ("cls", "finding"),
    [
        (WrongGradient, "gradients: the gradient of the array 'g'"),
        (OneGradient, r"gradients returns \['g'\] instead of \['g', 'v'\]"),
        (InDouble, "the value is float64 instead of float32"),
        (SharesMemory, "'v' shares memory with the parameter"),
        (ChangesTheArrays, "pure: computed again for shape"),
        (Replaces, "advance replaces an array"),
        (ChangesTheWeight, "iteration: advance changed params"),
    ],
)
def test_wrong_parametrization_is_found(cls, finding):
    with pytest.raises(CheckFailed, match=finding):
        check_parametrization(cls, {}, shapes=SHAPES)
