"""Wrong predictions, ranked."""

from collections.abc import Iterable

from rapidfuzz.distance import Levenshtein

from lightning_modules.report.text_results import Line


def rank_mistakes(lines: Iterable[Line]) -> list[tuple[int, Line]]:
    """Return the wrong predictions, the worst first.

    Returns:
        Levenshtein distance in units and line, by falling distance; ties by the length of the
        target, the shorter one first, then by position.
    """
    measured = ((Levenshtein.distance(line.prediction, line.target), line) for line in lines)
    wrong = [(distance, line) for distance, line in measured if distance]
    return sorted(wrong, key=lambda mistake: (-mistake[0], len(mistake[1].target)))
