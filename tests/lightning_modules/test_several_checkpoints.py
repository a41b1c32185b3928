"""Several checkpoints that predict together, from the command line."""

import itertools
import math
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lightning_modules import PartitionModule, TaskModule, TransformModule, evaluate, predict
from lightning_modules.load_command import repeat_option
from pyg_grapheme.text.model import log_probability
from pyg_grapheme.text.model.edit_decoder import DELETE, INSERT, KEEP, SUBSTITUTE
from pyg_grapheme.text.typing import NormalForm

Save = Callable[[TaskModule, Path], Path]
Fixed = Callable[..., TransformModule]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def unsure(fixed: Fixed, save: Save, tmp_path: Path) -> Path:
    """A checkpoint of a model that prefers "z" to a copy by a little."""
    module = fixed(["z"], {SUBSTITUTE: 0.55, KEEP: 0.45, DELETE: 1e-9})
    return save(module, tmp_path / "u.ckpt")


@pytest.fixture
def sure(fixed: Fixed, save: Save, tmp_path: Path) -> Path:
    """A checkpoint of a model that copies."""
    return save(fixed(["a", "b"], {KEEP: 1.0, DELETE: 1e-9}), tmp_path / "s.ckpt")


def test_a_sure_model_outvotes_an_unsure_one(run: Run, unsure: Path, sure: Path) -> None:
    """The copy has the probability (0.45 + 1) / 2, "z" the rest."""
    assert run(predict.main, "--ckpt_path", unsure, "q") == (0, "z\n", "")
    for pair in ([unsure, sure], [sure, unsure]):
        assert run(predict.main, "--ckpt_path", *pair, "q") == (0, "q\n", "")
        scored = run(predict.main, "--ckpt_path", *pair, "--beam", 2, "--scores", "q")
        assert scored == (0, "q\t0.7250\tz\t0.2750\n", "")
    # Two against one.
    assert run(predict.main, "--ckpt_path", unsure, unsure, sure, "--scores", "q") == (
        0,
        f"q\t{(2 * 0.45 + 1) / 3:.4f}\n",
        "",
    )


def test_evaluate_scores_the_answers_of_all(
    run: Run, unsure: Path, sure: Path, tmp_path: Path
) -> None:
    """Alone, the unsure model writes "z" and "zz"; both together copy."""
    path = tmp_path / "pairs.tsv"
    path.write_text("q\tq\nqq\tqq\nq\tz\n")
    shares = []
    for checkpoints in ([unsure], [sure], [unsure, sure]):
        status, out, err = run(evaluate.main, "--ckpt_path", *checkpoints, path)
        assert (status, err) == (0, "")
        shares.append(out.splitlines()[1].replace(" %", "%").split()[1:3])
    assert shares == [["3", "33.33%"], ["3", "66.67%"], ["3", "66.67%"]]


def test_all_ways_to_name_checkpoints_lead_to_the_same(
    run: Run, unsure: Path, sure: Path, tmp_path: Path
) -> None:
    folders = []
    for path in (unsure, sure):
        folder = tmp_path / path.stem
        (folder / "checkpoints").mkdir(parents=True)
        shutil.copy(path, folder / "checkpoints" / "model.ckpt")
        folders.append(folder)
    for named in (
        ["--ckpt_path", unsure, sure],
        ["--ckpt_path", unsure, "--ckpt_path", sure],
        ["--ckpt_path", unsure, f"--ckpt_path={sure}"],
        [f"--ckpt_path={unsure}", sure],
        ["--ckpt_path", *folders],
        ["--ckpt_path", folders[0], sure],
    ):
        assert run(predict.main, *named, "q", "r") == (0, "q\nr\n", ""), named
        assert run(predict.main, "--beam", 2, *named, "--", "--q") == (0, "--q\n", ""), named
    assert run(predict.main, "q", "--ckpt_path", unsure, "--ckpt_path", sure)[1] == "q\n"


