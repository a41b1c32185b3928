"""Phases, temperatures and learning rates of the recipe."""

from types import SimpleNamespace

import pytest
import torch

from lightning_modules import PartitionModule, PartitionRecipe


def test_phases_temperatures_and_learning_rates() -> None:
    module = PartitionModule(2, 0, channels=4, layers=1, lr=0.3, threshold_lr=0.6)
    optimizer = module.configure_optimizers()
    trainer = SimpleNamespace(estimated_stepping_batches=8, optimizers=[optimizer])
    recipe = PartitionRecipe(0.5, temperature=2.0, last_temperature=1.0, second_lr=0.5)
    half = 0.5**0.5  # the cosine of an eighth of a turn
    shape = [1, (1 + half) / 2, 0.5, (1 - half) / 2]
    for step, factor in enumerate([*shape, *(value / 2 for value in shape)]):
        trainer.global_step = step
        recipe.on_train_batch_start(trainer, module, None, 0)
        assert module.is_warm == (step < 4)
        expected = 1.0 if step < 4 else 1 + shape[step - 4]
        assert module.pool.temperature == pytest.approx(expected)
        rates = [group["lr"] for group in optimizer.param_groups]
        # The learning rate of the threshold does not fall.
        assert rates == pytest.approx([0.3 * factor, 0.6 if step < 4 else 0.3])


def test_endless_runs_and_bad_options_are_named() -> None:
    trainer = SimpleNamespace(estimated_stepping_batches=torch.inf)
    with pytest.raises(ValueError, match="to say how long the run is"):
        PartitionRecipe().on_train_batch_start(trainer, None, None, 0)
    for name, value in (("warm_share", 1.0), ("temperature", 0.0), ("last_temperature", -1.0)):
        with pytest.raises(ValueError, match=f"Expected '{name}' to be"):
            PartitionRecipe(**{name: value})
