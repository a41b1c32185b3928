"""The part that ``evaluate`` and ``predict`` share: a checkpoint, and arguments of its module."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from lightning_modules.modules.task_module import TaskModule
from lightning_modules.run.checkpoint import load_module
from lightning_modules.run.resume import read_ckpt_path


def load_command(
    parser: ArgumentParser, command: Literal["evaluate", "predict"], arguments: Sequence[str]
) -> tuple[TaskModule, Namespace]:
    """Load the module of ``--ckpt_path`` and parse the arguments, among them those of its class.

    Raises:
        FileNotFoundError: if there is no such checkpoint.
        CheckpointError: if it cannot be loaded.
        ValueError: if its class does not have the command.
    """
    parser.add_argument("--ckpt_path", required=True, help="checkpoint of a run, or its folder")
    parser.epilog = "With --ckpt_path, --help lists the arguments of that checkpoint's task, too."
    path = read_ckpt_path(arguments)
    if path is None:
        parser.parse_args(arguments)  # Exits: the path is required.
        raise AssertionError
    kept = Path(path) / "checkpoints" / "model.ckpt"
    module = load_module(kept if kept.is_file() else path)
    method = {"evaluate": "evaluate", "predict": "predict_lines"}[command]
    if getattr(type(module), method) is getattr(TaskModule, method):
        raise ValueError(f"{type(module).__name__} cannot {command}: it has no method '{method}'")
    getattr(module, f"add_{command}_arguments")(parser)
    return module, parser.parse_args(arguments)
