"""Pairs of texts from files as data."""

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any, get_args

import torch
from torch.utils.data import DataLoader, Sampler

from lightning_modules.datamodules.data_files import find_file
from lightning_modules.datamodules.seeded_data_module import SeededDataModule, name_splits
from pyg_grapheme.options import expect_count, expect_one_of
from pyg_grapheme.text import (
    Example,
    GraphPair,
    PairDataset,
    TextUnits,
    Vocabulary,
    choose_form,
    find_known_targets,
    read_examples,
)
from pyg_grapheme.text.typing import FormName, NormalForm, PreprocessName, UnitsName

Loader = DataLoader[Any]
"""A loader over indices of pairs that yields batches of those pairs."""


class TextDataModule(SeededDataModule):
    """Pairs of texts from files in any format that ``read_examples`` reads.

    Pairs are shuffled in every epoch, in an order that depends on the seed of the run and the epoch
    alone. Several processes read disjoint shares.

    Args:
        train: File to train on, or ``bundled:NAME``.
        val: File to validate on during training, if any.
        test: Further files to report on, by the name of the split.
        root: Folder that relative paths start from; if None, the one that the environment variable
            ``PYG_GRAPHEME_DATA`` names. A file that does not exist there is searched in the working
            directory.
        batch_size: Pairs per batch.
        preprocess: Preprocessing of the examples of every file: "none", or "historical" for pairs
            of an old and a modern spelling.
        source_units: Units of the sources: "codepoints", "graphemes" or "whitespace" (the parts
            between spaces).
        target_units: Units of the targets, such as "whitespace" for phones.
        source_form: Unicode normal form of the sources: "NFC", "NFD", or "auto": NFD if that
            changes a source of the training pairs, else NFC.
        target_form: Unicode normal form of the targets.
        memorize: Whether the model looks up sources of the training pairs, if they come without
            tags, and writes the target that more than half of their examples have.
        min_epoch: Minimum of pairs per epoch of training: fewer are repeated.
        report_limit: Maximum of training pairs in the report of a run, taken at even distances.
        train_limit: Train on this many examples, the first ones; on all if None.
        note: What a reader of the scores has to know; the report of a run shows it.
    """

    def __init__(
        self,
        train: str = "bundled:english.tsv",
        val: str | None = None,
        test: dict[str, str] | None = None,
        root: str | None = None,
        batch_size: int = 32,
        preprocess: PreprocessName = "none",
        source_units: UnitsName = "codepoints",
        target_units: UnitsName = "codepoints",
        source_form: FormName = "auto",
        target_form: FormName = "auto",
        memorize: bool = False,
        train_limit: int | None = None,
        min_epoch: int = 1,
        report_limit: int = 2000,
        note: str = "",
    ) -> None:
        super().__init__()
        self.files = name_splits(train, val, test)
        self.root = root
        self.batch_size = expect_count("batch_size", batch_size)
        expect_one_of("preprocess", preprocess, get_args(PreprocessName))
        self.preprocess: PreprocessName = preprocess
        for name, units in (("source_units", source_units), ("target_units", target_units)):
            expect_one_of(name, units, get_args(UnitsName))
        self.source_units: UnitsName = source_units
        self.target_units: UnitsName = target_units
        for name, form in (("source_form", source_form), ("target_form", target_form)):
            expect_one_of(name, form, get_args(FormName))
        self._form_names: tuple[FormName, FormName] = (source_form, target_form)
        self.memorize = memorize
        self.min_epoch = expect_count("min_epoch", min_epoch)
        self.report_limit = expect_count("report_limit", report_limit)
        self.note = note
        self.train_limit = None if train_limit is None else expect_count("train_limit", train_limit)

    def read_splits(self) -> dict[str, list[Example]]:
        """Read all examples, by split; "train" is there, "val" may be."""
        splits = {}
        for name, path in self.files.items():
            option = f"--data.{name}" if name in ("train", "val") else f"--data.test.{name}"
            file = find_file(path, option, self.root, "--data.root")
            splits[name] = read_examples(file, self.preprocess)
        return {**splits, "train": splits["train"][: self.train_limit]}

    @property
    def has_validation(self) -> bool:
        """Whether there are pairs to validate on."""
        return "val" in self.splits

    @cached_property
    def splits(self) -> dict[str, list[Example]]:
        """All examples, by split."""
        return self.read_splits()

    @cached_property
    def source_form(self) -> NormalForm:
        """Normal form of the sources."""
        return choose_form((e.source for e in self.splits["train"]), self._form_names[0])

    @cached_property
    def target_form(self) -> NormalForm:
        """Normal form of the targets."""
        return choose_form((e.target for e in self.splits["train"]), self._form_names[1])

    @property
    def source(self) -> TextUnits:
        """Kind and form of the units of the sources."""
        return TextUnits(self.source_units, self.source_form)

    @property
    def target(self) -> TextUnits:
        """Kind and form of the units of the targets."""
        return TextUnits(self.target_units, self.target_form)

    @cached_property
    def vocabulary(self) -> list[str]:
        """Units of the targets of the training pairs."""
        texts = (self.target.split(example.target) for example in self.splits["train"])
        return list(Vocabulary.from_texts(texts).units)

    @cached_property
    def lookup(self) -> dict[str, str]:
        """Targets to look up by source; none without ``memorize``."""
        train = self.splits["train"] if self.memorize else []
        return find_known_targets(train, self.source, self.target)

    @cached_property
    def datasets(self) -> dict[str, PairDataset]:
        """Pairs of graphs that the report of a run covers, by split."""
        train = self.splits["train"]
        limit = min(self.report_limit, len(train))
        some = [train[i * len(train) // limit] for i in range(limit)]
        return {
            name: self._dataset(some if name == "train" else examples)
            for name, examples in self.splits.items()
        }

    def _dataset(self, examples: list[Example]) -> PairDataset:
        return PairDataset(examples, Vocabulary(self.vocabulary), self.source, self.target)

    @property
    def epoch(self) -> list[int]:
        """Indices of the training pairs in an epoch."""
        known = len(self.splits["train"])
        return list(range(known)) * math.ceil(self.min_epoch / known)

    def loader(self, split: str, sampler: Sampler[int] | None = None) -> Loader:
        """Return batches of one split, in order unless a sampler is given."""
        pairs = self.datasets[split]
        return self._loader(pairs, range(len(pairs)), sampler)

    def _loader(
        self, pairs: PairDataset, indices: Sequence[int], sampler: Sampler[int] | None
    ) -> Loader:
        """Return batches of the pairs with some indices."""
        return DataLoader(
            indices,  # type: ignore[arg-type]
            batch_size=self.batch_size,
            sampler=sampler,
            collate_fn=pairs.batch,
            # Starting an epoch must not change the random numbers of the model.
            generator=torch.Generator(),
        )

    def train_dataloader(self) -> Loader:
        """Return shuffled batches to train on; each of n processes reads every n-th pair."""
        pairs, indices = self._dataset(self.splits["train"]), self.epoch
        return self._loader(pairs, indices, self.train_sampler(indices))

    def val_dataloader(self) -> Loader | list[Loader]:
        """Return batches to validate on, each pair once; none if there is no such split."""
        if not self.has_validation:
            return []
        return self.loader("val", self.val_sampler(self.datasets["val"]))

    def transfer_batch_to_device(
        self, batch: GraphPair, device: torch.device, dataloader_idx: int
    ) -> GraphPair:
        """Move a batch, unless it is there: `Batch.to` is slow even as a no-op."""
        if batch.source.hashes.device == device:
            return batch
        moved: GraphPair = super().transfer_batch_to_device(batch, device, dataloader_idx)
        return moved
