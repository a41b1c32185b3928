"""The text model as a LightningModule."""

from collections.abc import Sequence
from typing import Literal, TypedDict

import lightning as L
import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.optim import Adam, Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torchmetrics import MeanMetric
from torchmetrics.text import CharErrorRate

from pyg_grapheme.data import GraphPair, apply_edits
from pyg_grapheme.nn import GraphTransformNet, StructuralLoss, ThresholdMergePool
from pyg_grapheme.nn.models import TransformLoss, TransformLossOutput
from pyg_grapheme.options import expect_one_of
from pyg_grapheme.typing import CandidatesName, LossName, MergeName, NormalForm


class PoolOptions(TypedDict, total=False):
    """Options of :class:`ThresholdMergePool` that an experiment may set."""

    threshold: float
    candidates: CandidatesName
    merge: MergeName
    reduce: str
    temperature: float
    acyclic: bool


class StructuralOptions(TypedDict, total=False):
    """Options of :class:`StructuralLoss` that an experiment may set."""

    alpha: float
    beta: float
    gamma: float
    temperature: float
    max_iterations: int
    tolerance: float
    debias: bool


class TransformModule(L.LightningModule):
    """Train a :class:`GraphTransformNet` through the exact expectation over its merges.

    Training minimises the expected loss; validation, test and prediction merge at the plain
    threshold.

    Args:
        vocabulary: Graphemes that the model can write; set by the data.
        form: Unicode normal form; set by the data.
        channels: Features a node.
        layers: Encoder layers.
        heads: Attention heads a layer.
        dropout: Probability of dropping a feature.
        buckets: Rows of the hashed embedding.
        pool: Options of the pool.
        loss: "structural", "cross_entropy", or "hybrid", their sum.
        structural: Options of the structural loss.
        structural_weight: Weight of the structural loss in "hybrid".
        max_cuts: Merges of one text to work out at most in a step; of a text that has more, so
            many are drawn, unbiased. All of them if None.
        lr: Learning rate of Adam.
        threshold_lr: Learning rate of the raw threshold; ``lr`` if None.
        schedule: "constant", or "linear": up over the first 5 % of the steps, then down to 0.
    """

    def __init__(
        self,
        vocabulary: list[str],
        form: NormalForm = "NFC",
        *,
        channels: int = 128,
        layers: int = 2,
        heads: int = 4,
        dropout: float = 0.1,
        buckets: int = 1024,
        pool: PoolOptions | None = None,
        loss: LossName = "hybrid",
        structural: StructuralOptions | None = None,
        structural_weight: float = 1.0,
        max_cuts: int | None = None,
        lr: float = 2e-3,
        threshold_lr: float | None = None,
        schedule: Literal["constant", "linear"] = "constant",
    ) -> None:
        super().__init__()
        expect_one_of("schedule", schedule, ("constant", "linear"))
        for name, rate in (("lr", lr), ("threshold_lr", threshold_lr)):
            if rate is not None and not 0 <= rate < float("inf"):
                raise ValueError(f"Expected '{name}' to be at least 0 (got {rate})")
        self.save_hyperparameters()
        self.lr, self.schedule = lr, schedule
        self.threshold_lr = lr if threshold_lr is None else threshold_lr
        self.net = GraphTransformNet(
            vocabulary,
            channels=channels,
            layers=layers,
            heads=heads,
            dropout=dropout,
            buckets=buckets,
            pool=ThresholdMergePool(**(pool or {}), estimator="none"),
            form=form,
        )
        self.loss = TransformLoss(
            loss, StructuralLoss(**(structural or {})), structural_weight, max_cuts
        )
        self.exact_match = MeanMetric()
        self.char_error_rate = CharErrorRate()

    def forward(self, texts: Sequence[str], tags: Sequence[Sequence[str]] = ()) -> list[str]:
        """Rewrite texts."""
        rewritten: list[str] = self.net(texts, tags)
        return rewritten

    def training_step(self, pair: GraphPair) -> Tensor:
        """Minimise the expected loss."""
        losses: TransformLossOutput = self.loss(self.net, pair)
        nodes = (~pair.source.is_tag).sum().clamp(min=1)
        logged = {
            "train/loss": losses.total.mean(),
            "train/structural": losses.structural.mean(),
            "train/cross_entropy": losses.cross_entropy.mean(),
            "train/coarse_share": losses.clusters.sum() / nodes,
        }
        size = losses.total.numel()
        self.log_dict(logged, on_step=False, on_epoch=True, batch_size=size)
        self.log("train/loss_now", logged["train/loss"], prog_bar=True, logger=False)
        loss: Tensor = logged["train/loss"]
        return loss

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Log the gradient of the threshold: exact, unless cuts are drawn."""
        gradient = self.net.pool.raw_threshold.grad
        if gradient is None:  # frozen
            return
        self.log(
            "train/raw_threshold_grad",
            gradient.detach(),
            on_step=False,
            on_epoch=True,
            batch_size=1,  # every step counts alike
        )

    def on_train_epoch_end(self) -> None:
        """Log where the threshold is."""
        self.log("raw_threshold", self.net.pool.raw_threshold.detach())
        self.log("threshold", self.net.pool.threshold.detach(), prog_bar=True)

    def validation_step(self, pair: GraphPair) -> None:
        """Compare predictions with the targets."""
        targets = ["".join(text) for text in pair.target.text]
        predictions = self.predict_step(pair)
        matches = [float(p == t) for p, t in zip(predictions, targets, strict=True)]
        self.exact_match.update(torch.tensor(matches))
        self.char_error_rate.update(predictions, targets)

    def on_validation_epoch_end(self) -> None:
        """Log the metrics of the whole set."""
        self.log("val/exact_match", self.exact_match.compute(), prog_bar=True)
        self.log("val/char_error_rate", self.char_error_rate.compute())
        self.exact_match.reset()
        self.char_error_rate.reset()

    def predict_step(self, pair: GraphPair) -> list[str]:
        """Rewrite the source texts of a batch."""
        return [apply_edits(edits) for edits in self.net.predict(pair.source).edits]

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Adam, with a learning rate of its own for the threshold."""
        threshold = self.net.pool.raw_threshold
        rest = [p for p in self.parameters() if p is not threshold]
        optimizer = Adam(
            [{"params": rest, "lr": self.lr}, {"params": [threshold], "lr": self.threshold_lr}]
        )
        if self.schedule == "constant":
            return optimizer
        steps = int(self.trainer.estimated_stepping_batches)
        warm = max(1, steps // 20)

        def factor(step: int) -> float:
            return min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))

        scheduler = LambdaLR(optimizer, factor)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": scheduler, "interval": "step"},
        }


def mean_expected_loss(
    module: TransformModule, batches: Sequence[GraphPair], raw_threshold: float
) -> float:
    """Expected loss a text with the threshold set to a value and all else as it is."""
    raw = module.net.pool.raw_threshold
    kept = raw.detach().clone()
    training = module.training
    module.eval()
    with torch.no_grad():
        raw.fill_(raw_threshold)
        total = torch.cat([module.loss(module.net, pair).total for pair in batches])
        raw.copy_(kept)
    module.train(training)
    return float(total.double().mean())
