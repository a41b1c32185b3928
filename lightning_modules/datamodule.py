"""Where the examples come from."""

from functools import cached_property
from typing import get_args

import lightning as L
from torch_geometric.loader import DataLoader

from pyg_grapheme.data import (
    Example,
    PairDataset,
    Vocabulary,
    compute_edits,
    generate_problems,
    read_examples,
)
from pyg_grapheme.data.bundled import resolve_path
from pyg_grapheme.data.curriculum import LEVELS, as_example
from pyg_grapheme.options import expect_one_of
from pyg_grapheme.typing import NormalForm, PreprocessName


class TextDataModule(L.LightningDataModule):
    """Pairs of texts from files of any format that ``read_examples`` takes.

    Args:
        train: File to train on, or ``bundled:NAME``.
        val: File to validate on while training, if any.
        test: Further files to report on at the end, by the name to report them under.
        batch_size: Pairs a batch.
        form: Unicode normal form of all texts: "NFC", or "none" for as they come.
        preprocess: What is done to the examples of every file: "none", or "historical" for pairs of
            an old and a modern spelling.
    """

    def __init__(
        self,
        train: str = "bundled:kindergarten.jsonl",
        val: str | None = None,
        test: dict[str, str] | None = None,
        batch_size: int = 32,
        form: NormalForm = "NFC",
        preprocess: PreprocessName = "none",
    ) -> None:
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"Expected 'batch_size' to be at least 1 (got {batch_size})")
        if test and (taken := {"train", "val"} & test.keys()):
            raise ValueError(f"Expected 'test' to have names of its own (got {sorted(taken)})")
        self.files = {"train": train, **({"val": val} if val else {}), **(test or {})}
        self.batch_size = batch_size
        self.form: NormalForm = form
        expect_one_of("preprocess", preprocess, get_args(PreprocessName))
        self.preprocess: PreprocessName = preprocess

    def read_splits(self) -> dict[str, list[Example]]:
        """Read all examples, by split; "train" is there, "val" may be."""
        return {
            name: read_examples(resolve_path(path), self.preprocess)
            for name, path in self.files.items()
        }

    @cached_property
    def splits(self) -> dict[str, list[Example]]:
        """All examples, by split."""
        return self.read_splits()

    @cached_property
    def vocabulary(self) -> list[str]:
        """Graphemes that the edits of the training pairs write."""
        edits = (compute_edits(e.source, e.target, self.form) for e in self.splits["train"])
        return list(Vocabulary.from_edits(edits).graphemes)

    @cached_property
    def datasets(self) -> dict[str, PairDataset]:
        """All examples as pairs of graphs, by split."""
        vocabulary = Vocabulary(self.vocabulary)
        return {name: PairDataset(e, vocabulary, self.form) for name, e in self.splits.items()}

    def loader(self, split: str, *, shuffle: bool = False) -> DataLoader:
        """Batches of one split."""
        return DataLoader(self.datasets[split], batch_size=self.batch_size, shuffle=shuffle)

    def train_dataloader(self) -> DataLoader:
        """Shuffled batches to train on."""
        return self.loader("train", shuffle=True)

    def val_dataloader(self) -> DataLoader | list[DataLoader]:
        """Batches to validate on, none if there is no such split."""
        return self.loader("val") if "val" in self.splits else []


class MathsDataModule(TextDataModule):
    """Generated problems of the maths curriculum, other ones to train than to test on.

    Args:
        levels: Of the curriculum, 1 to 4; each is tested by itself, as ``level_1`` and so on.
        train_count: Problems a level to train on.
        test_count: Problems a level to test on; none of them is trained on.
        batch_size: Pairs a batch.
        seed: Of the generator.
    """

    def __init__(
        self,
        levels: list[int] | None = None,
        train_count: int = 500,
        test_count: int = 100,
        batch_size: int = 32,
        seed: int = 0,
    ) -> None:
        super().__init__(batch_size=batch_size)
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
