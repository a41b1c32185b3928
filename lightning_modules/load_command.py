"""The part that ``evaluate`` and ``predict`` share: checkpoints, and arguments of their module."""

import os
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from lightning_modules.modules.task_module import TaskModule
from lightning_modules.run.checkpoint import KEPT, find_weights, load_module
from lightning_modules.run.resume import read_ckpt_paths

OPTION = "--ckpt_path"


def load_command(
    parser: ArgumentParser, command: Literal["evaluate", "predict"], arguments: Sequence[str]
) -> tuple[TaskModule, Namespace]:
    """Load the module of ``--ckpt_path`` and parse the arguments, among them those of its class.

    With several checkpoints, the module of the first one predicts together with the others.

    Raises:
        FileNotFoundError: if there is no such checkpoint.
        CheckpointError: if it cannot be loaded.
        ValueError: if its class does not have the command, or cannot use several checkpoints.
    """
    parser.add_argument(
        OPTION,
        required=True,
        action="append",
        metavar="PATH ...",
        help="checkpoint of a run, or its folder; several predict together; -- ends the list",
    )
    parser.epilog = f"With {OPTION}, --help lists the arguments of that checkpoint's task, too."
    arguments = repeat_option(arguments)
    paths = read_ckpt_paths(arguments)
    if not paths:
        parser.parse_args(arguments)  # Exits: the path is required.
        raise AssertionError
    module, *others = map(load_module, paths)
    method = {"evaluate": "evaluate", "predict": "predict_lines"}[command]
    if getattr(type(module), method) is getattr(TaskModule, method):
        raise ValueError(f"{type(module).__name__} cannot {command}: it has no method '{method}'")
    for path, other in zip(paths[1:], others, strict=True):
        try:
            module.add_members([other])
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error
    getattr(module, f"add_{command}_arguments")(parser)
    return module, parser.parse_args(arguments)


def repeat_option(arguments: Sequence[str]) -> list[str]:
    """Repeat ``--ckpt_path`` before each checkpoint that follows one directly.

    An argument is a checkpoint if it ends in ``.ckpt``, is the folder of a run, or is missing in a
    folder that holds checkpoints or runs. Without this, the option would take all texts behind it,
    too; ``--`` ends it.

    Raises:
        ValueError: if an argument that is none of these checkpoints names one.
    """
    repeated: list[str] = []
    follows = False
    for index, argument in enumerate(arguments):
        if argument == "--":
            return [*repeated, *arguments[index:]]
        previous = repeated[-1] if repeated else ""
        if follows and _names_checkpoint(argument):
            repeated.append(OPTION)
        else:
            follows = previous == OPTION or argument.startswith(f"{OPTION}=")
            if not previous.startswith("--") and find_weights(argument) is not None:
                raise ValueError(
                    f"Expected checkpoints directly behind '{OPTION}', and '--' before a text that "
                    f"names one (got {argument!r} behind {previous!r})"
                )
        repeated.append(argument)
    return repeated


def _names_checkpoint(argument: str) -> bool:
    if argument.startswith("--"):
        return False
    if argument.endswith(".ckpt") or find_weights(argument) is not None:
        return True
    # What is missing in a folder of checkpoints or runs is more likely a mistake than a text.
    path = Path(argument)
    if len(path.parts) == 1 or os.path.exists(path) or not os.path.isdir(path.parent):
        return False
    kinds = ("*.ckpt", f"*/{KEPT}", f"*/*/{KEPT}")
    return any(next(path.parent.glob(kind), None) for kind in kinds)
