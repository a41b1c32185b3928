"""Edges above a threshold that is learned while a network is trained on them."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch_geometric.data import Data

from benchmarks.rewiring.data import jaccard
from benchmarks.rewiring.gcn import GCN
from benchmarks.rewiring.training import FixedEdges, TrainingOptions
from pyg_grapheme.graphs import find_edges
from pyg_grapheme.nn import ThresholdRewire


class EdgeScore(nn.Module):
    """Jaccard similarity, plus a multiple of the agreement, less a penalty of inserted edges.

    Args:
        agreement: Weight of the agreement; None leaves it out.
        penalty: What is subtracted from inserted edges; None if there are none.
    """

    def __init__(self, agreement: float | None, penalty: float | None) -> None:
        super().__init__()
        self.agreement = None if agreement is None else nn.Parameter(torch.tensor(agreement))
        self.penalty = None if penalty is None else nn.Parameter(torch.tensor(penalty))

    def forward(self, similarity: Tensor, agreement: Tensor, is_new: Tensor) -> Tensor:
        """Return the scores; all arguments are [E]."""
        score = similarity
        if self.agreement is not None:
            score = score + self.agreement * (agreement - 0.5)
        return score if self.penalty is None else score - self.penalty * is_new


class LearnedEdges(FixedEdges):
    """The edges whose score is above a learned threshold.

    The weights are trained under a threshold that is drawn evenly among the scores of the input
    edges, so that they fit all graphs of the filtration. Threshold and score descend the expected
    error on the validation nodes, which is exact over a coarser filtration, at fixed weights. The
    agreement of two nodes is the probability that two classes drawn from their predictions are the
    same; predictions are averaged over epochs, and those of training nodes are their labels.

    Args:
        data: The attacked graph.
        options: The options of training.
        agrees: Whether the agreement is part of the score.
        inserts: Whether edges to the nearest neighbours are candidates.
    """

    def __init__(
        self, data: Data, options: TrainingOptions, agrees: bool = False, inserts: bool = False
    ) -> None:
        edges = candidate_edges(data, options.neighbours) if inserts else data.edge_index
        super().__init__(edges, options.threshold)
        self.data, self.options = data, options
        self.rewire = ThresholdRewire(
            1 / (1 + math.exp(-options.threshold)), logits=True, temperature=options.temperature
        )
        self.score = EdgeScore(
            options.agreement if agrees else None, options.penalty if inserts else None
        )
        self.optimizer = torch.optim.Adam(
            [*self.rewire.parameters(), *self.score.parameters()],
            lr=options.threshold_lr,
            betas=(0.9, 0.99),
        )
        self.nodes = torch.zeros(data.num_nodes, 1)
        self.similarity = jaccard(data.x, self.edge_index)
        self.is_new = (find_edges(self.edge_index, data.edge_index, data.num_nodes) < 0).float()
        self.agreement = torch.full_like(self.similarity, 0.5)
        self.predicted = self.nodes
        self.epoch = 0

    def draw(self) -> Tensor:
        """Return the edges that score at least as much as an input edge that is drawn."""
        with torch.no_grad():
            score = self._scores()
            known = score[self.is_new == 0]
            drawn = known[torch.randint(known.numel(), (1,))]
            below = torch.nextafter(drawn, torch.full_like(drawn, -math.inf))
            return self.rewire(self.nodes, self.edge_index, edge_score=score, threshold=below)[0]

    def edges(self) -> Tensor:
        """Return the edges above the threshold."""
        with torch.no_grad():
            return self.rewire(self.nodes, self.edge_index, edge_score=self._scores())[0]

    def learn(self, network: GCN, projected: Tensor) -> int:
        """Descend the expected error on the validation nodes."""
        self.epoch += 1
        if self.epoch % self.options.interval:
            return 0
        cuts = self.rewire.cuts(
            self.nodes,
            self.edge_index,
            edge_score=self._scores(),
            levels=self.options.levels,
        )
        with torch.no_grad():
            logits = network(projected[cuts.node], cuts.output.edge_index)
            predicted = logits.argmax(dim=1).view(cuts.num_cuts, -1)
            is_wrong = (predicted != self.data.y)[:, self.data.val_mask]
        self.optimizer.zero_grad()
        cuts.expectation(is_wrong.float().mean(dim=1)).sum().backward()
        self.optimizer.step()
        self.threshold = float(self.rewire.raw_threshold.detach())
        return cuts.num_cuts

    def observe(self, logits: Tensor) -> None:
        """Average the predictions, and let them agree."""
        if self.score.agreement is None:
            return
        predicted, train = logits.softmax(dim=1), self.data.train_mask
        predicted[train] = F.one_hot(self.data.y[train], logits.size(1)).float()
        past = self.options.averaging if self.epoch > 1 else 0.0
        self.predicted = past * self.predicted + (1 - past) * predicted
        if self.epoch > self.options.agreement_start:
            self.agreement = self.predicted[self.edge_index].prod(dim=0).sum(dim=1)

    def _scores(self) -> Tensor:
        scores: Tensor = self.score(self.similarity, self.agreement, self.is_new)
        return scores


def candidate_edges(data: Data, neighbours: int) -> Tensor:
    """Return the input edges and those to the nearest neighbours, each in both directions."""
    rewire = ThresholdRewire(candidates="knn", k=neighbours)
    pairs = rewire.scores(data.x, data.edge_index).pairs
    return torch.cat([pairs, pairs.flip(0)], dim=1)
