"""Generated arithmetic as data."""

from lightning_modules.datamodules.text_data_module import TextDataModule
from pyg_grapheme.options import expect_count
from pyg_grapheme.text import Example, generate_problems
from pyg_grapheme.text.arithmetic import LEVELS, as_example


class MathsDataModule(TextDataModule):
    """Generated problems of arithmetic; no test problem is a training problem.

    Args:
        levels: Levels of difficulty, 1 to 4; each has a test split, ``level_1`` and so on.
        train_count: Training problems per level.
        test_count: Test problems per level.
        batch_size: Pairs per batch.
        seed: Seed of the generator.
        report_limit: As for :class:`TextDataModule`.
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
        if levels is not None and not levels:
            raise ValueError("Expected 'levels' to name at least one level (got [])")
        self.levels = list(LEVELS) if levels is None else levels
        self.train_count = expect_count("train_count", train_count)
        self.test_count = expect_count("test_count", test_count)
        self.seed = seed

    def read_splits(self) -> dict[str, list[Example]]:
        """Generate distinct problems and split them."""
        splits: dict[str, list[Example]] = {"train": []}
        for level in self.levels:
            problems = generate_problems(level, self.train_count + self.test_count, self.seed)
            examples = [as_example(problem) for problem in problems]
            splits["train"] += examples[: self.train_count]
            splits[f"level_{level}"] = examples[self.train_count :]
        return splits
