"""The content of a report as plain data, independent of trainer, model and task."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from lightning_modules.modules.task_module import Scores

Value = TypeVar("Value")


class ReportData(NamedTuple):
    """The content of a report; empty parts get no section.

    Attributes:
        title: Title of the page.
        facts: Date, duration, versions and so on, by label, in the order to show them.
        scores: Scores by row; a row is a split, or begins with the split and a comma.
        curves: One value per epoch, by logged name; NaN if there is none.
        sections: What the task adds: HTML by heading, one word each.
        config: The configuration as text.
        note: What a reader of the scores has to know.
    """

    title: str
    facts: Mapping[str, str]
    scores: Mapping[str, Scores]
    curves: Mapping[str, Sequence[float]] = {}
    sections: Mapping[str, str] = {}
    config: str = ""
    note: str = ""


def unseen_first(rows: Mapping[str, Value]) -> dict[str, Value]:
    """Return the rows with those of the training split last.

    >>> list(unseen_first({"train, a": 1, "val, a": 2}))
    ['val, a', 'train, a']
    """
    return dict(sorted(rows.items(), key=lambda row: row[0].split(",")[0] == "train"))
