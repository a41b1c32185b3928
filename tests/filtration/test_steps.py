"""Steps of scores, against loops."""

import torch
from torch_geometric.utils import cumsum

from pyg_grapheme.filtration import score_steps


def test_scores_of_each_graph_fall_step_by_step() -> None:
    for seed in range(20):
        generator = torch.Generator().manual_seed(seed)
        score = torch.randint(6, (25,), generator=generator).double()
        graph = torch.randint(5, (25,), generator=generator)  # in any order
        steps = score_steps(score, graph, 6)
        heights = steps.height.split(steps.num_steps.tolist())
        assert len(heights) == 6
        for g, height in enumerate(heights):
            own = score[graph == g]
            assert height.tolist() == sorted(set(own.tolist()), reverse=True)
            assert steps.step[graph == g].tolist() == [height.tolist().index(s) + 1 for s in own]
        assert steps.graph.equal(graph)


def test_fewer_levels_are_groups_of_ranks() -> None:
    score = torch.tensor([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.9, 0.1])
    graph = torch.tensor([0] * 7 + [1] * 2)
    steps = score_steps(score, graph, 3)
    for levels, step, height in (
        (3, [1, 1, 2, 2, 3, 3, 3, 1, 2], [0.8, 0.6, 0.3, 0.9, 0.1]),
        (2, [1, 1, 1, 2, 2, 2, 2, 1, 2], [0.7, 0.3, 0.9, 0.1]),
        (1, [1] * 9, [0.3, 0.1]),
        (9, steps.step.tolist(), score.tolist()),
    ):
        coarse = steps.coarsen(levels)
        assert coarse.step.tolist() == step
        assert coarse.height.tolist() == torch.tensor(height).tolist()
        assert coarse.num_steps.tolist() == [min(levels, 7), min(levels, 2), 0]
        ends = cumsum(coarse.num_steps)[1:3] - 1
        assert coarse.height[ends].tolist() == torch.tensor([0.3, 0.1]).tolist()
