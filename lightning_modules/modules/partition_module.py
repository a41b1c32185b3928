"""A network whose answer is a partition, as a module that the commands can run."""

import math
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeAlias, TypedDict, cast

import lightning as L
import torch
from torch import Tensor, nn
from torch_geometric.data import Data
from torch_geometric.utils import scatter
from torchmetrics import Metric, MetricCollection

from lightning_modules.datamodules.graph_data_module import GraphDataModule
from lightning_modules.modules.partition.edge_net import EdgeNet
from lightning_modules.modules.partition.predict import (
    add_sources,
    cluster_lines,
    evaluate_sources,
)
from lightning_modules.modules.task_module import Scores, TaskModule
from lightning_modules.report.partition_report import report_partition
from lightning_modules.run.run_recorder import RunRecorder
from pyg_grapheme.metrics import ClusteringScore
from pyg_grapheme.metrics.partition.contingency import UnlabelledName
from pyg_grapheme.metrics.partition.scores import ScoreName
from pyg_grapheme.nn import PartitionLoss, ThresholdMergePool, best_threshold
from pyg_grapheme.nn.partition.pair_bce import labelled_pair_bce
from pyg_grapheme.nn.pool.dendrogram.dendrogram import Dendrogram
from pyg_grapheme.options import expect_at_least, expect_between, expect_count, expect_flag
from pyg_grapheme.typing import MergeName

SCORES = ("double_majority", "bcubed", "pair_f1")
"""What is reported, besides the objective."""


ObjectiveName: TypeAlias = Literal["pairs", ScoreName]
"""The likelihood of pairs alone, or a score besides it."""


class CountedLabels(TypedDict):
    """The options of losses and scores that say which labels count."""

    unlabelled: UnlabelledName
    min_size: int


