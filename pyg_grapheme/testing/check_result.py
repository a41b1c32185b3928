"""The result of a check, and its text form."""

from typing import NamedTuple


class CheckResult(NamedTuple):
    """Result of one check.

    Attributes:
        name: Property that was checked.
        passed: Whether it holds.
        reason: Why it does not hold, in one line; empty if it does.
    """

    name: str
    passed: bool
    reason: str


def format_results(results: list[CheckResult]) -> str:
    """Format results, one per line."""
    return "\n".join(
        f"{'holds' if r.passed else 'FAILS'}  {r.name}{': ' + r.reason[:90] if r.reason else ''}"
        for r in results
    )
