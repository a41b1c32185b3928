"""The losses of a partition's module."""

import pytest
import torch
from torch_geometric.data import Batch, Data

from lightning_modules import PartitionModule
from pyg_grapheme.nn import PartitionLoss, pair_bce


@pytest.mark.parametrize(
    ("unlabelled", "options"),
    [("ignore", {}), ("other", {}), ("other", {"score_weight": 3, "pair_temperature": 4})],
)
def test_the_loss_is_the_mean_over_graphs_of_the_losses_of_each(
    unlabelled: str, options: dict[str, float]
) -> None:
    generator = torch.Generator().manual_seed(0)
    graphs = [
        Data(
            x=torch.randn(size, 2, generator=generator),
            edge_index=torch.randint(size, (2, 3 * size), generator=generator),
            y=torch.randint(-1, 3, (size,), generator=generator),
        )
        for size in (6, 9)
    ]
    options = {"channels": 4, "layers": 1, "unlabelled": unlabelled, **options}
    module = PartitionModule(2, 0, objective="bcubed", **options)
    weight = options.get("score_weight", 1)
    for is_warm in (True, False):
        module.is_warm, expected = is_warm, 0.0
        for graph in graphs:
            logits = module.net(graph.x, graph.edge_index, torch.ones(graph.num_edges, 1))
            arguments = graph.x, graph.edge_index
            scored = {"y": graph.y, "edge_score": logits, "unlabelled": unlabelled}
            expected += pair_bce(module.pool, *arguments, **scored) / 2
            if not is_warm:
                tree = module.pool.dendrogram(*arguments, edge_score=logits)
                wide = tree._replace(temperature=options.get("pair_temperature", tree.temperature))
                pairs, bcubed = (
                    PartitionLoss(name, unlabelled=unlabelled) for name in ("pairs", "bcubed")
                )
                expected += pairs(wide, graph.y).sum() / 2
                expected += weight * bcubed(tree, graph.y).sum() / 2
        module.log_dict = lambda *_, **__: None
        loss = module.training_step(Batch.from_data_list(graphs))
        torch.testing.assert_close(loss, expected)
        loss.backward()
        assert (module.pool.raw_threshold.grad != 0) == (not is_warm)


def test_graphs_in_which_nothing_merges_have_scores_and_no_threshold() -> None:
    module = PartitionModule(2, 0, channels=4, layers=1, baseline=True)
    graph = Data(
        x=torch.randn(3, 2), edge_index=torch.empty(2, 0).long(), y=torch.tensor([0, 0, 1])
    )
    batch = Batch.from_data_list([graph])
    cut = module.scan_baseline([batch])
    scores = module.score([batch], cut)
    assert scores["threshold"] is None
    assert scores["pair_f1"] == 0
