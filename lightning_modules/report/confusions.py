"""The edits that would repair the predictions."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein


class Repair(NamedTuple):
    """An edit of one unit that brings a prediction closer to its target.

    Attributes:
        wrong: The predicted unit; None to insert ``right``.
        right: The correct unit; None to delete ``wrong``.
    """

    wrong: str | None
    right: str | None


class Confusion(NamedTuple):
    """A repair and its frequency.

    Attributes:
        repair: The edit.
        times: Number of times that it is needed.
        example: The index of the first pair that needs it.
    """

    repair: Repair
    times: int
    example: int


def find_repairs(prediction: Sequence[str], target: Sequence[str]) -> list[Repair]:
    """Return the fewest repairs of one unit that turn ``prediction`` into ``target``, in order.

    Source: rapidfuzz's Levenshtein alignment; ties are broken as it does.
    Cost: O(len(prediction) * len(target)).

    >>> find_repairs("hopeing", "hoping")
    [Repair(wrong='e', right=None)]
    """
    repairs = []
    for edit in Levenshtein.editops(prediction, target):
        wrong = None if edit.tag == "insert" else prediction[edit.src_pos]
        right = None if edit.tag == "delete" else target[edit.dest_pos]
        repairs.append(Repair(wrong, right))
    return repairs


def count_confusions(pairs: Iterable[tuple[Sequence[str], Sequence[str]]]) -> list[Confusion]:
    """Count the repairs that pairs of a prediction and its target need.

    The counts sum to the Levenshtein distances of all pairs.

    Returns:
        The most frequent first; equally frequent ones in the order in which they are first needed.
    """
    counts: Counter[Repair] = Counter()
    first: dict[Repair, int] = {}
    for index, (prediction, target) in enumerate(pairs):
        for repair in find_repairs(prediction, target):
            counts[repair] += 1
            first.setdefault(repair, index)
    return [Confusion(repair, n, first[repair]) for repair, n in counts.most_common()]
