"""The hypotheses of a search for edits: which of them are kept, and what led to them."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch_geometric.utils import cumsum, scatter

ENDED = -1
"""The operation of a hypothesis that has ended."""


class Step(NamedTuple):
    """One edit: the row, the operation, and the index of the written unit in the vocabulary."""

    row: int
    operation: int
    unit: int


class EditPath(NamedTuple):
    """The edits of a text, and their log-probability.

    Paths that write the same are merged where the search keeps both: the result has the sum of
    their probabilities, and the edits of one of the most probable.
    """

    steps: list[Step]
    log_probability: float


class Hypotheses(NamedTuple):
    """T written prefixes, sorted by text.

    Attributes:
        text: The text of each.
        row: The row that is edited next; one past the last row of the text if it has ended.
        copied: Units of the row that have been copied.
        inserted: Units that have been inserted in front of the row.
        written: Units written in all.
        common: Length of the common prefix with the source.
        num_new: Units written behind it.
        last: Index of the last written unit in the vocabulary; -1 for none.
        key: Hash of the written units.
        log_probability: In float64.
    """

    text: Tensor
    row: Tensor
    copied: Tensor
    inserted: Tensor
    written: Tensor
    common: Tensor
    num_new: Tensor
    last: Tensor
    key: Tensor
    log_probability: Tensor

    def take(self, which: Tensor) -> "Hypotheses":
        """Select some of them."""
        return Hypotheses(*(values[which] for values in self))


class Choices(NamedTuple):
    """Edits of hypotheses.

    Attributes:
        parent: Index of the hypothesis.
        row: Its row.
        operation: The edit.
        unit: Index of the written unit among all that can be written.
        log_probability: Of the hypothesis with this edit.
    """

    parent: Tensor
    row: Tensor
    operation: Tensor
    unit: Tensor
    log_probability: Tensor

    def take(self, which: Tensor) -> "Choices":
        """Select some of them."""
        return Choices(*(values[which] for values in self))


def best_per_group(score: Tensor, group: Tensor, number: int) -> Tensor:
    """Return the indices of the ``number`` highest scores per group, sorted by group and score."""
    order = score.argsort(descending=True, stable=True)
    order = order[group[order].argsort(stable=True)]
    start = cumsum(torch.bincount(group))
    rank = torch.arange(order.numel(), device=order.device) - start[group[order]]
    return order[rank < number]


def merge_hypotheses(choices: Choices, moved: Hypotheses, beam: int) -> tuple[Choices, Hypotheses]:
    """Merge hypotheses that have written the same and go on at the same place.

    The most probable one stands for all, with the sum of their probabilities.
    """
    place = torch.stack([moved.text, moved.row, moved.copied, moved.inserted, moved.key], dim=1)
    _, group = torch.unique(place, dim=0, return_inverse=True)
    kept = best_per_group(moved.log_probability, group, 1)
    # By the largest one of each group, the sums cannot underflow.
    largest = moved.log_probability[kept]
    share = (moved.log_probability - largest[group]).exp()
    total = largest + scatter(share, group, dim_size=kept.numel(), reduce="sum").log()
    kept = kept[best_per_group(total, moved.text[kept], beam)]
    return choices.take(kept), moved.take(kept)._replace(log_probability=total[group[kept]])


def trace_back(ended: Hypotheses, history: list[Choices], num_texts: int) -> list[list[EditPath]]:
    """Collect the edits of the hypotheses, from the last step to the first."""
    lists = [tuple(values.tolist() for values in choices[:4]) for choices in history]
    paths: list[list[EditPath]] = [[] for _ in range(num_texts)]
    scores = ended.log_probability.tolist()
    for index, text in enumerate(ended.text.tolist()):
        steps, at = [], index
        for parent, row, operation, unit in reversed(lists):
            if operation[at] != ENDED:
                steps.append(Step(row[at], operation[at], unit[at]))
            at = parent[at]
        paths[text].append(EditPath(steps[::-1], scores[index]))
    return paths
