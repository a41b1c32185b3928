"""The text model as a module that the commands can run."""

import math
from argparse import ArgumentParser, Namespace
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, cast, get_args

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

from lightning_modules.datamodules.text_data_module import TextDataModule
from lightning_modules.modules.task_module import Scores, TaskModule
from lightning_modules.modules.text.answers import Known, answer_texts
from lightning_modules.modules.text.evaluate import add_evaluate_arguments, evaluate_files
from lightning_modules.modules.text.model_options import PoolOptions, StructuralOptions
from lightning_modules.modules.text.predict import add_predict_arguments, rewrite_lines
from lightning_modules.modules.text.unit_error_rate import UnitErrorRate, error_units
from lightning_modules.modules.text.weighted_mean import WeightedMean
from lightning_modules.report.text_report import report_text
from lightning_modules.run.run_recorder import RunRecorder
from pyg_grapheme.nn import StructuralLoss
from pyg_grapheme.nn.pool import MergeHistory
from pyg_grapheme.options import expect_at_least, expect_count, expect_one_of
from pyg_grapheme.text import GraphPair, TextUnits
from pyg_grapheme.text.model import (
    GraphTransformNet,
    Rewrite,
    TransformLoss,
    TransformLossOutput,
    default_pool,
    rank_rewrites,
)
from pyg_grapheme.text.readers.historical import preprocess_spelling
from pyg_grapheme.text.typing import LossName, NormalForm, PreprocessName, UnitsName


