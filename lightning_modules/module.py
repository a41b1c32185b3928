"""The text model as a LightningModule."""

import math
from collections.abc import Sequence
from typing import Literal, get_args

import lightning as L
import torch
from lightning.pytorch.plugins import MixedPrecision
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.optim import AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torch_geometric.data import Data
from torchmetrics import MeanMetric, Metric
from torchmetrics.text import CharErrorRate, EditDistance

from lightning_modules.model_options import PoolOptions, StructuralOptions
from lightning_modules.unit_error_rate import UnitErrorRate
from lightning_modules.weighted_mean import WeightedMean
from pyg_grapheme.nn import StructuralLoss
from pyg_grapheme.nn.pool import MergeHistory
from pyg_grapheme.options import expect_one_of
from pyg_grapheme.text import GraphPair, apply_edits, as_written, join_units
from pyg_grapheme.text.model import (
    GraphTransformNet,
    TransformLoss,
    TransformLossOutput,
    default_pool,
)
from pyg_grapheme.text.model.graph_transform_net import expect_texts
from pyg_grapheme.text.readers.historical import preprocess_spelling
from pyg_grapheme.typing import LossName, NormalForm, PreprocessName, UnitsName


class TransformModule(L.LightningModule):
    """Train a :class:`GraphTransformNet` through the exact expectation over its merges.

    Training minimises the expected loss; validation, test and prediction merge at the plain
    threshold.

    Args:
        vocabulary: Units that the model can write; set by the data.
        form: Unicode normal form; set by the data.
        source_units: What a node of a text that is read is; set by the data.
        target_units: What is written at once; set by the data.
        known_targets: What is written for these sources, whatever the model would make of them, if
            they come without tags; set by the data.
        preprocess: What was done to the texts of the data, and is to those that are given later.
        channels: Features a node.
        layers: Encoder layers.
        dropout: Probability of dropping a feature, and of training on a text without one of the
            decoder's readers.
        buckets: Rows of the hashed embedding.
        merges: Whether anything is merged at all.
        max_insert: Units inserted in one place at most when predicting.
        pool: Options of the pool.
        loss: "structural", "cross_entropy", or "hybrid", their sum.
        structural: Options of the structural loss.
        structural_weight: Weight of the structural loss in "hybrid".
        max_cuts: Merges of one text to work out at most in a step; of a text that has more, so
            many are drawn, unbiased. All of them if None.
        mass: Share of the probability of all merges of a text to work out at least in a step.
        lr: Learning rate of Adam.
        threshold_lr: Learning rate of the raw threshold; ``lr`` if None.
        weight_decay: How fast weights shrink by themselves (AdamW); the raw threshold never does.
        schedule: "constant", or "linear": up over the first 5 % of the steps, then down to 0.
    """

    def __init__(
        self,
        vocabulary: list[str],
        form: NormalForm = "NFC",
        source_units: UnitsName = "graphemes",
        target_units: UnitsName = "graphemes",
        known_targets: dict[str, str] | None = None,
        preprocess: PreprocessName = "none",
        *,
        channels: int = 256,
        layers: int = 2,
        dropout: float = 0.3,
        buckets: int = 1024,
        merges: bool = True,
        max_insert: int = 64,
        pool: PoolOptions | None = None,
        loss: LossName = "hybrid",
        structural: StructuralOptions | None = None,
        structural_weight: float = 1.0,
        max_cuts: int | None = None,
        mass: float = 1.0,
        lr: float = 2e-3,
        threshold_lr: float | None = None,
        weight_decay: float = 0.0,
        schedule: Literal["constant", "linear"] = "constant",
    ) -> None:
        super().__init__()
        expect_one_of("preprocess", preprocess, get_args(PreprocessName))
        expect_one_of("schedule", schedule, ("constant", "linear"))
        rates = {"lr": lr, "threshold_lr": threshold_lr, "weight_decay": weight_decay}
        for name, rate in rates.items():
            if rate is not None and not 0 <= rate < float("inf"):
                raise ValueError(f"Expected '{name}' to be at least 0 (got {rate})")
        self.save_hyperparameters()
        self.known_targets, self.preprocess = known_targets or {}, preprocess
        self.lr, self.weight_decay, self.schedule = lr, weight_decay, schedule
        self.threshold_lr = lr if threshold_lr is None else threshold_lr
        self.net = GraphTransformNet(
            vocabulary,
            channels=channels,
            layers=layers,
            dropout=dropout,
            buckets=buckets,
            pool=default_pool(channels, **(pool or {})),
            merges=merges,
            max_insert=max_insert,
            form=form,
            source_units=source_units,
            target_units=target_units,
        )
        self.loss = TransformLoss(
            loss, StructuralLoss(**(structural or {})), structural_weight, max_cuts, mass
        )
        _freeze_unreached(self.net, loss)
        noted = ("loss", "structural", "cross_entropy", "coarse_share", "raw_threshold_grad")
        self.means = torch.nn.ModuleDict({name: WeightedMean() for name in noted})
        self.exact_match = MeanMetric()
        self.char_error_rate = CharErrorRate()
        self.unit_error_rate = UnitErrorRate(target_units, form)
        self.edit_distance = EditDistance()

    def forward(self, texts: Sequence[str], tags: Sequence[Sequence[str]] = ()) -> list[str]:
        """Rewrite texts: preprocessed as the data was, and what is known is not asked again."""
        expect_texts(texts, tags)
        net = self.net
        given = tags or [()] * len(texts)
        answers, asked = list(texts), {}
        for number, (text, own) in enumerate(zip(texts, given, strict=True)):
            read = preprocess_spelling(text) if self.preprocess == "historical" else text
            if read is None:
                continue  # Of what the data leaves out nothing was learned: it stays what it is.
            known = None
            if self.known_targets and not own:  # To take texts apart costs more than all else here.
                known = self.known_targets.get(as_written(read, net.source_units, net.form))
            if known is None:
                asked[number] = read
            else:
                answers[number] = known
        written = net(list(asked.values()), [given[number] for number in asked])
        for number, text in zip(asked, written, strict=True):
            answers[number] = text
        return answers

    def rewrite(self, graphs: Data) -> tuple[list[str], MergeHistory]:
        """Rewrite the texts of a batch of graphs, and say what was merged."""
        net = self.net
        edits, history = net.predict(graphs)
        written = [apply_edits(e, net.form, net.target_units) for e in edits]
        if self.known_targets:
            tagged = set(graphs.batch[graphs.is_tag].tolist())
            for number, units in enumerate(graphs.text):
                if number not in tagged:
                    source = join_units(units, net.source_units, net.form)
                    written[number] = self.known_targets.get(source, written[number])
        return written, history

    def on_train_start(self) -> None:
        """Forget what was noted in an epoch that was broken off; Lightning forgets whole ones."""
        for mean in self.means.values():
            assert isinstance(mean, WeightedMean)
            mean.reset()

    def training_step(self, pair: GraphPair) -> Tensor:
        """Minimise the expected loss."""
        losses: TransformLossOutput = self.loss(self.net, pair)
        loss: Tensor = losses.total.mean()
        size = losses.total.numel()
        self._note("train/loss", loss, size)
        self._note("train/structural", losses.structural.mean(), size)
        self._note("train/cross_entropy", losses.cross_entropy.mean(), size)
        nodes = max(1, int((~pair.source.is_tag).sum()))
        # Weighted by nodes, its mean is C/N of all texts, however they are dealt out to batches.
        self._note("train/coarse_share", losses.clusters.sum() / nodes, nodes)
        if self._trainer and self._trainer.progress_bar_callback:
            self.log("loss_now", loss, prog_bar=True, logger=False)
        return loss

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Note the gradient of the threshold: exact, unless cuts are drawn."""
        gradient = self.net.pool.raw_threshold.grad
        if gradient is not None:  # not frozen
            self._note("train/raw_threshold_grad", gradient, 1)  # every step counts alike

    def _note(self, name: str, value: Tensor, weight: int) -> None:
        """Take a value into its mean of the epoch."""
        mean = self.means[name.removeprefix("train/")]
        assert isinstance(mean, WeightedMean)
        if not mean.update_called:
            # Once an epoch: to log the value at each step would take a small model a tenth of it.
            self.log(name, mean, on_step=False, on_epoch=True)
        mean.update(value.detach(), weight)

    def on_train_epoch_end(self) -> None:
        """Log where the threshold is."""
        # It is the same in all processes; Lightning is told to take the mean, lest it warn.
        pool = self.net.pool
        self.log("raw_threshold", pool.raw_threshold.detach(), sync_dist=True)
        self.log("threshold", pool.threshold.detach(), prog_bar=True, sync_dist=True)

    def validation_step(self, pair: GraphPair) -> None:
        """Compare predictions with the targets."""
        net = self.net
        targets = [join_units(text, net.target_units, net.form) for text in pair.target.text]
        predictions = self.predict_step(pair)
        matches = [float(p == t) for p, t in zip(predictions, targets, strict=True)]
        self.exact_match.update(torch.tensor(matches))
        for metric in (self.char_error_rate, self.unit_error_rate, self.edit_distance):
            metric.update(predictions, targets)

    def on_validation_epoch_end(self) -> None:
        """Log the metrics of the whole set, of all processes."""
        self.log("val/exact_match", self.exact_match, prog_bar=True)
        rates: dict[str, Metric] = {
            "val/char_error_rate": self.char_error_rate,
            "val/unit_error_rate": self.unit_error_rate,
            "val/edit_distance": self.edit_distance,
        }
        self.log_dict(rates)

    def predict_step(self, pair: GraphPair) -> list[str]:
        """Rewrite the source texts of a batch."""
        rewritten, _ = self.rewrite(pair.source)
        return rewritten

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam, with a learning rate of its own for the threshold."""
        threshold = self.net.pool.raw_threshold
        rest = [p for p in self.parameters() if p is not threshold]
        optimizer = AdamW(  # without decay, Adam to the last bit
            [
                {"params": rest, "lr": self.lr, "weight_decay": self.weight_decay},
                {"params": [threshold], "lr": self.threshold_lr, "weight_decay": 0.0},
            ],
            # All of its parameters at once, which small models feel. In mixed precision, Lightning
            # clips no gradients of such an optimizer.
            fused=not (
                self._trainer and isinstance(self._trainer.precision_plugin, MixedPrecision)
            ),
        )
        if self.schedule == "constant":
            return optimizer
        steps = self.trainer.estimated_stepping_batches
        if math.isinf(steps):
            raise ValueError(
                "Expected 'schedule' to be \"constant\" where neither 'max_epochs' nor 'max_steps' "
                'says how long a run is (got "linear")'
            )
        warm = max(1, int(steps) // 20)

        def factor(step: int) -> float:
            return min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))

        scheduler = LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }


def _freeze_unreached(net: GraphTransformNet, loss: LossName) -> None:
    """Freeze what a loss does not reach: several processes would wait for its gradients."""
    if loss == "cross_entropy":
        net.activation.requires_grad_(False)
    if loss == "structural":
        net.decoder.requires_grad_(False)
