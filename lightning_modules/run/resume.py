"""Resume a run from its checkpoints."""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path

from lightning.pytorch.callbacks import Callback, WeightAveraging

from lightning_modules.modules.task_module import TaskModule
from lightning_modules.run.checkpoint import (
    CheckpointError,
    expect_finite_weights,
    read_checkpoint,
    shorten_error,
)

LAST = "last"


def read_ckpt_paths(arguments: Sequence[str]) -> list[str]:
    """Return all values of ``--ckpt_path``, before the other arguments can be parsed."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--ckpt_path", action="append", default=[])
    known, _ = parser.parse_known_args([a for a in arguments if a != "--"])
    paths: list[str] = known.ckpt_path
    return paths


def run_folder_of(path: Path) -> Path | None:
    """Return the run folder that a path names, or whose checkpoint it names; None if neither."""
    folder = path if path.is_dir() else path.absolute().parent.parent
    return folder if (folder / "config.yaml").is_file() else None


def find_checkpoint(given: str | None, experiment: Path) -> Path | None:
    """Find the checkpoint to resume from.

    Args:
        given: A checkpoint, the folder of a run, or "last": the newest run of an experiment.
        experiment: Folder of all its runs.

    Returns:
        The checkpoint; None if ``given`` is None, or if no run of the experiment has finished an
        epoch yet, so that the same command both starts a run and resumes it.

    Raises:
        FileNotFoundError: if there is no such checkpoint.
        CheckpointError: if it is damaged, or was not written at the end of an epoch.
    """
    if given is None:
        return None
    path = _newest(experiment) if given == LAST else Path(given)
    if path is None:
        return None
    if path.is_dir():
        path = path / "checkpoints" / f"{LAST}.ckpt"
    _expect_whole_epoch(path)
    return path.absolute()


def expect_same_run(module: TaskModule, callbacks: Iterable[Callback], path: Path) -> None:
    """Refuse to resume from the checkpoint of another model, or without its weight averaging.

    Raises:
        CheckpointError: if an option or weight differs (the message names the first), if weights
            are NaN or infinite, or do not fit, or if the checkpoint holds averages and no callback
            continues them.
    """
    checkpoint = read_checkpoint(path)
    # With weight averages, those that training goes on with are apart.
    expect_finite_weights(checkpoint.get("current_model_state", {}), str(path))
    before = checkpoint.get("hyper_parameters", {})
    for name, value in module.hparams.items():
        if name not in module.changeable and name in before and before[name] != value:
            source = ", which the data give" if name in module.data_links else ""
            raise CheckpointError(
                f"{path}: expected a checkpoint of a model of the same '{name}' "
                f"(got {_short(before[name])}, not {_short(value)}{source})"
            )
    known = module.state_dict().keys()
    if strange := sorted(known ^ checkpoint["state_dict"].keys()):
        raise CheckpointError(
            f"{path}: expected a checkpoint of the same model "
            f"(got one that differs in {_short(strange[0])})"
        )
    try:
        module.load_state_dict(checkpoint["state_dict"])  # The trainer loads them again.
    except (RuntimeError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: expected a checkpoint of the same model (got one that does not fit: "
            f"{shorten_error(error)})"
        ) from error
    averages = any(isinstance(callback, WeightAveraging) for callback in callbacks)
    if "averaging_state" in checkpoint and not averages:
        raise CheckpointError(
            f"{path}: expected 'callbacks' to have the weight averaging of the run (got none)"
        )


def _short(value: object, longest: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _expect_whole_epoch(path: Path) -> None:
    checkpoint = read_checkpoint(path)
    expected = f"{path}: expected a checkpoint to resume from, such as {LAST}.ckpt"
    if "optimizer_states" not in checkpoint:
        raise CheckpointError(f"{expected} (got weights alone)")
    try:
        progress = checkpoint["loops"]["fit_loop"]["epoch_progress"]["current"]
        is_over = progress["processed"] >= progress["ready"]
    except (KeyError, TypeError) as error:
        raise CheckpointError(f"{expected} (got one without the progress of its run)") from error
    if not is_over:
        # Best weights are kept at the end of validation, before the epoch's means are known.
        raise CheckpointError(f"{expected} (got one of an epoch that was not over)")


def _newest(experiment: Path) -> Path | None:
    runs = {path: path.stat().st_mtime for path in experiment.glob(f"*/checkpoints/{LAST}.ckpt")}
    return max(runs, key=runs.__getitem__) if runs else None
