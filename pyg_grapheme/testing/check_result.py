"""How a check went, and how that is written down."""

from typing import NamedTuple


class CheckResult(NamedTuple):
    """How a check went.

    Attributes:
        name: What was checked.
        passed: Whether it holds.
        reason: Why it does not, in a line; empty where it does.
    """

    name: str
    passed: bool
    reason: str


def format_results(results: list[CheckResult]) -> str:
    """Write results down, one a line."""
    return "\n".join(
        f"{'holds' if r.passed else 'FAILS'}  {r.name}{': ' + r.reason[:90] if r.reason else ''}"
        for r in results
    )
