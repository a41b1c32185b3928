"""The predictions that are furthest off."""

from collections.abc import Iterable

from rapidfuzz.distance import Levenshtein

from lightning_modules.report.data import Line


def rank_mistakes(lines: Iterable[Line]) -> list[tuple[int, Line]]:
    """Put wrong predictions in order, the worst first.

    Returns:
        Levenshtein distance in units and line: the larger distance first; of equal ones that of the
        shorter target, of which more is wrong; of these the earlier one.
    """
    measured = ((Levenshtein.distance(line.prediction, line.target), line) for line in lines)
    wrong = [(distance, line) for distance, line in measured if distance]
    return sorted(wrong, key=lambda mistake: (-mistake[0], len(mistake[1].target)))
