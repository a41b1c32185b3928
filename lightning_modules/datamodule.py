"""Where the examples come from."""

import math
from functools import cached_property, partial
from typing import Any, get_args

import lightning as L
import torch
from torch.utils.data import DataLoader, DistributedSampler, Sampler

from lightning_modules.run.epoch_seed import mix_seed
from lightning_modules.run.samplers import UnpaddedDistributedSampler
from pyg_grapheme.options import expect_count, expect_one_of
from pyg_grapheme.text import (
    Example,
    GraphPair,
    PairDataset,
    Vocabulary,
    find_known_targets,
    generate_problems,
    read_examples,
    split_units,
)
from pyg_grapheme.text.arithmetic import LEVELS, as_example
from pyg_grapheme.text.bundled import resolve_path
from pyg_grapheme.typing import NormalForm, PreprocessName, UnitsName

Loader = DataLoader[Any]
"""Of numbers of pairs, and what comes out are batches of those pairs."""


class TextDataModule(L.LightningDataModule):
    """Pairs of texts from files of any format that ``read_examples`` takes.

    Pairs are shuffled anew in every epoch, in an order that follows from the seed of the run and
    the number of the epoch. Of several processes, each reads its share.

    Args:
        train: File to train on, or ``bundled:NAME``.
        val: File to validate on while training, if any.
        test: Further files to report on at the end, by the name to report them under.
        batch_size: Pairs a batch.
        form: Unicode normal form of all texts: "NFC", or "none" for as they come.
        preprocess: What is done to the examples of every file: "none", or "historical" for pairs of
            an old and a modern spelling.
        source_units: What a node of a source is: "graphemes", "letters" (a Hangul syllable comes
            apart) or "spaced" (what stands between spaces).
        target_units: What a node of a target is, such as "spaced" for phones.
        recall: Whether a model is to answer a source that it was trained on, without tags, by the
            target that more than half of its examples have.
        min_epoch: Pairs in an epoch of training at least: fewer are gone through several times.
        report_limit: Of the training pairs, so many at most are in the report of a run, at even
            distances.
        train_limit: Train on the first so many examples; on all if None.
    """

    def __init__(
        self,
        train: str = "bundled:kindergarten.jsonl",
        val: str | None = None,
        test: dict[str, str] | None = None,
        batch_size: int = 32,
        form: NormalForm = "NFC",
        preprocess: PreprocessName = "none",
        source_units: UnitsName = "graphemes",
        target_units: UnitsName = "graphemes",
        recall: bool = False,
        train_limit: int | None = None,
        min_epoch: int = 1,
        report_limit: int = 2000,
    ) -> None:
        super().__init__()
        self.allow_zero_length_dataloader_with_multiple_devices = True
        self.seed_of_order = torch.initial_seed()
        if batch_size < 1:
            raise ValueError(f"Expected 'batch_size' to be at least 1 (got {batch_size})")
        if test and (taken := {"train", "val"} & test.keys()):
            raise ValueError(f"Expected 'test' to have names of its own (got {sorted(taken)})")
        self.files = {"train": train, **({"val": val} if val else {}), **(test or {})}
        self.batch_size = batch_size
        self.form: NormalForm = form
        expect_one_of("preprocess", preprocess, get_args(PreprocessName))
        self.preprocess: PreprocessName = preprocess
        for name, units in (("source_units", source_units), ("target_units", target_units)):
            expect_one_of(name, units, get_args(UnitsName))
        self.source_units: UnitsName = source_units
        self.target_units: UnitsName = target_units
        self.recall = recall
        self.min_epoch = expect_count("min_epoch", min_epoch)
        self.report_limit = expect_count("report_limit", report_limit)
        self.train_limit = None if train_limit is None else expect_count("train_limit", train_limit)

    def read_splits(self) -> dict[str, list[Example]]:
        """Read all examples, by split; "train" is there, "val" may be."""
        splits = {
            name: read_examples(resolve_path(path), self.preprocess)
            for name, path in self.files.items()
        }
        return {**splits, "train": splits["train"][: self.train_limit]}

    @cached_property
    def splits(self) -> dict[str, list[Example]]:
        """All examples, by split."""
        return self.read_splits()

    @cached_property
    def vocabulary(self) -> list[str]:
        """Units of the targets of the training pairs."""
        targets = (example.target for example in self.splits["train"])
        texts = (split_units(target, self.target_units, self.form) for target in targets)
        return list(Vocabulary.from_texts(texts).units)

    @cached_property
    def known_targets(self) -> dict[str, str]:
        """What a model is to answer to sources of the training pairs: none without ``recall``."""
        train = self.splits["train"] if self.recall else []
        return find_known_targets(train, self.form, self.source_units, self.target_units)

    @cached_property
    def datasets(self) -> dict[str, PairDataset]:
        """What a run is reported on, as pairs of graphs, by split."""
        train = self.splits["train"]
        limit = min(self.report_limit, len(train))
        some = [train[i * len(train) // limit] for i in range(limit)]
        return {
            name: self._dataset(some if name == "train" else examples)
            for name, examples in self.splits.items()
        }

    def _dataset(self, examples: list[Example]) -> PairDataset:
        return PairDataset(
            examples,
            Vocabulary(self.vocabulary),
            self.form,
            self.source_units,
            self.target_units,
        )

    @property
    def pairs_an_epoch(self) -> int:
        """How many pairs an epoch of training goes through, each as often as it does."""
        once = len(self.splits["train"])
        return once * math.ceil(self.min_epoch / once)

    def loader(self, split: str, sampler: Sampler[int] | None = None) -> Loader:
        """Batches of one split, in order unless a sampler says which."""
        pairs = self.datasets[split]
        return self._loader(pairs, range(len(pairs)), sampler)

    def _loader(self, pairs: PairDataset, numbers: range, sampler: Sampler[int] | None) -> Loader:
        """Batches of pairs by their numbers; those beyond the last begin again with the first."""
        return DataLoader(
            numbers,  # type: ignore[arg-type]
            batch_size=self.batch_size,
            sampler=sampler,
            collate_fn=partial(_collate, pairs),
            # To begin an epoch must not draw from the generator that the model draws from.
            generator=torch.Generator(),
        )

    def train_dataloader(self) -> Loader:
        """Shuffled batches to train on: of n processes, each reads every n-th pair.

        Where they do not come out even, some pairs are read twice in an epoch.
        """
        numbers = range(self.pairs_an_epoch)
        world, rank = self._processes()
        order: DistributedSampler[int] = DistributedSampler(
            numbers,  # type: ignore[arg-type]
            world,
            rank,
            seed=mix_seed("order", self.seed_of_order),
        )
        return self._loader(self._dataset(self.splits["train"]), numbers, order)

    def val_dataloader(self) -> Loader | list[Loader]:
        """Batches to validate on, none if there is no such split."""
        if "val" not in self.splits:
            return []
        return self.loader(
            "val", UnpaddedDistributedSampler(self.datasets["val"], *self._processes())
        )

    def transfer_batch_to_device(
        self, batch: GraphPair, device: torch.device, dataloader_idx: int
    ) -> GraphPair:
        """Move a batch, unless it is there: to look through all of its texts takes a while."""
        if batch.source.hashes.device == device:
            return batch
        moved: GraphPair = super().transfer_batch_to_device(batch, device, dataloader_idx)
        return moved

    def state_dict(self) -> dict[str, Any]:
        """What the order of the pairs follows from."""
        return {"seed_of_order": self.seed_of_order}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on with the order of the run that was begun."""
        self.seed_of_order = state_dict["seed_of_order"]

    def _processes(self) -> tuple[int, int]:
        """How many there are, and the number of this one."""
        return (self.trainer.world_size, self.trainer.global_rank) if self.trainer else (1, 0)


class MathsDataModule(TextDataModule):
    """Generated problems of the maths curriculum, other ones to train than to test on.

    Args:
        levels: Of the curriculum, 1 to 4; each is tested by itself, as ``level_1`` and so on.
        train_count: Problems a level to train on.
        test_count: Problems a level to test on; none of them is trained on.
        batch_size: Pairs a batch.
        seed: Of the generator.
        report_limit: As of :class:`TextDataModule`.
    """

    def __init__(
        self,
        levels: list[int] | None = None,
        train_count: int = 500,
        test_count: int = 100,
        batch_size: int = 32,
        seed: int = 0,
        report_limit: int = 2000,
    ) -> None:
        super().__init__(batch_size=batch_size, report_limit=report_limit)
        for name, value in (("train_count", train_count), ("test_count", test_count)):
            if value < 1:
                raise ValueError(f"Expected '{name}' to be at least 1 (got {value})")
        if levels is not None and not levels:
            raise ValueError("Expected 'levels' to name at least one level (got [])")
        self.levels = list(LEVELS) if levels is None else levels
        self.train_count, self.test_count, self.seed = train_count, test_count, seed

    def read_splits(self) -> dict[str, list[Example]]:
        """Draw different problems and deal them out."""
        splits: dict[str, list[Example]] = {"train": []}
        for level in self.levels:
            problems = generate_problems(level, self.train_count + self.test_count, self.seed)
            examples = [as_example(problem) for problem in problems]
            splits["train"] += examples[: self.train_count]
            splits[f"level_{level}"] = examples[self.train_count :]
        return splits


def _collate(pairs: PairDataset, numbers: list[int]) -> GraphPair:
    return pairs.batch([number % len(pairs) for number in numbers])
