"""The command line of training: LightningCLI, with this project's defaults."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import lightning as L
from lightning import Trainer
from lightning.fabric.plugins import CheckpointIO
from lightning.pytorch.callbacks import ProgressBar
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.core.saving import load_hparams_from_yaml

from lightning_modules.modules.task_module import TaskModule
from lightning_modules.run.atomic_checkpoint import AtomicCheckpointIO
from lightning_modules.run.checkpoint import load_class
from lightning_modules.run.epoch_seed import EpochSeed
from lightning_modules.run.resume import LAST, find_checkpoint, read_ckpt_paths, run_folder_of
from lightning_modules.run.run_checkpoint import LastCheckpoint, RunCheckpoint
from lightning_modules.run.run_logger import RunLogger
from lightning_modules.run.run_progress_bar import RunProgressBar
from lightning_modules.run.run_recorder import RunRecorder
from lightning_modules.run.save_config import SaveConfig

DEFAULT_CONFIG = "english.yaml"
DEFAULT_MODEL = "lightning_modules.TransformModule"
DEFAULT_DATA = "lightning_modules.TextDataModule"


def config_folder() -> Path:
    """Return the folder of the YAML files: beside this file in the wheel, or in the checkout."""
    packaged = Path(__file__).parent / "conf"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "conf"


class FitCLI(LightningCLI):
    """LightningCLI that trains a :class:`TaskModule` and keeps each run in its own folder."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the folder of the run, the checkpoints, and the links from data to model."""
        parser.add_argument("--output", default="runs", help="folder of all runs")
        parser.add_argument("--name", default="run", help="name of this experiment")
        parser.add_argument(
            "--ckpt_path",
            metavar="PATH",
            help="resume a run: its folder, one of its checkpoints, or 'last', the newest run of "
            "this experiment. A folder or a checkpoint also brings the configuration of that run, "
            "unless --config is given",
        )
        parser.add_lightning_class_args(RunCheckpoint, "checkpoint")
        parser.set_defaults({"checkpoint.filename": "model"})
        # A resumed run replaces what was saved after its last whole epoch.
        parser.link_arguments(
            "checkpoint.save_top_k", "checkpoint.enable_version_counter", lambda k: k not in (0, 1)
        )
        parser.add_lightning_class_args(RunRecorder, "recorder")
        parser.add_lightning_class_args(EpochSeed, "epoch_seed")
        parser.add_lightning_class_args(LastCheckpoint, "last_checkpoint")
        for name in cast(type[TaskModule], self._model_class).data_links:
            parser.link_arguments(f"data.{name}", f"model.init_args.{name}", apply_on="instantiate")

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse the given arguments, not those of the process."""
        self.config = parser.parse_args(args)
        # Not part of the run's configuration, which would otherwise always resume from itself.
        given = self.config.pop("ckpt_path")
        experiment = Path(self.config.output) / self.config.name
        self.ckpt_path = find_checkpoint(given, experiment)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Log to the run's folder and show one bar unless others are configured."""
        given = self.config_init["trainer"]
        if not getattr(self.datamodule, "has_validation", True):
            monitored = self.config_init["checkpoint"].monitor or ""
            if monitored.startswith("val/"):
                raise ValueError(
                    f"Expected '--data.val' where '--checkpoint.monitor' is {monitored!r} "
                    "(got none)"
                )
            kwargs["limit_val_batches"] = 0
        if given["logger"] is None:
            root = given["default_root_dir"]
            if root is not None:
                raise ValueError(
                    "Expected '--output' to name the folder of all runs, "
                    f"and no '--trainer.default_root_dir' (got {str(root)!r})"
                )
            kwargs["logger"] = self._logger()
        plugins, callbacks = (
            value if isinstance(value, list) else [value] if value else []
            for value in (given["plugins"], given["callbacks"])
        )
        if not any(isinstance(plugin, CheckpointIO) for plugin in plugins):
            kwargs["plugins"] = [*plugins, AtomicCheckpointIO()]
        has_bar = any(isinstance(callback, ProgressBar) for callback in callbacks)
        if given["enable_progress_bar"] is not False and not has_bar:
            kwargs["callbacks"] = [*callbacks, RunProgressBar()]
        return super().instantiate_trainer(**kwargs)

    def _logger(self) -> RunLogger:
        folder = run_folder_of(self.ckpt_path) if self.ckpt_path else None
        if folder is not None:
            return RunLogger(folder.parent.parent, folder.parent.name, folder.name)
        output = Path(self.config_init["output"]).absolute()
        return RunLogger(output, self.config_init["name"])

    @property
    def recorder(self) -> RunRecorder:
        """The records of the run."""
        recorder: RunRecorder = self.config_init["recorder"]
        return recorder


def make_cli(arguments: list[str]) -> FitCLI:
    """Read the configuration and build everything that it names, without training yet."""
    named = any(a == "--config" or a.startswith(("--config=", "-c")) for a in arguments)
    path = next(reversed(read_ckpt_paths(arguments)), None)  # the last one counts
    run = run_folder_of(Path(path)) if path and path != LAST else None
    if not named and run is not None:
        arguments = ["--config", str(run / "config.yaml"), *arguments]
    elif not named and _find_model(arguments) is None:
        arguments = ["--config", str(config_folder() / DEFAULT_CONFIG), *arguments]
    return FitCLI(
        load_class(_find_model(arguments) or DEFAULT_MODEL),
        L.LightningDataModule,
        subclass_mode_model=True,
        subclass_mode_data=True,
        run=False,
        seed_everything_default=0,
        auto_configure_optimizers=False,
        save_config_callback=SaveConfig,
        trainer_defaults={"accelerator": "auto", "enable_model_summary": False},
        # An abbreviated option could be a misspelt one. Errors are printed without all options.
        parser_kwargs={"allow_abbrev": False, "exit_on_error": False},
        args=arguments,
    )


def _find_model(arguments: Sequence[str]) -> str | None:
    """Return the class path of the model in arguments and the configurations among them.

    The class has to be known before they are parsed: its data links are part of the parser.
    """
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    for option in (("-c", "--config"), ("--model",), ("--model.class_path",)):
        # One list, since the last one counts.
        parser.add_argument(
            *option, dest="given", action="append", default=[], type=partial(_class_path, option)
        )
    known, _ = parser.parse_known_args([a for a in arguments if a != "--"])
    return next((path for path in reversed(known.given) if path), None)


def _class_path(option: tuple[str, ...], value: str) -> str | None:
    if not Path(value).is_file():
        return None if "--config" in option else value  # The real parser names a missing file.
    content: Any = load_hparams_from_yaml(value, use_omegaconf=False)
    model = content.get("model") if "--config" in option else content
    return model.get("class_path") if isinstance(model, dict) else model
