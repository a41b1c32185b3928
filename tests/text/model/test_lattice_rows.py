"""Rows of merged texts and where they can be copied, against strings cut up in Python."""

import random
from itertools import accumulate, product

import pytest
import torch
from torch import Tensor

from pyg_grapheme.filtration import CutSample
from pyg_grapheme.nn.pool import Clusters, Dendrogram, ThresholdMergePool
from pyg_grapheme.text.model.lattice_rows import (
    LatticeRows,
    Matches,
    cluster_features,
    copy_mask,
    cut_rows,
    find_matches,
    lattice_rows,
    match_lengths,
)


def cut_up(text: str, rng: random.Random, share: float) -> list[str]:
    """Cut a text between some of its letters, into nodes of up to four."""
    nodes = [text[:1]] if text else []
    for letter in text[1:]:
        if rng.random() < share and len(nodes[-1]) < 4:
            nodes[-1] += letter
        else:
            nodes.append(letter)
    return nodes


def draw_texts(rng: random.Random, count: int, longest: int) -> list[str]:
    """Texts of few letters, so that much fits by chance; of none and of one as well.

    "ß" has no upper case of one letter, "1" has no case.
    """
    lengths = [0, 1, *(rng.randint(0, longest) for _ in range(count - 2))]
    letters = "aaabbbAAABß1"
    return ["".join(rng.choice(letters) for _ in range(length)) for length in lengths]


def match(sources: list[str], targets: list[str]) -> Matches:
    """Compare texts with targets, with code points as labels.

    The padding is what stands for a case that a unit does not have.
    """
    width = max(map(len, targets))
    letters = [letter for source in sources for letter in source]
    label = torch.tensor([ord(letter) for letter in letters], dtype=torch.long)
    mapped = [[map_first(letter, upper) for upper in (True, False)] for letter in letters]
    case = [[-1 if other is None else ord(other) for other in pair] for pair in mapped]
    target = [
        [*map(ord, target), *[-1] * (width - len(target))]
        for source, target in zip(sources, targets, strict=True)
        for _ in source
    ]
    return find_matches(
        label,
        torch.tensor(case, dtype=torch.long).view(len(letters), 2),
        torch.tensor(target, dtype=torch.long).view(len(letters), width),
    )


def map_first(node: str, upper: bool) -> str | None:
    """Map the case of the first letter; None if that is no other letter."""
    mapped = node[0].upper() if upper else node[0].lower()
    return mapped + node[1:] if len(mapped) == 1 and mapped != node[0] else None


def check_rows(rows: LatticeRows, merges: list[tuple[int, list[str]]], sources: list[str]) -> None:
    """Compare all but the features with merges of texts: number of the text, strings of nodes."""
    assert rows.length.tolist() == [len(nodes) + 1 for _, nodes in merges]
    unit = [0, *accumulate(map(len, sources))]
    columns = (rows.text, rows.start, rows.size, rows.first)
    found = list(zip(*(column[rows.row].tolist() for column in columns), strict=True))
    expected = []
    for text, nodes in merges:
        starts = accumulate(map(len, nodes), initial=0)
        expected += [
            (text, start, len(node), unit[text] + start)
            for node, start in zip([*nodes, ""], starts, strict=True)
        ]
    assert found == expected
    # Each row is there once, and none that no merge has.
    distinct = list(zip(*(column.tolist() for column in columns), strict=True))
    assert sorted(distinct) == sorted(set(expected))


def check_copies(rows: LatticeRows, sources: list[str], targets: list[str]) -> set[int]:
    """Compare where the nodes can be copied with where their strings are in the targets.

    Returns:
        The ways to copy that were found: as it is, in upper case, in lower case.
    """
    width = max(map(len, targets))
    fits = copy_mask(rows, match(sources, targets))
    assert fits.shape == (rows.size.numel(), width + 1, 3)
    columns = (rows.text, rows.start, rows.size)
    for row, (text, start, size) in enumerate(zip(*(c.tolist() for c in columns), strict=True)):
        node, target = sources[text][start : start + size], targets[text]
        copies = [node, map_first(node, True), map_first(node, False)] if node else [None] * 3
        expected = [
            [copy is not None and target[j:].startswith(copy) for copy in copies]
            for j in range(width + 1)
        ]
        assert fits[row].tolist() == expected, (node, target)
    return set(fits.nonzero()[:, 2].tolist())


