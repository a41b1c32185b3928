"""The text module: logged values against ones worked out by hand, options, gradients."""

import itertools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest
import torch

from lightning_modules import TextDataModule, TransformModule
from lightning_modules.modules.text.unit_error_rate import UnitErrorRate
from pyg_grapheme.text import TextUnits, units_graphs
from pyg_grapheme.text.model import edit_decoder
from pyg_grapheme.text.typing import LossName

ANSWERS = {"val": ["cats", "", "foxs"], "targets": ["cats", "box", "foxes"]}


def test_validation_metrics_are_those_of_the_whole_set(monkeypatch: pytest.MonkeyPatch) -> None:
    module = TransformModule(["a"], channels=8, layers=1)
    answers = iter([ANSWERS["val"][:2], ANSWERS["val"][2:]])
    monkeypatch.setattr(module, "predict_step", lambda pair: next(answers))
    logged = {}
    monkeypatch.setattr(module, "log", lambda name, value, **_: logged.update({name: value}))
    monkeypatch.setattr(module, "log_dict", lambda values, **_: logged.update(values))
    for targets in (ANSWERS["targets"][:2], ANSWERS["targets"][2:]):
        module.validation_step(SimpleNamespace(target=SimpleNamespace(text=map(list, targets))))
    module.on_validation_epoch_end()
    # One of three is right; 0 + 3 + 1 edits, in 3 texts of 4 + 3 + 5 characters.
    expected = {
        "val/exact_match": 1 / 3,
        "val/char_error_rate": 4 / 12,
        "val/unit_error_rate": 4 / 12,
        "val/edit_distance": 4 / 3,
    }
    assert {name: float(metric.compute()) for name, metric in logged.items()} == pytest.approx(
        expected
    )


def test_a_unit_error_is_one_however_many_characters_it_has() -> None:
    metric = UnitErrorRate(TextUnits("whitespace"))
    metric.update(["t͡ʃ ɪ p"], ["ʃ ɪ p"])  # one of three
    metric.update(["a", ""], ["a", ""])  # none of one
    assert float(metric.compute()) == pytest.approx(1 / 4)
    metric.reset()
    metric.update(["a"], [""])
    assert float(metric.compute()) == float("inf")
    metric.reset()
    metric.update([""], [""])
    assert torch.isnan(metric.compute())


def test_weights_decay_and_the_threshold_does_not() -> None:
    module = TransformModule(["a"], channels=8, layers=1, lr=0.1, weight_decay=0.5)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    optimizer = module.configure_optimizers()
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    # AdamW without a gradient: w - lr * decay * w.
    for name, value in module.named_parameters():
        factor = 1.0 if name == "net.pool.raw_threshold" else 0.95
        torch.testing.assert_close(value.detach(), factor * before[name])


def test_bad_options_are_named() -> None:
    for name in ("lr", "threshold_lr", "weight_decay"):
        with pytest.raises(ValueError, match=rf"Expected '{name}' to be at least 0 \(got -1.0\)"):
            TransformModule(["a"], **{name: -1.0})
    with pytest.raises(ValueError, match=r"Expected 'preprocess' to be .*\(got 'old'\)"):
        TransformModule(["a"], preprocess="old")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"Expected 'schedule' to be .*\(got 'cosine'\)"):
        TransformModule(["a"], schedule="cosine")  # type: ignore[arg-type]


def test_every_weight_that_learns_has_a_gradient(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_text("a\tb\n")  # one unit, no edge, no tag
    data = TextDataModule(str(tmp_path / "a.tsv"))
    (pair,) = data.loader("train")
    for loss, use_pool in itertools.product(get_args(LossName), (True, False)):
        module = TransformModule(
            data.vocabulary, channels=8, layers=1, loss=loss, use_pool=use_pool
        )
        module.loss(module.net, pair).total.sum().backward()
        lacking = [n for n, p in module.named_parameters() if p.requires_grad and p.grad is None]
        assert lacking == [], (loss, use_pool)


def test_no_more_is_inserted_in_one_place_than_the_user_says() -> None:
    torch.manual_seed(0)
    module = TransformModule(["b"], channels=8, layers=1, use_pool=False, max_insert=2).eval()
    with torch.no_grad():
        module.net.decoder.operation.bias[edit_decoder.INSERT] = 1000.0
    edits = module.net.predict(units_graphs(["aa"]))
    assert {len(inserted) for inserted in edits.edits[0].insertions} == {2}


@pytest.mark.parametrize(("allowed", "answer"), [(True, "ŠX1"), (False, "šX1")])
def test_a_copy_changes_the_case_if_it_may(
    allowed: bool, answer: str, fixed: Callable[..., TransformModule]
) -> None:
    """The model prefers capitals, but "X" and "1" have none other than themselves."""
    operations = {edit_decoder.UPPER: 0.8, edit_decoder.KEEP: 0.1, edit_decoder.DELETE: 0.1**9}
    assert fixed(["a"], operations, map_case=allowed)(["šX1"]) == [answer]
