"""Which edits would repair the predictions."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rapidfuzz.distance import Levenshtein


class Repair(NamedTuple):
    """An edit of one unit that turns a prediction a step closer to its target.

    Attributes:
        wrong: The unit that was predicted; None to insert ``right``.
        right: The unit that belongs there; None to delete ``wrong``.
    """

    wrong: str | None
    right: str | None


class Confusion(NamedTuple):
    """How often a repair is needed.

    Attributes:
        repair: The edit.
        times: How often.
        example: The index of the first pair that needs it.
    """

    repair: Repair
    times: int
    example: int


def find_repairs(prediction: Sequence[str], target: Sequence[str]) -> list[Repair]:
    """Find as few repairs of one unit each as turn ``prediction`` into ``target``, in order.

    Source: rapidfuzz's Levenshtein alignment; where several have as few edits, the one it finds.
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