def test_rows_are_those_of_the_strings(merge_texts) -> None:
    copied, long_ones = set(), 0
    for seed in range(20):
        rng = random.Random(seed)
        sources, targets = draw_texts(rng, 5, 9), [*draw_texts(rng, 4, 12), "abaAbAba"]
        merges = [cut_up(source, rng, rng.random()) for source in sources]
        pooled = merge_texts([[len(node) for node in nodes] for nodes in merges])
        end = torch.randn(5, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
        rows = lattice_rows(pooled.x, pooled, end)
        check_rows(rows, list(enumerate(merges)), sources)
        copied |= check_copies(rows, sources, targets)
        long_ones += int((copy_mask(rows, match(sources, targets)).any(dim=1)[rows.size > 1]).sum())
        assert rows.row.tolist() == list(range(len(rows.x)))
        assert torch.equal(rows.x[rows.size > 0], pooled.x)
        assert torch.equal(rows.x[rows.size == 0], end)
    assert copied == {0, 1, 2}
    assert long_ones > 5


class Chains:
    """Texts whose neighbours have scores, many of them equal."""

    def __init__(self, rng: random.Random, sources: list[str]) -> None:
        self.sources = sources
        self.scores = [[rng.randint(1, 6) / 7 for _ in source[1:]] for source in sources]
        self.pool = ThresholdMergePool()
        size = torch.tensor([len(source) for source in sources])
        batch = torch.repeat_interleave(size)
        self.x = torch.randn(len(batch), 3, dtype=torch.double)
        before = (batch[1:] == batch[:-1]).nonzero().view(-1)
        score = torch.tensor([s for scores in self.scores for s in scores], dtype=torch.double)
        self.tree: Dendrogram = self.pool.dendrogram(
            self.x,
            torch.stack([before, before + 1]),
            batch=batch,
            batch_size=len(sources),
            edge_score=score,
        )

    def draw_cuts(self, rng: random.Random) -> tuple[CutSample, list[tuple[int, list[str]]]]:
        """Draw cuts, at least one per text: as the pool has them, and as strings."""
        levels, merges = [], []
        for text, (source, scores) in enumerate(zip(self.sources, self.scores, strict=True)):
            heights = sorted(set(scores), reverse=True)
            for level in sorted(
                rng.sample(range(len(heights) + 1), rng.randint(1, len(heights) + 1))
            ):
                nodes = [source[:1]] if source else []
                for letter, score in zip(source[1:], scores, strict=True):
                    if score in heights[:level]:
                        nodes[-1] += letter
                    else:
                        nodes.append(letter)
                levels.append((text, level))
                merges.append((text, nodes))
        graph, level = torch.tensor(levels).unbind(1)
        weight = torch.ones(len(graph))
        return CutSample(graph, level, weight, None, weight[: len(self.sources)]), merges

    def members(self, clusters: Clusters) -> list[Tensor]:
        """Features of the nodes of each cluster, one after the other."""
        spans = zip(clusters.start.tolist(), clusters.size.tolist(), strict=True)
        return [self.x[clusters.order[start : start + size]] for start, size in spans]


def test_rows_of_cuts_are_those_of_the_strings() -> None:
    for seed in range(8):
        rng = random.Random(seed)
        torch.manual_seed(seed)
        sources, targets = draw_texts(rng, 5, 9), [*draw_texts(rng, 4, 12), "abaAbAba"]
        chains = Chains(rng, sources)
        cuts, merges = chains.draw_cuts(rng)
        end = torch.randn(5, 3, dtype=torch.double)
        clusters = chains.tree.clusters()
        rows = cut_rows(clusters.mean(chains.x), clusters, cuts, end)
        check_rows(rows, merges, sources)
        check_copies(rows, sources, targets)
        for x, text, size, first in zip(rows.x, rows.text, rows.size, rows.first, strict=True):
            mean = chains.x[first : first + size].mean(0) if size else end[text]
            torch.testing.assert_close(x, mean)


def test_repeated_letters_match_wherever_they_are_repeated(merge_texts) -> None:
    rows = lattice_rows(torch.zeros(2, 3), merge_texts([[2, 1]]), torch.zeros(1, 3))
    fits = copy_mask(rows, match(["aaa"], ["aabaaA"]))
    as_it_is = ["x..x...", "xx.xx..", "......."]
    upper = [".......", ".....x.", "......."]
    for found, expected in ((fits[..., 0], as_it_is), (fits[..., 1], upper)):
        assert found.tolist() == [[mark == "x" for mark in row] for row in expected]
    assert not fits[..., 2].any()


def test_a_node_does_not_depend_on_the_text_behind_its_own(merge_texts) -> None:
    """The units of the second text would go on with the match of the first one."""
    rows = lattice_rows(torch.zeros(3, 3), merge_texts([[1, 2], [1]]), torch.zeros(2, 3))
    fits = copy_mask(rows, match(["bab", "b"], ["Abb", "bbb"]))
    assert fits[:, :, 0].nonzero().tolist() == [[0, 1], [0, 2], [3, 0], [3, 1], [3, 2]]
    assert fits[:, :, 1].nonzero().tolist() == [[1, 0]]


def test_match_lengths_equal_those_of_a_loop() -> None:
    for seed in range(6):
        rng = random.Random(seed)
        shape = rng.randint(0, 20), rng.randint(1, 20)
        same = [[rng.random() < 0.9 for _ in range(shape[1])] for _ in range(shape[0])]

        expected = [[0] * (shape[1] + 1) for _ in range(shape[0] + 1)]
        for i, j in product(reversed(range(shape[0])), reversed(range(shape[1]))):
            expected[i][j] = 1 + expected[i + 1][j + 1] if same[i][j] else 0
        expected.pop()
        found = match_lengths(torch.tensor(same, dtype=torch.bool).view(shape))
        assert found.tolist() == expected, seed


def test_nothing_is_copied_to_empty_targets(merge_texts) -> None:
    rows = lattice_rows(torch.zeros(2, 3), merge_texts([[2, 1]]), torch.zeros(1, 3))
    assert copy_mask(rows, match(["aBa"], [""])).tolist() == [[[False] * 3]] * 3


def test_features_of_nodes_and_ends_have_gradients(merge_texts) -> None:
    torch.manual_seed(0)
    pooled = merge_texts([[1, 2], [], [3]])
    chains = Chains(random.Random(0), ["abba", "", "ab"])
    clusters = chains.tree.clusters()
    cuts, _ = chains.draw_cuts(random.Random(0))

    def features(merged: Tensor, x: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
        of_clusters = cluster_features(chains.pool, x, clusters)
        return lattice_rows(merged, pooled, end).x, cut_rows(of_clusters, clusters, cuts, end).x

    inputs = (pooled.x, chains.x, torch.randn(3, 3, dtype=torch.double))
    assert torch.autograd.gradcheck(features, tuple(v.requires_grad_() for v in inputs))


@pytest.mark.parametrize("reduce", ["mean", "sum", "max", "median"])
def test_clusters_are_reduced_as_by_the_pool(reduce: str) -> None:
    torch.manual_seed(0)
    chains = Chains(random.Random(0), ["abaabbab", "", "b", "aba"])
    clusters = chains.tree.clusters()
    found = cluster_features(ThresholdMergePool(reduce=reduce), chains.x, clusters)
    for x, members in zip(found, chains.members(clusters), strict=True):
        expected = getattr(members, reduce)(dim=0)
        torch.testing.assert_close(x, expected if isinstance(expected, Tensor) else expected.values)