class TransformModule(TaskModule):
    """Train a :class:`GraphTransformNet` through the exact expectation over its merges.

    Training minimises the expected loss; validation, test and prediction merge at the plain
    threshold.

    Args:
        vocabulary: Units that the model can write; set by the data.
        source_units: Kind of the units of the sources; set by the data.
        target_units: Kind of the units of the targets; set by the data.
        source_form: Unicode normal form of the sources; set by the data.
        target_form: Unicode normal form of the targets; set by the data.
        lookup: Outputs to look up for these sources if they come without tags; set by the
            data.
        preprocess: Preprocessing of the data, applied to later texts too; set by the data.
        channels: Features per node.
        layers: Encoder layers.
        dropout: Probability of dropping a feature, and of training on a text without one of the
            decoder's readers.
        buckets: Rows of the hashed embedding.
        use_pool: Whether the model merges nodes at all.
        merge_graphemes: Whether merging is limited to the units of one grapheme cluster.
        map_case: Whether a copied node may change the case of its first unit.
        max_insert: Limit of units inserted in one place when predicting.
        pool: Options of the pool.
        loss: "structural", "cross_entropy", or "hybrid", their sum.
        structural: Options of the structural loss.
        structural_weight: Weight of the structural loss in "hybrid".
        max_cuts: Sample this many cuts of every text that has more (unbiased). Use all if None.
        min_mass: Leave out improbable cuts until this share of the probability is left.
        lr: Learning rate of Adam.
        threshold_lr: Learning rate of the raw threshold; ``lr`` if None.
        weight_decay: Weight decay of AdamW; 0 for the raw threshold.
        schedule: "constant", or "linear": up over the first 5 % of the steps, then down to 0.
    """

    data_links = (
        "vocabulary",
        "source_units",
        "target_units",
        "source_form",
        "target_form",
        "lookup",
        "preprocess",
    )
    changeable = frozenset({"dropout", "max_cuts", "min_mass", "lookup"})

    def __init__(
        self,
        vocabulary: list[str],
        source_units: UnitsName = "codepoints",
        target_units: UnitsName = "codepoints",
        source_form: NormalForm = "NFC",
        target_form: NormalForm = "NFC",
        lookup: dict[str, str] | None = None,
        preprocess: PreprocessName = "none",
        *,
        channels: int = 256,
        layers: int = 2,
        dropout: float = 0.3,
        buckets: int = 1024,
        use_pool: bool = True,
        merge_graphemes: bool = False,
        map_case: bool = True,
        max_insert: int = 64,
        pool: PoolOptions | None = None,
        loss: LossName = "hybrid",
        structural: StructuralOptions | None = None,
        structural_weight: float = 1.0,
        max_cuts: int | None = None,
        min_mass: float = 1.0,
        lr: float = 2e-3,
        threshold_lr: float | None = None,
        weight_decay: float = 0.0,
        schedule: Literal["constant", "linear"] = "constant",
    ) -> None:
        super().__init__()
        expect_one_of("preprocess", preprocess, get_args(PreprocessName))
        expect_one_of("schedule", schedule, ("constant", "linear"))
        expect_count("channels", channels)
        self.lr = expect_at_least("lr", lr, 0)
        self.threshold_lr = (
            lr if threshold_lr is None else expect_at_least("threshold_lr", threshold_lr, 0)
        )
        self.weight_decay = expect_at_least("weight_decay", weight_decay, 0)
        self.save_hyperparameters()
        self.lookup, self.preprocess = dict(lookup or {}), preprocess
        if not all(isinstance(text, str) for pair in self.lookup.items() for text in pair):
            raise TypeError("Expected 'lookup' to have texts by texts (got other values)")
        self.schedule = schedule
        self.net = GraphTransformNet(
            vocabulary,
            channels=channels,
            layers=layers,
            dropout=dropout,
            buckets=buckets,
            pool=default_pool(channels, **(pool or {})),
            use_pool=use_pool,
            merge_graphemes=merge_graphemes,
            map_case=map_case,
            max_insert=max_insert,
            source=TextUnits(source_units, source_form),
            target=TextUnits(target_units, target_form),
        )
        self.members = torch.nn.ModuleList()
        self.beam = 1
        self.loss = TransformLoss(
            loss, StructuralLoss(**(structural or {})), structural_weight, max_cuts, min_mass
        )
        _freeze_unreached(self.net, loss)
        names = ("loss", "structural", "cross_entropy", "coarsening_ratio", "raw_threshold_grad")
        self.means = torch.nn.ModuleDict({name: WeightedMean() for name in names})
        self.exact_match = MeanMetric()
        self.char_error_rate = CharErrorRate()
        self.unit_error_rate = UnitErrorRate(error_units(self.net.target))
        self.edit_distance = EditDistance()

    def add_members(self, modules: Sequence[TaskModule]) -> None:
        """Predict by the mean probability of this model and others; see :func:`rank_rewrites`.

        Known texts are looked up in the table of this model.

        Raises:
            ValueError: if one of them is of another class, preprocesses texts in another way, or
                writes spaces between units where this one does not.
        """
        for module in modules:
            if not isinstance(module, TransformModule):
                raise ValueError(
                    f"Expected all checkpoints to be of text models (got {type(module).__name__})"
                )
            if module.preprocess != self.preprocess:
                raise ValueError(
                    f"Expected all checkpoints to have preprocess={self.preprocess!r}, as the "
                    f"first one (got {module.preprocess!r})"
                )
            kinds = [net.target.kind for net in (self.net, module.net)]
            if kinds.count("whitespace") == 1:  # Neither could write what the other one does.
                raise ValueError(
                    "Expected all checkpoints, or none, to have target_units='whitespace' "
                    f"(got {kinds[1]!r}, the first one has {kinds[0]!r})"
                )
            self.members.append(module.net)

    def forward(self, texts: Sequence[str], tags: Sequence[Sequence[str]] = ()) -> list[str]:
        """Rewrite texts: preprocess them as the data was, and look up the known ones."""
        if self.is_searching:
            return [rewrites[0].text for rewrites in self.rank(texts, tags)]
        return answer_texts(texts, tags, self._look_up, str, self.net)

    def rank(self, texts: Sequence[str], tags: Sequence[Sequence[str]] = ()) -> list[list[Rewrite]]:
        """Return the rewrites of texts with their probabilities, the most probable first.

        A known text has its target as the only one, with probability 1.
        """
        ask = partial(rank_rewrites, self.nets, beam=self.beam)
        return answer_texts(texts, tags, self._look_up, lambda text: [Rewrite(text, 1.0)], ask)

    @property
    def nets(self) -> list[GraphTransformNet]:
        """The model, and those that predict together with it."""
        return [self.net, *cast(Iterable[GraphTransformNet], self.members)]

    @property
    def is_searching(self) -> bool:
        """Whether predictions need more than the most probable edit at each step of one model."""
        return self.beam > 1 or len(self.members) > 0

    def _look_up(self, text: str, tags: Sequence[str]) -> Known:
        """Preprocess a text as the data was, and find its answer without the model."""
        read = preprocess_spelling(text) if self.preprocess == "historical" else text
        if read is None:
            return Known(text, text)  # Preprocessing drops such texts, so return them unchanged.
        # Splitting is the expensive part; skip it when the table is empty.
        looks_up = self.lookup and not tags
        return Known(read, self.lookup.get(self.net.source.canonical(read)) if looks_up else None)

    def rewrite(self, graphs: Data) -> tuple[list[str], MergeHistory]:
        """Rewrite the texts of a batch of graphs; return them with the merge history."""
        net = self.net
        prediction = net.predict(graphs)
        written = [net.write(own) for own in prediction.edits]
        if self.lookup:
            tagged = set(graphs.batch[graphs.is_tag].tolist())
            for index, units in enumerate(graphs.text):
                if index not in tagged:
                    source = net.source.join(units)
                    written[index] = self.lookup.get(source, written[index])
        return written, prediction.history

    def on_train_start(self) -> None:
        """Reset the means of an interrupted epoch; Lightning resets those of finished ones."""
        for mean in self.means.values():
            assert isinstance(mean, WeightedMean)
            mean.reset()

    def training_step(self, pair: GraphPair) -> Tensor:
        """Minimise the expected loss."""
        losses: TransformLossOutput = self.loss(self.net, pair)
        loss: Tensor = losses.total.mean()
        size = losses.total.numel()
        self._log_mean("train/loss", loss, size)
        self._log_mean("train/structural", losses.structural.mean(), size)
        self._log_mean("train/cross_entropy", losses.cross_entropy.mean(), size)
        nodes = max(1, int((~pair.source.is_tag).sum()))
        # Weighted by nodes, its mean is C/N of all texts, whatever the batches are.
        self._log_mean("train/coarsening_ratio", losses.clusters.sum() / nodes, nodes)
        if self._trainer and self._trainer.progress_bar_callback:
            self.log("loss_now", loss, prog_bar=True, logger=False)
        return self.as_share(loss, size)

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Log the gradient of the threshold: exact, unless cuts are sampled."""
        gradient = self.net.pool.raw_threshold.grad
        if gradient is not None:  # not frozen
            self._log_mean("train/raw_threshold_grad", gradient, 1)  # every step counts alike

    def _log_mean(self, name: str, value: Tensor, weight: int) -> None:
        """Add a value to its mean of the epoch."""
        mean = self.means[name.removeprefix("train/")]
        assert isinstance(mean, WeightedMean)
        if not mean.update_called:
            # Once per epoch: logging at every step takes a tenth of the time of a small model.
            self.log(name, mean, on_step=False, on_epoch=True)
        mean.update(value.detach(), weight)

    def tracked_values(self) -> dict[str, Tensor]:
        """Return the threshold, raw and as a score."""
        pool = self.net.pool
        return {"raw_threshold": pool.raw_threshold.detach(), "threshold": pool.threshold.detach()}

    def num_examples(self, batch: GraphPair) -> int:
        """Return the number of pairs in a batch."""
        return int(batch.source.num_graphs)

    def validation_step(self, pair: GraphPair) -> None:
        """Compare predictions with the targets."""
        targets = [self.net.target.join(text) for text in pair.target.text]
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

    def report(
        self, folder: Path, checkpoint: str, data: L.LightningDataModule, recorder: RunRecorder
    ) -> None:
        """Write summary, predictions, pictures and the HTML page; print tables."""
        report_text(self, folder, checkpoint, cast(TextDataModule, data), recorder)

    @classmethod
    def add_evaluate_arguments(cls, parser: ArgumentParser) -> None:
        """Add the files of examples and how to read them."""
        add_evaluate_arguments(parser)

    def evaluate(self, options: Namespace) -> Mapping[str, Scores]:
        """Return exact match, error rates, edit distance and C/N per file."""
        return evaluate_files(self, options)

    @classmethod
    def add_predict_arguments(cls, parser: ArgumentParser) -> None:
        """Add the texts, or the input to read them from."""
        add_predict_arguments(parser)

    def predict_lines(self, options: Namespace) -> Iterator[Sequence[str]]:
        """Yield one rewritten text per text or line given, in order."""
        return rewrite_lines(self, options)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """Return Adam, with a separate learning rate for the threshold."""
        threshold = self.net.pool.raw_threshold
        rest = [p for p in self.parameters() if p is not threshold]
        optimizer = AdamW(  # without decay, Adam to the last bit
            [
                {"params": rest, "lr": self.lr, "weight_decay": self.weight_decay},
                {"params": [threshold], "lr": self.threshold_lr, "weight_decay": 0.0},
            ],
            # Fused steps are faster for small models. In mixed precision, Lightning clips no
            # gradients of a fused optimizer.
            fused=not (
                self._trainer and isinstance(self._trainer.precision_plugin, MixedPrecision)
            ),
        )
        if self.schedule == "constant":
            return optimizer
        schedule = warm_up_and_decay(optimizer, self.trainer.estimated_stepping_batches)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def warm_up_and_decay(optimizer: Optimizer, steps: float) -> LambdaLR:
    """Raise the learning rates over the first 5 % of the steps, then lower them to 0.

    Raises:
        ValueError: if the number of steps is not finite.
    """
    if math.isinf(steps):
        raise ValueError(
            "Expected 'schedule' to be \"constant\" where neither 'max_epochs' nor 'max_steps' "
            'says how long a run is (got "linear")'
        )
    warm = max(1, int(steps) // 20)

    def factor(step: int) -> float:
        return min((step + 1) / warm, max(0.0, (steps - step) / max(1, steps - warm)))

    return LambdaLR(optimizer, factor)


def _freeze_unreached(net: GraphTransformNet, loss: LossName) -> None:
    """Freeze weights that a loss does not reach: DDP would wait for their gradients."""
    if loss == "cross_entropy":
        net.activation.requires_grad_(False)
    if loss == "structural":
        net.decoder.requires_grad_(False)
