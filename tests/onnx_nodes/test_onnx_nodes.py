"""ONNX's own test cases of its operators, computed by networks of tinynet.

A layer that fails one means something else by its name or options than ONNX, and so than the
frameworks that export to it.
"""

from collections import Counter

import pytest

from .cases import cases_by_operator
from .elementwise import unary
from .operators import NO_LAYER, OPERATORS
from .plan import NotRepresentable, compare
from .table import lines, row

pytest.importorskip("onnx")
pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_case_that_can_be_represented_passes(operator):
    result = row(operator)
    assert not result.failures
    assert result.cases == len(cases_by_operator()[operator])


def test_every_operator_with_cases_is_mapped_or_listed_as_missing():
    listed = Counter([*OPERATORS, *" ".join(NO_LAYER.values()).split()])
    assert not cases_by_operator().keys() - listed.keys()
    assert set(listed.values()) == {1}


def test_most_cases_of_mapped_operators_pass():
    """A case that passes today cannot become one that is not representable without a notice."""
    assert sum(row(operator).passed for operator in OPERATORS) >= 652


def test_table_has_a_line_for_each_operator():
    table = "\n".join(lines())
    assert all(f"| {operator} | " in table for operator in OPERATORS)
    assert "FAILED" not in table


@pytest.mark.parametrize("layer", ["elu", "identity"])
def test_layer_that_computes_something_else_fails(layer):
    (case,) = [case for case in cases_by_operator()["Relu"] if case.name == "relu"]
    compare(case, unary("relu"))
    with pytest.raises(AssertionError):
        compare(case, unary(layer))


def test_case_of_another_dtype_has_a_reason():
    (case,) = [case for case in cases_by_operator()["Celu"] if case.name == "celu_float16"]
    with pytest.raises(NotRepresentable, match="an output of float16"):
        compare(case, unary("celu"))