class PartitionModule(TaskModule):
    """Score edges by a network, and learn network and threshold for the partition they lead to.

    The loss of a graph is the binary cross-entropy of its candidate pairs; unless ``is_warm``, also
    the likelihood of all pairs that meet in the dendrogram, and, weighted, 1 minus the expected
    objective. ``PartitionRecipe`` sets the phase, and lowers the temperature of the objective.

    Args:
        in_channels: Features per node; set by the data.
        edge_dim: Features per edge; set by the data.
        unlabelled: Meaning of the label -1, as for ``PartitionLoss``; set by the data.
        channels: Hidden features of nodes and edges.
        layers: Layers of the network.
        objective: Score of a partition, as for ``PartitionLoss``.
        merge: Linkage.
        min_size: Labels of fewer nodes are not counted, as for ``PartitionLoss``.
        baseline: Whether to train another network of the same initial weights, on the same batches,
            by cross-entropy alone. The report compares its connected components, at the threshold
            that is best on the validation graphs.
        score_weight: Weight of the expected objective.
        pair_temperature: Temperature of the likelihood of pairs; that of the objective if None.
        lr: Learning rate of AdamW.
        threshold_lr: Learning rate of the raw threshold.
    """

    data_links: ClassVar[Sequence[str]] = ("in_channels", "edge_dim", "unlabelled")
    pooled_scores: ClassVar[bool] = False
    """Whether scores are those of all graphs together, not the mean over graphs."""

    def __init__(
        self,
        in_channels: int,
        edge_dim: int,
        unlabelled: UnlabelledName = "ignore",
        *,
        channels: int = 32,
        layers: int = 4,
        objective: ObjectiveName = "double_majority",
        merge: MergeName = "average",
        min_size: int = 1,
        baseline: bool = False,
        score_weight: float = 1.0,
        pair_temperature: float | None = None,
        lr: float = 3e-3,
        threshold_lr: float = 3e-2,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.lr = expect_at_least("lr", lr, 0)
        self.threshold_lr = expect_at_least("threshold_lr", threshold_lr, 0)
        expect_flag("baseline", baseline)
        self.features = in_channels, edge_dim
        self.is_warm = False
        # Pairs that meet in the dendrogram have no score at a single cut.
        self.metric = SCORES[-1] if objective == "pairs" else objective
        self.net = self.make_net(in_channels, edge_dim, channels, layers)
        self.pool = ThresholdMergePool(0.5, logits=True, merge=merge)
        self.baseline = deepcopy(self.net) if baseline else None
        self.counted = CountedLabels(unlabelled=unlabelled, min_size=min_size)
        self.score_weight = expect_at_least("score_weight", score_weight, 0)
        self.pair_temperature = pair_temperature
        if pair_temperature is not None:
            expect_between("pair_temperature", pair_temperature, 0, math.inf, "positive")
        self.pairs = PartitionLoss("pairs", **self.counted)
        self.score_loss = None
        if objective != "pairs":
            self.score_loss = PartitionLoss(objective, **self.counted)
        self.scores = self._make_scores()

    def make_net(self, in_channels: int, edge_dim: int, channels: int, layers: int) -> nn.Module:
        """Return the network (x [N, F], edge_index [2, E], edge_attr [E, D]) -> logits [E]."""
        expect_count("channels", channels)
        return EdgeNet(in_channels, max(1, edge_dim), channels, expect_count("layers", layers))

    def logits(self, graphs: Data) -> Tensor:
        """Return the logit of each edge [E]."""
        return _logits(self.net, graphs)

    def tree(self, graphs: Data, logits: Tensor) -> Dendrogram:
        """Return the merges of a batch by the logits of its edges."""
        return self.pool.dendrogram(
            *_arguments(graphs), edge_score=logits, threshold=self.thresholds(graphs)
        )

    @torch.no_grad()
    def baseline_logits(self, graphs: Data) -> Tensor:
        """Return the logit of each edge [E] by the baseline."""
        assert self.baseline is not None
        return _logits(self.baseline, graphs)

    def baseline_tree(self, graphs: Data, logits: Tensor) -> Dendrogram:
        """Return the merges of a batch by connected components, of the baseline's logits."""
        return ThresholdMergePool(logits=True).dendrogram(*_arguments(graphs), edge_score=logits)

    def thresholds(self, graphs: Data) -> Tensor | None:
        """Return a threshold per graph [B], as a logit, or None for the learned one of all."""
        return None

    def threshold_parameters(self) -> list[nn.Parameter]:
        """Return the parameters, numbers, that thresholds are made of."""
        return [self.pool.raw_threshold]

    def get_extra_state(self) -> Tensor:
        """Return the temperature, which training lowers and probabilities depend on."""
        return torch.tensor(self.pool.temperature, dtype=torch.double)

    def set_extra_state(self, state: Tensor) -> None:
        """Take over the temperature of a checkpoint."""
        self.pool.temperature = float(state)

    def _make_scores(self, sync: bool = True) -> MetricCollection:
        names = sorted({self.metric, *SCORES})
        return MetricCollection(
            {
                name: ClusteringScore(
                    name, pooled=self.pooled_scores, **self.counted, sync_on_compute=sync
                )
                for name in names
            }
        )

    def forward(self, graphs: Data) -> Tensor:
        """Return the cluster [N] of each node of a batch, at the learned threshold."""
        logits, threshold = self.logits(graphs), self.thresholds(graphs)
        selection = self.pool.select(*_arguments(graphs), edge_score=logits, threshold=threshold)
        return selection.cluster

    def training_step(self, graphs: Data) -> Tensor:
        """Minimise the losses of the phase."""
        logits = self.logits(graphs)
        bce = self._bce(logits, graphs).mean()
        # Every weight has a gradient in both phases, as DDP expects.
        loss = bce + 0 * sum(self.threshold_parameters())
        pooled = loss.new_zeros(())  # The score of the graphs of all processes.
        if not self.is_warm:
            tree = self.tree(graphs, logits)
            wide = tree._replace(temperature=self.pair_temperature or tree.temperature)
            loss = loss + self.pairs(wide, graphs.y).mean()
            if self.score_loss is not None:
                score = self.score_weight * self.score_loss(tree, graphs.y).mean()
                if self.score_loss.pooled:
                    pooled = score
                else:
                    loss = loss + score
        values = {"train/loss": loss + pooled, "train/bce": bce}
        if self.baseline is not None:
            values["train/baseline"] = self._bce(_logits(self.baseline, graphs), graphs).mean()
            loss = loss + values["train/baseline"]
        self.log_dict(
            {name: value.detach() for name, value in values.items()},
            on_step=False,
            on_epoch=True,
            sync_dist=True,
            prog_bar=True,
            # Lightning rounds the mean of whole numbers over the processes down.
            batch_size=float(graphs.num_graphs),  # type: ignore[arg-type]
        )
        return self.as_share(loss, graphs.num_graphs) + pooled

    def _bce(self, logits: Tensor, graphs: Data) -> Tensor:
        """Return the mean of "same label" over the labelled candidate pairs of each graph, [B].

        ``pair_bce`` takes the mean over the pairs of all graphs, which batches of several processes
        share unequally.
        """
        pairs, bce = labelled_pair_bce(
            self.pool,
            *_arguments(graphs),
            y=graphs.y,
            edge_score=logits,
            unlabelled=self.counted["unlabelled"],
        )
        mean: Tensor = scatter(
            bce, graphs.batch[pairs[0]], dim_size=graphs.num_graphs, reduce="mean"
        )
        return mean

    def tracked_values(self) -> dict[str, Tensor]:
        """Return the threshold, as a logit."""
        return {"threshold": self.pool.raw_threshold.detach()}

    def validation_step(self, graphs: Data) -> None:
        """Compare clusters with labels."""
        self.update_scores(self.scores, self(graphs), graphs)

    def update_scores(
        self, scores: MetricCollection | Metric, cluster: Tensor, graphs: Data
    ) -> None:
        """Score clusters; only nodes marked ``counted`` count, if the graphs have that field."""
        counted = graphs.get("counted")
        scores.update(cluster, graphs.y, graphs.batch, graphs.num_graphs, counted=counted)

    def on_validation_epoch_end(self) -> None:
        """Log the scores of the whole set, of all processes."""
        values = {f"val/{name}": value for name, value in self.scores.compute().items()}
        self.log_dict(values, prog_bar=True, sync_dist=True)
        self.scores.reset()

    def predict_step(self, graphs: Data) -> Tensor:
        """Return the cluster [N] of each node of a batch."""
        clusters: Tensor = self(graphs)
        return clusters

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return AdamW, with a separate learning rate for the threshold."""
        thresholds = self.threshold_parameters()
        rest = [p for p in self.parameters() if not any(p is t for t in thresholds)]
        groups: list[dict[str, Any]] = [
            {"params": rest, "lr": self.lr},
            {
                "params": thresholds,
                "lr": self.threshold_lr,
                "weight_decay": 0.0,
                "constant": True,
            },
        ]
        return torch.optim.AdamW(groups)

    def report(
        self, folder: Path, checkpoint: str, data: L.LightningDataModule, recorder: RunRecorder
    ) -> None:
        """Compare the scores of each split with those of the baseline, in print and pictures."""
        report_partition(self, folder, checkpoint, cast(GraphDataModule, data), recorder)

    def scan_baseline(self, batches: Iterable[Data]) -> float:
        """Return the threshold of the baseline that is best on these graphs, of all thresholds."""
        listed = list(batches)
        trees = [self.baseline_tree(graphs, self.baseline_logits(graphs)) for graphs in listed]
        return best_threshold(trees, [g.y for g in listed], self.metric, **self.counted).threshold

    @torch.no_grad()
    def find_clusters(self, graphs: Data, baseline_threshold: float | None = None) -> Tensor:
        """Return the cluster [N] of each node: at the learned threshold, or of the baseline."""
        if baseline_threshold is None:
            return cast(Tensor, self(graphs))
        return self.cut_baseline(graphs, baseline_threshold)

    def cut_baseline(self, graphs: Data, threshold: float) -> Tensor:
        """Return the cluster [N] of each node by the baseline."""
        return self.baseline_tree(graphs, self.baseline_logits(graphs)).cut(threshold)

    def score(self, batches: Iterable[Data], baseline_threshold: float | None = None) -> Scores:
        """Return the scores of graphs: at the learned threshold, or of the baseline at another."""
        count, scores = 0, self._make_scores(sync=False)  # One process reports.
        for graphs in batches:
            cluster = self.find_clusters(graphs, baseline_threshold)
            self.update_scores(scores, cluster, graphs)
            count += graphs.num_graphs
        found = {name: float(value) for name, value in scores.compute().items()}
        learned = float(self.pool.raw_threshold.detach())
        threshold = learned if baseline_threshold is None else baseline_threshold
        shown = threshold if math.isfinite(threshold) else None  # infinite if nothing merges
        return {"graphs": count, **found, "threshold": shown}

    @classmethod
    def add_evaluate_arguments(cls, parser: ArgumentParser) -> None:
        """Add the sources of labelled graphs."""
        add_sources(parser)

    def evaluate(self, options: Namespace) -> Mapping[str, Scores]:
        """Return the scores at the learned threshold, per source."""
        return evaluate_sources(self, options)

    @classmethod
    def add_predict_arguments(cls, parser: ArgumentParser) -> None:
        """Add the sources of graphs."""
        add_sources(parser)

    def predict_lines(self, options: Namespace) -> Iterator[Sequence[str]]:
        """Yield one cluster id per node, in order; no two graphs share an id."""
        yield from cluster_lines(self, options)


def _arguments(graphs: Data) -> tuple[Tensor, Tensor, None, Tensor, int]:
    """Return the arguments that describe a batch to the pool, without attributes."""
    return graphs.x, graphs.edge_index, None, graphs.batch, graphs.num_graphs


def _logits(net: nn.Module, graphs: Data) -> Tensor:
    dtype = next(net.parameters()).dtype
    edge_attr = graphs.edge_attr
    if edge_attr is None:
        edge_attr = graphs.x.new_ones(graphs.num_edges)
    edge_attr = edge_attr[:, None] if edge_attr.dim() == 1 else edge_attr
    logits: Tensor = net(graphs.x.to(dtype), graphs.edge_index, edge_attr.to(dtype))
    return logits
