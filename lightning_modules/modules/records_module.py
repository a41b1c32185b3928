"""A score of pairs of records, as a module that the commands can run."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import lightning as L
import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from lightning_modules.datamodules.records_data_module import RecordsDataModule
from lightning_modules.errors import exit_on_input_error
from lightning_modules.modules.partition_module import ObjectiveName, PartitionModule
from lightning_modules.modules.records.linked_records import LinkedRecords
from lightning_modules.modules.records.pair_net import PairNet
from lightning_modules.modules.records.predict import (
    add_predict_arguments,
    cluster_lines,
    evaluate_table,
)
from lightning_modules.modules.task_module import Scores
from lightning_modules.report.records_report import report_records
from lightning_modules.run.run_recorder import RunRecorder
from pyg_grapheme.metrics.partition.contingency import UnlabelledName
from pyg_grapheme.nn.pool.clustering.constrained import ConstrainedMergeName
from pyg_grapheme.nn.pool.clustering.merge_constraints import MergeConstraints
from pyg_grapheme.options import expect_count, expect_flag, expect_share
from pyg_grapheme.records.record_encoder import RecordEncoder

SCANNED = 100
"""Thresholds that a scan compares."""


class RecordsModule(PartitionModule):
    """Score pairs of records by a network, and learn the threshold for the clusters they lead to.

    Trains as :class:`PartitionModule` does. Its checkpoint holds what the encoder learned from the
    table, so ``predict`` clusters other tables of the same columns.

    Args:
        in_channels: Features per record; set by the data.
        edge_dim: Features per pair; set by the data.
        encoder: Options of the encoder; set by the data.
        unlabelled: Meaning of the label -1; set by the data.
        channels: Hidden features.
        layers: Layers of messages between the pairs of a record; 0 to score pairs by themselves.
        dropout: Share of the features of a pair that are 0 in training.
        objective: Score of a partition, as for ``PartitionLoss``.
        merge: Linkage.
        threshold_by_size: Whether the threshold of a block of n records is w0 + w1 log(n / 100),
            w1 learned, too.
        baseline: As for :class:`PartitionModule`, and so are the rest.
        score_weight: Weight.
        pair_temperature: Temperature.
        lr: Learning rate.
        threshold_lr: That of the thresholds.
    """

    data_links = ("in_channels", "edge_dim", "encoder", "unlabelled")
    pooled_scores = True

    def __init__(
        self,
        in_channels: int,
        edge_dim: int,
        encoder: dict[str, Any],
        unlabelled: UnlabelledName = "ignore",
        *,
        channels: int = 64,
        layers: int = 0,
        dropout: float = 0.0,
        objective: ObjectiveName = "bcubed",
        merge: ConstrainedMergeName = "average",
        threshold_by_size: bool = False,
        baseline: bool = False,
        score_weight: float = 1.0,
        pair_temperature: float | None = None,
        lr: float = 3e-3,
        threshold_lr: float = 3e-2,
    ) -> None:
        super().__init__(
            in_channels,
            edge_dim,
            unlabelled,
            channels=channels,
            layers=layers,
            objective=objective,
            merge=merge,
            baseline=baseline,
            score_weight=score_weight,
            pair_temperature=pair_temperature,
            lr=lr,
            threshold_lr=threshold_lr,
        )
        self.save_hyperparameters()
        share = expect_share("dropout", dropout)
        for net in (self.net, self.baseline):
            if net is not None:
                cast(PairNet, net).dropout.p = share
        expect_flag("threshold_by_size", threshold_by_size)
        self.size_slope = nn.Parameter(torch.zeros(())) if threshold_by_size else None
        options = dict(encoder)
        self.block: Sequence[str] = options.pop("block")
        self.source: str | None = options.pop("source")
        self.encoder = RecordEncoder(**options)

    def make_net(self, in_channels: int, edge_dim: int, channels: int, layers: int) -> nn.Module:
        """Return the network that scores pairs, whatever their order."""
        channels, layers = expect_count("channels", channels), expect_count("layers", layers, 0)
        return PairNet(in_channels, edge_dim, channels, layers)

    def setup(self, stage: str) -> None:
        """Take over what the encoder of the data has learned."""
        if stage == "fit":
            data = cast(RecordsDataModule, self.trainer.datamodule)  # type: ignore[attr-defined]
            self.encoder.load_state_dict(data.fitted.state_dict())

    def thresholds(self, graphs: Data) -> Tensor | None:
        """Return the threshold of each block [B], as a logit, if it depends on its size."""
        if self.size_slope is None:
            return None
        # A block of which some records are drawn is as large as it is.
        size: Tensor = graphs.block_records.clamp(min=1)
        return self.pool.raw_threshold + self.size_slope * (size / 100).log()

    def threshold_parameters(self) -> list[nn.Parameter]:
        """Return the parameters of the thresholds."""
        slope = [] if self.size_slope is None else [self.size_slope]
        return [*super().threshold_parameters(), *slope]

    def tracked_values(self) -> dict[str, Tensor]:
        """Return the threshold, and how it changes with the size of a block."""
        slope = {} if self.size_slope is None else {"size_slope": self.size_slope.detach()}
        return {**super().tracked_values(), **slope}

    def link(self, graphs: Data, constraints: MergeConstraints | None = None) -> LinkedRecords:
        """Return the records of a batch with the scores of their pairs.

        Args:
            graphs: The blocks.
            constraints: On its records; without them, those of the sources if the blocks have any.
        """
        logits = self.logits(graphs)
        tree, merge = self.tree(graphs, logits), cast(ConstrainedMergeName, self.pool.merge)
        given = constraints or _constraints(graphs)
        return LinkedRecords(tree, graphs.edge_index, logits, merge, given)

    @torch.no_grad()
    def link_baseline(self, graphs: Data) -> LinkedRecords:
        """Return the same by the baseline, for connected components."""
        logits = self.baseline_logits(graphs)
        tree, given = self.baseline_tree(graphs, logits), _constraints(graphs)
        return LinkedRecords(tree, graphs.edge_index, logits, "components", given)

    def forward(self, graphs: Data) -> Tensor:
        """Return the cluster [N] of each record of a batch, at the learned threshold."""
        return self.link(graphs).cut()

    def cut_baseline(self, graphs: Data, threshold: float) -> Tensor:
        """Return the cluster [N] of each record by the baseline."""
        return self.link_baseline(graphs).cut(threshold)

    def score_curve(
        self, batches: Sequence[Data], linked: Sequence[LinkedRecords]
    ) -> tuple[Tensor, list[float]]:
        """Return thresholds, spread over the heights of the trees, and the score at each.

        Where the trees have a threshold per block, they are shifts of these.
        """
        trees = [each.tree for each in linked]
        offsets = [tree.threshold if tree.threshold.dim() else torch.zeros(1) for tree in trees]
        heights = torch.cat(
            [
                tree.height - offset.expand(tree.num_steps.numel())[tree.graph]
                for tree, offset in zip(trees, offsets, strict=True)
            ]
        )
        if heights.numel() == 0:
            return torch.zeros(1), [0.0]
        thresholds = heights.double().quantile(torch.linspace(0, 1, SCANNED).double()).float()
        scores = []
        for threshold in thresholds:
            metric = self._make_scores(sync=False)[self.metric]
            for graphs, each, offset in zip(batches, linked, offsets, strict=True):
                cut = (offset + threshold).expand(each.tree.num_steps.numel())
                self.update_scores(metric, each.cut(cut), graphs)
            scores.append(float(metric.compute()))
        return thresholds, scores

    def scan_baseline(self, batches: Iterable[Data]) -> float:
        """Return the best of the thresholds of :meth:`score_curve` for the baseline."""
        listed = list(batches)
        linked = [self.link_baseline(graphs) for graphs in listed]
        thresholds, scores = self.score_curve(listed, linked)
        return float(thresholds[int(torch.tensor(scores).argmax())])

    def report(
        self, folder: Path, checkpoint: str, data: L.LightningDataModule, recorder: RunRecorder
    ) -> None:
        """Compare the scores of each split with those of the baseline, in print and pictures."""
        report_records(self, folder, checkpoint, cast(RecordsDataModule, data), recorder)

    @classmethod
    def add_evaluate_arguments(cls, parser: ArgumentParser) -> None:
        """Add the table, and the column of its known clusters."""
        parser.add_argument("records", help="table with the columns of the training table")
        parser.add_argument("--cluster", required=True, help="column of the known entity ids")

    def evaluate(self, options: Namespace) -> Mapping[str, Scores]:
        """Return the scores of all records of known entity."""
        return evaluate_table(self, options)

    @classmethod
    def add_predict_arguments(cls, parser: ArgumentParser) -> None:
        """Add the table, and the constraints."""
        add_predict_arguments(parser)

    def predict_lines(self, options: Namespace) -> Iterator[Sequence[str]]:
        """Yield a CSV with the cluster of each record, and the probability of that cluster."""
        with exit_on_input_error():
            lines = cluster_lines(self, options)
        yield from lines


def _constraints(graphs: Data) -> MergeConstraints | None:
    """Return the constraint of one record per source, if the records have sources."""
    source = graphs.get("source")
    return None if source is None else MergeConstraints(source=source)
