"""The results of ONNX's test cases as a table: ``python -m tests.onnx_nodes.table``."""

import functools
from collections import Counter
from typing import NamedTuple

from .cases import cases_by_operator
from .operators import NO_LAYER, OPERATORS
from .plan import NotRepresentable, compare


class Row(NamedTuple):
    """The results of one operator.

    Attributes:
        operator: The operator.
        passed: Number of cases that tinynet computes as ONNX expects.
        reasons: Number of cases that it cannot represent, by the reason.
        failures: The messages of all other cases, by their names.
    """

    operator: str
    passed: int
    reasons: Counter[str]
    failures: dict[str, str]

    @property
    def cases(self) -> int:
        """The number of cases."""
        return self.passed + self.reasons.total() + len(self.failures)


@functools.cache
def row(operator: str) -> Row:
    """Run all cases of an operator."""
    passed, reasons, failures = 0, Counter[str](), {}
    for case in cases_by_operator()[operator]:
        try:
            compare(case, OPERATORS[operator])
        except NotRepresentable as reason:
            reasons[str(reason)] += 1
        except Exception as error:  # Any error is a result of the table.
            failures[case.name] = f"{type(error).__name__}: {error}"
        else:
            passed += 1
    return Row(operator, passed, reasons, failures)


def lines() -> list[str]:
    """Return the table in Markdown, and the operators without a layer."""
    rows = [row(operator) for operator in sorted(OPERATORS)]
    table = [
        "| operator | cases | passed | not representable, and why |",
        "| --- | --- | --- | --- |",
    ]
    for operator, passed, reasons, failures in rows:
        why = [f"{number}: {reason}" for reason, number in reasons.items()]
        why += [f"FAILED: {name}" for name in failures]
        total = passed + reasons.total() + len(failures)
        table.append(f"| {operator} | {total} | {passed} | {'; '.join(why)} |")
    passed, total = (sum(getattr(row, name) for row in rows) for name in ("passed", "cases"))
    table.append(f"| {len(rows)} operators | {total} | {passed} | {total - passed} |")
    cases = cases_by_operator()
    missing = ["", "Operators without a layer in tinynet:", ""]
    for reason, operators in NO_LAYER.items():
        number = sum(len(cases.get(operator, ())) for operator in operators.split())
        missing.append(f"- {reason} ({number} cases): {', '.join(operators.split())}")
    return table + missing


if __name__ == "__main__":
    print("\n".join(lines()))
