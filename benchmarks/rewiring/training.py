"""Train a network on a graph whose edges are fixed, or learned beside the weights."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Data

from benchmarks.rewiring.gcn import GCN


class TrainingOptions(NamedTuple):
    """The options of training; the same for all rates of the attack.

    Attributes:
        hidden: Hidden features of the network.
        dropout: Dropout between its layers.
        lr: Learning rate of its weights.
        weight_decay: Weight decay of its weights.
        epochs: Steps of the weights.
        fixed: Threshold of GCN-Jaccard.
        scanned: Thresholds that are scanned.
        threshold: The learned threshold at the start.
        temperature: T of the learned threshold.
        threshold_lr: Learning rate of threshold and score.
        interval: Epochs per step of the threshold.
        levels: Steps of the coarser filtration that the expectation is taken over.
        agreement: Weight of the agreement of two predictions in the learned score, at the start.
        agreement_start: Epochs after which the agreement counts.
        averaging: Weight of the past in the averaged predictions.
        neighbours: Nearest nodes of each node to which edges may be inserted.
        penalty: What is subtracted from the score of an edge that would be inserted, at the start.
    """

    hidden: int = 16
    dropout: float = 0.5
    lr: float = 0.01
    weight_decay: float = 5e-4
    epochs: int = 200
    fixed: float = 0.01
    scanned: tuple[float, ...] = (0.0, 0.01, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1)
    threshold: float = 0.05
    temperature: float = 0.02
    threshold_lr: float = 0.003
    interval: int = 2
    levels: int = 16
    agreement: float = 0.2
    agreement_start: int = 20
    averaging: float = 0.9
    neighbours: int = 5
    penalty: float = 0.2


class Result(NamedTuple):
    """The network of the best validation accuracy.

    Attributes:
        passes: Graphs that went through the network, forward.
        threshold: Its threshold, None without one.
        epoch: Its epoch.
        val: Accuracy on the validation nodes.
        test: Accuracy on the test nodes.
    """

    passes: int
    threshold: float | None
    epoch: int
    val: float
    test: float


class FixedEdges:
    """The edges that a network is trained on and evaluated on: the same in all epochs.

    Args:
        edge_index: [2, E].
        threshold: What they have been selected by, None for nothing.
    """

    def __init__(self, edge_index: Tensor, threshold: float | None = None) -> None:
        self.edge_index, self.threshold = edge_index, threshold

    def draw(self) -> Tensor:
        """Return the edges of a training step."""
        return self.edge_index

    def edges(self) -> Tensor:
        """Return the edges of the evaluation."""
        return self.edge_index

    def learn(self, network: GCN, projected: Tensor) -> int:
        """Learn from a network and its projected features; return the number of passes."""
        return 0

    def observe(self, logits: Tensor) -> None:
        """Look at the logits of the evaluation."""


def train(data: Data, edges: FixedEdges, seed: int, options: TrainingOptions) -> Result:
    """Train a network and its edges by turns.

    In each epoch the weights take a step on the training nodes of a drawn graph, the edges learn,
    and the network is evaluated on the edges that are left. The best validation accuracy decides,
    then the smallest validation loss.
    """
    torch.manual_seed(seed)
    x = data.x.to_sparse_csr()
    network = GCN(x.size(1), int(data.y.max()) + 1, options.hidden, options.dropout)
    optimizer = torch.optim.Adam(
        network.parameters(), lr=options.lr, weight_decay=options.weight_decay
    )
    passes, best = 0, (-1.0, 0.0)
    for epoch in range(options.epochs):
        network.train()
        optimizer.zero_grad()
        logits = network(network.project(x), edges.draw())
        _loss(logits, data.y, data.train_mask).backward()
        optimizer.step()
        network.eval()
        with torch.no_grad():
            projected = network.project(x)
        passes += 2 + edges.learn(network, projected)
        with torch.no_grad():
            logits = network(projected, edges.edges())
        edges.observe(logits)
        val = _accuracy(logits, data.y, data.val_mask)
        rank = val, -float(_loss(logits, data.y, data.val_mask))
        if rank > best:
            test = _accuracy(logits, data.y, data.test_mask)
            best, chosen = rank, Result(0, edges.threshold, epoch, val, test)
    return chosen._replace(passes=passes)


def _loss(logits: Tensor, y: Tensor, mask: Tensor) -> Tensor:
    return F.cross_entropy(logits[mask], y[mask])


def _accuracy(logits: Tensor, y: Tensor, mask: Tensor) -> float:
    return float((logits[mask].argmax(dim=1) == y[mask]).float().mean())
