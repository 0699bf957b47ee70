"""The kit finds what is wrong with regularizers and constraints."""

import numpy as np
import pytest

from tinynet.builtin.constraints import MaxNorm
from tinynet.builtin.regularizers.norms import L2
from tinynet.testing import CheckFailed, check_constraint, check_regularizer


class WrongGradient(L2):
    def value_and_gradient(self, param):
        value, gradient = super().value_and_gradient(param)
        return value, gradient / 2


class InDouble(L2):
    def value_and_gradient(self, param):
        return super().value_and_gradient(param.astype(np.float64))


class ChangesTheParameter(L2):
    def value_and_gradient(self, param):
        param *= 0.5
        return super().value_and_gradient(param)


class Infinite(L2):
    def value_and_gradient(self, param):
        return np.inf, param


class Returns(MaxNorm):
    def project(self, param):
        return np.minimum(param, 1)


class DividesByTheNorm(MaxNorm):
    def project(self, param):
        param /= np.linalg.norm(param)


@pytest.mark.parametrize(
    ("cls", "finding"),
    [
        (WrongGradient, "gradient: the gradient of the parameter at"),
        (InDouble, "the gradient is float64 instead of float32"),
        (ChangesTheParameter, "pure: computed again for shape"),
        (Infinite, "the penalty is inf instead of a finite number"),
    ],
)
def test_wrong_regularizer_is_found(cls, finding):
    with pytest.raises(CheckFailed, match=finding):
        check_regularizer(cls, {"factor": 0.5})


@pytest.mark.parametrize(
    ("cls", "finding"),
    [(Returns, "instead of nothing"), (DividesByTheNorm, "for zeros of shape")],
)
def test_wrong_constraint_is_found(cls, finding):
    with pytest.raises(CheckFailed, match=finding):
        check_constraint(cls, {})
