"""Numbers and tables in markdown, aligned to be readable as plain text."""

from collections.abc import Iterable, Sequence


def show(value: float | None, style: str = ".3g") -> str:
    """Write a number without an exponent, or "-" if there is none."""
    if value is None:
        return "-"
    return f"{value:.0f}" if style == ".3g" and value >= 100 else format(value, style)


def divide(value: float | None, base: float | None) -> float | None:
    """Divide if both numbers are known."""
    return value / base if value is not None and base else None


def format_table(title: str, head: Iterable[str], lines: Iterable[Sequence[str]]) -> str:
    """Lay out a table with aligned columns."""
    table = [list(head), *map(list, lines)]
    width = [max(map(len, column)) for column in zip(*table, strict=True)]
    rows = [[text.ljust(w) for text, w in zip(line, width, strict=True)] for line in table]
    rows.insert(1, ["-" * w for w in width])
    return "\n".join([f"### {title}", "", *(f"| {' | '.join(row)} |" for row in rows)])
