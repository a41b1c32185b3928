"""Rows of merged texts and where they fit, against strings cut up in Python."""

import random
from itertools import accumulate, product

import pytest
import torch
from torch import Tensor

from pyg_grapheme.filtration import CutSample
from pyg_grapheme.nn.pool import Clusters, Dendrogram, ThresholdMergePool
from pyg_grapheme.text.model.lattice_rows import (
    EditRows,
    cluster_features,
    cut_rows,
    edit_rows,
    matching_runs,
    rows_that_fit,
)


def cut_up(text: str, rng: random.Random, share: float) -> list[str]:
    """Cut a text between some of its letters."""
    nodes = [text[:1]] if text else []
    for letter in text[1:]:
        if rng.random() < share:
            nodes[-1] += letter
        else:
            nodes.append(letter)
    return nodes


def draw_texts(rng: random.Random, count: int, longest: int) -> list[str]:
    """Texts of few letters, so that much fits by chance; of none and of one as well."""
    lengths = [0, 1, *(rng.randint(0, longest) for _ in range(count - 2))]
    return ["".join(rng.choice("ab") for _ in range(length)) for length in lengths]


def matches(sources: list[str], targets: list[str]) -> Tensor:
    """Which letter of its target is the same as each letter of each source: [N', M]."""
    width = max(map(len, targets))
    cells = [
        [letter == other for other in target.ljust(width)]
        for source, target in zip(sources, targets, strict=True)
        for letter in source
    ]
    return torch.tensor(cells, dtype=torch.bool).view(-1, width)


def check_rows(rows: EditRows, merges: list[tuple[int, list[str]]], sources: list[str]) -> None:
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


def check_fits(rows: EditRows, sources: list[str], targets: list[str]) -> None:
    """Compare where the nodes fit with where their strings are."""
    width = max(map(len, targets))
    fits = rows_that_fit(rows, matching_runs(matches(sources, targets))).tolist()
    columns = (rows.text, rows.start, rows.size)
    for row, (text, start, size) in enumerate(zip(*(c.tolist() for c in columns), strict=True)):
        node, target = sources[text][start : start + size], targets[text]
        expected = [bool(node) and target[j:].startswith(node) for j in range(width + 1)]
        assert fits[row] == expected, (node, target)
    assert any(map(any, fits))


def test_rows_are_those_of_the_strings(merge_texts) -> None:
    for seed in range(8):
        rng = random.Random(seed)
        sources, targets = draw_texts(rng, 5, 9), [*draw_texts(rng, 4, 12), "abaab"]
        merges = [cut_up(source, rng, rng.random()) for source in sources]
        pooled = merge_texts([[len(node) for node in nodes] for nodes in merges])
        end = torch.randn(5, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.double)
        rows = edit_rows(pooled.x, pooled, end)
        check_rows(rows, list(enumerate(merges)), sources)
        check_fits(rows, sources, targets)
        assert rows.row.tolist() == list(range(len(rows.x)))
        assert torch.equal(rows.x[rows.size > 0], pooled.x)
        assert torch.equal(rows.x[rows.size == 0], end)


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
        sources, targets = draw_texts(rng, 5, 9), [*draw_texts(rng, 4, 12), "abaab"]
        chains = Chains(rng, sources)
        cuts, merges = chains.draw_cuts(rng)
        end = torch.randn(5, 3, dtype=torch.double)
        clusters = chains.tree.clusters()
        rows = cut_rows(clusters.mean(chains.x), clusters, cuts, end)
        check_rows(rows, merges, sources)
        check_fits(rows, sources, targets)
        for x, text, size, first in zip(rows.x, rows.text, rows.size, rows.first, strict=True):
            mean = chains.x[first : first + size].mean(0) if size else end[text]
            torch.testing.assert_close(x, mean)


def test_repeated_letters_fit_wherever_they_are_repeated(merge_texts) -> None:
    rows = edit_rows(torch.zeros(2, 3), merge_texts([[2, 1]]), torch.zeros(1, 3))
    fits = rows_that_fit(rows, matching_runs(matches(["aaa"], ["aabaaa"])))
    expected = ["x..xx..", "xx.xxx.", "......."]
    assert fits.tolist() == [[mark == "x" for mark in row] for row in expected]


def test_runs_are_as_long_as_texts_go_on_alike() -> None:
    for seed in range(6):
        rng = random.Random(seed)
        shape = rng.randint(0, 20), rng.randint(1, 20)
        same = [[rng.random() < 0.9 for _ in range(shape[1])] for _ in range(shape[0])]

        expected = [[0] * (shape[1] + 1) for _ in range(shape[0] + 1)]
        for i, j in product(reversed(range(shape[0])), reversed(range(shape[1]))):
            expected[i][j] = 1 + expected[i + 1][j + 1] if same[i][j] else 0
        expected.pop()
        found = matching_runs(torch.tensor(same, dtype=torch.bool).view(shape))
        assert found.tolist() == expected, seed


def test_no_target_is_long_enough_for_anything(merge_texts) -> None:
    rows = edit_rows(torch.zeros(2, 3), merge_texts([[2, 1]]), torch.zeros(1, 3))
    fits = rows_that_fit(rows, matching_runs(torch.zeros(3, 0, dtype=torch.bool)))
    assert fits.tolist() == [[False]] * 3


def test_features_of_nodes_and_ends_have_gradients(merge_texts) -> None:
    torch.manual_seed(0)
    pooled = merge_texts([[1, 2], [], [3]])
    chains = Chains(random.Random(0), ["abba", "", "ab"])
    clusters = chains.tree.clusters()
    cuts, _ = chains.draw_cuts(random.Random(0))

    def features(merged: Tensor, x: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
        of_clusters = cluster_features(chains.pool, x, clusters)
        return edit_rows(merged, pooled, end).x, cut_rows(of_clusters, clusters, cuts, end).x

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