def test_what_is_no_checkpoint_ends_the_list(
    run: Run, unsure: Path, sure: Path, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    text = tmp_path / "examples.tsv"
    text.write_text("q\tz\n")
    a, b = map(str, (unsure, sure))
    for others in ([str(tmp_path / "folder")], [str(text)], ["--", b], ["text", "--", b], []):
        assert repeat_option(["--ckpt_path", a, *others]) == ["--ckpt_path", a, *others]
    for others in (["text", b], ["--beam", "2", b]):
        with pytest.raises(ValueError, match="Expected checkpoints directly behind '--ckpt_path'"):
            repeat_option(["--ckpt_path", a, *others])
    repeated = ["--ckpt_path", a, "--ckpt_path", b, "text"]
    assert repeat_option(["--ckpt_path", a, b, "text"]) == repeated
    # A run that there is not, in a folder of runs.
    (tmp_path / "runs" / "hi" / "version_0" / "checkpoints").mkdir(parents=True)
    shutil.copy(unsure, tmp_path / "runs" / "hi" / "version_0" / "checkpoints" / "model.ckpt")
    missing = str(tmp_path / "runs" / "none")
    assert repeat_option(["--ckpt_path", a, missing]) == ["--ckpt_path", a, "--ckpt_path", missing]
    # A file of examples directly behind a checkpoint.
    status, out, _ = run(evaluate.main, "--ckpt_path", unsure, text)
    assert (status, out.splitlines()[1].split()[:3]) == (0, [str(text), "1", "100.00"])


TEXTS = ["".join(text) for size in (1, 2, 3) for text in itertools.product("aBé", repeat=size)]
TAGS = ("V",)


@pytest.fixture
def three(save: Save, tmp_path: Path) -> list[TransformModule]:
    """Models of different units, vocabularies and merges, and their checkpoints."""
    modules = []
    units: list[tuple[str, NormalForm]] = [("abé", "NFC"), ("Ac\u0301e", "NFD"), ("ab", "NFC")]
    for seed, (vocabulary, form) in enumerate(units):
        torch.manual_seed(81 + seed)
        module = TransformModule(
            list(vocabulary),
            source_form=form,
            target_form=form,
            channels=8,
            layers=1,
            buckets=64,
            use_pool=seed != 1,
        ).eval()
        with torch.no_grad():
            for parameter in module.net.decoder.parameters():
                parameter.mul_(2)
            module.net.decoder.operation.bias[INSERT] -= 5
            module.net.pool.raw_threshold.fill_(3.0)
        save(module, tmp_path / f"{seed}.ckpt")
        modules.append(module)
    return modules


def test_the_answer_has_the_highest_mean_probability(
    three: list[TransformModule], run: Run, tmp_path: Path
) -> None:
    """Among the answers of the models, each of which has its own."""
    nets = [module.net for module in three]
    expected, means = [], []
    for text in TEXTS:
        candidates = sorted({net([text], [TAGS])[0] for net in nets})
        number = len(candidates)
        with torch.no_grad():
            each = [
                log_probability(net, [text] * number, candidates, [TAGS] * number).exp().tolist()
                for net in nets
            ]
        mean = [math.fsum(own) / len(nets) for own in zip(*each, strict=True)]
        best = max(range(number), key=mean.__getitem__)
        expected.append(candidates[best])
        means.append(mean[best])
    command = [f"--ckpt_path={tmp_path / '0.ckpt'}", tmp_path / "1.ckpt", tmp_path / "2.ckpt"]
    command += ["--tags", "V"]
    out = "".join(f"{answer}\n" for answer in expected)
    assert run(predict.main, *command, *TEXTS) == (0, out, "")
    scored = "".join(f"{a}\t{p:.4f}\n" for a, p in zip(expected, means, strict=True))
    assert run(predict.main, *command, "--scores", *TEXTS) == (0, scored, "")
    # No model alone answers so.
    assert all(module(TEXTS, [TAGS] * len(TEXTS)) != expected for module in three)


def test_checkpoints_that_do_not_fit_are_named_in_one_line(
    run: Run, fixed: Fixed, save: Save, unsure: Path, tmp_path: Path
) -> None:
    historical = save(
        fixed(["z"], {KEEP: 1.0}, preprocess="historical"), tmp_path / "historical.ckpt"
    )
    partition = save(PartitionModule(2, 1, channels=4, layers=1), tmp_path / "partition.ckpt")
    phones = save(fixed(["z"], {KEEP: 1.0}, target_units="whitespace"), tmp_path / "phones.ckpt")
    for paths, message in (
        ([unsure, historical], "preprocess='none', as the first one (got 'historical')"),
        ([historical, unsure], "preprocess='historical', as the first one (got 'none')"),
        ([unsure, phones], "(got 'whitespace', the first one has 'codepoints')"),
        ([phones, phones, unsure], "(got 'codepoints', the first one has 'whitespace')"),
        ([unsure, partition], "(got PartitionModule)"),
        ([partition, partition], "Expected one checkpoint of PartitionModule (got 2)"),
        ([partition, unsure], "Expected one checkpoint of PartitionModule (got 2)"),
    ):
        output = tmp_path / "out.txt"
        for command, *rest in ((predict.main, "--output", output), (evaluate.main,)):
            status, out, err = run(command, "--ckpt_path", *paths, *rest, "q")
            assert (status, out) == (2, ""), paths
            assert err.startswith(f"error: {paths[-1]}: Expected "), err
            assert err.endswith(f"{message}\n"), err
        assert not output.exists()


def test_a_missing_checkpoint_is_named_and_nothing_is_written(
    run: Run, unsure: Path, sure: Path, tmp_path: Path
) -> None:
    missing, output = tmp_path / "missing.ckpt", tmp_path / "out.txt"
    for paths in (
        [missing, sure],
        [unsure, "--ckpt_path", missing],
        [unsure, f"--ckpt_path={missing}", sure],
        [unsure, missing],
        [unsure, missing.with_suffix("")],
        [unsure, missing, sure],
    ):
        status, out, err = run(predict.main, "--output", output, "--ckpt_path", *paths, "q")
        assert (status, out) == (2, ""), paths
        wrong = missing.with_suffix("") if missing.with_suffix("") in paths else missing
        assert err == f"error: {wrong}: no such file\n"
        assert not output.exists()


@pytest.mark.parametrize(
    "text",
    ["/kæt/", "/q/", "q", "and/or", "./q", "q" * 300, "ก" * 100, "q/" + "q" * 300, "/q" * 3000],
    ids=lambda text: text[:5] + f" {len(text)}",
)
def test_a_text_is_no_checkpoint_whatever_its_slashes_and_length(
    text: str, run: Run, fixed: Fixed, save: Save, tmp_path: Path
) -> None:
    """Names of files have at most 255 bytes on most systems, and paths at most 4,096.

    A text is one unit here: to rewrite its letters takes seconds.
    """
    units = dict.fromkeys(("source_units", "target_units"), "whitespace")
    path = save(fixed(["z"], {KEEP: 1.0, DELETE: 1e-9}, **units), tmp_path / "whitespace.ckpt")
    out = tmp_path / "out"
    for before in ([], ["--tags", "V"], ["--output", out]):
        printed = "" if out in before else f"{text}\n"
        assert run(predict.main, "--ckpt_path", path, *before, text) == (0, printed, "")
    assert out.read_text() == f"{text}\n"


def test_no_checkpoint_is_replaced_by_the_output(run: Run, unsure: Path, sure: Path) -> None:
    before = sure.read_bytes()
    status, out, err = run(predict.main, "--ckpt_path", unsure, sure, "--output", sure, "q")
    assert (status, out) == (2, "")
    assert err == f"error: Expected '--output' not to be a file that is read (got {sure})\n"
    assert sure.read_bytes() == before
