"""The command line of training: LightningCLI, with this project's defaults."""

from pathlib import Path
from typing import Any

from lightning import Trainer
from lightning.fabric.plugins import CheckpointIO
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI

from lightning_modules.callbacks import RunRecorder
from lightning_modules.datamodule import TextDataModule
from lightning_modules.module import TransformModule
from lightning_modules.run.atomic_checkpoint import AtomicCheckpointIO
from lightning_modules.run.epoch_seed import EpochSeed
from lightning_modules.run.resume import LAST, find_checkpoint, read_ckpt_path, run_folder_of
from lightning_modules.run.run_checkpoint import LastCheckpoint, RunCheckpoint
from lightning_modules.run.run_logger import RunLogger
from lightning_modules.run.save_config import SaveConfig

DEFAULT_CONFIG = "kindergarten.yaml"


def config_folder() -> Path:
    """Where the experiments' YAML files lie: in the wheel beside this file, or in the checkout."""
    packaged = Path(__file__).parent / "conf"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent / "conf"


class FitCLI(LightningCLI):
    """LightningCLI that trains a :class:`TransformModule` and keeps each run in its own folder."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add where a run goes, which weights are kept, and what the data tells the model."""
        parser.add_argument("--output", default="runs", help="folder of all runs")
        parser.add_argument("--name", default="run", help="name of this experiment")
        parser.add_argument(
            "--ckpt_path",
            metavar="WHERE",
            help="go on with a run: its folder, a checkpoint of it, or 'last', the newest of this "
            "experiment; without --config, as its own configuration says",
        )
        parser.add_lightning_class_args(RunCheckpoint, "checkpoint")
        parser.set_defaults({"checkpoint.filename": "model"})
        # What was saved after the last whole epoch is replaced when its successor is trained again.
        parser.link_arguments(
            "checkpoint.save_top_k", "checkpoint.enable_version_counter", lambda k: k not in (0, 1)
        )
        parser.add_lightning_class_args(RunRecorder, "recorder")
        parser.add_lightning_class_args(EpochSeed, "epoch_seed")
        parser.add_lightning_class_args(LastCheckpoint, "last_checkpoint")
        parser.link_arguments("data.vocabulary", "model.vocabulary", apply_on="instantiate")
        for name in ("form", "source_units", "target_units", "known_targets", "preprocess"):
            parser.link_arguments(f"data.{name}", f"model.{name}", apply_on="instantiate")

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Read the arguments given, whatever those of the process are."""
        self.config = parser.parse_args(args)
        # It is no part of the run's configuration: that must not go on with itself for ever.
        given = self.config.pop("ckpt_path")
        experiment = Path(self.config.output) / self.config.name
        self.ckpt_path = find_checkpoint(given, experiment)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Log to the run's folder unless a logger is configured; validate if there is data."""
        given = self.config_init["trainer"]
        if "val" not in self.datamodule.splits:
            kwargs["limit_val_batches"] = 0
        if given["logger"] is None:
            kwargs["logger"] = self._logger()
        plugins = given["plugins"] or []
        plugins = plugins if isinstance(plugins, list) else [plugins]
        if not any(isinstance(plugin, CheckpointIO) for plugin in plugins):
            kwargs["plugins"] = [*plugins, AtomicCheckpointIO()]
        return super().instantiate_trainer(**kwargs)

    def _logger(self) -> RunLogger:
        folder = run_folder_of(self.ckpt_path) if self.ckpt_path else None
        if folder is not None:
            return RunLogger(folder.parent.parent, folder.parent.name, folder.name)
        output = Path(self.config_init["output"]).absolute()
        return RunLogger(output, self.config_init["name"])

    @property
    def recorder(self) -> RunRecorder:
        """What is noted while training."""
        recorder: RunRecorder = self.config_init["recorder"]
        return recorder


def make_cli(arguments: list[str]) -> FitCLI:
    """Read the configuration and build everything that it names, without training yet."""
    named = any(a == "--config" or a.startswith(("--config=", "-c")) for a in arguments)
    default = [] if named else ["--config", str(_default_config(read_ckpt_path(arguments)))]
    return FitCLI(
        TransformModule,
        TextDataModule,
        subclass_mode_data=True,
        run=False,
        seed_everything_default=0,
        auto_configure_optimizers=False,
        save_config_callback=SaveConfig,
        trainer_defaults={"accelerator": "auto"},
        # A misspelt option must not pass for the one it is the beginning of.
        parser_kwargs={"allow_abbrev": False},
        args=[*default, *arguments],
    )


def _default_config(ckpt_path: str | None) -> Path:
    """The configuration of the run to go on with, else that of the default experiment."""
    run = run_folder_of(Path(ckpt_path)) if ckpt_path and ckpt_path != LAST else None
    return (run or config_folder()) / ("config.yaml" if run else DEFAULT_CONFIG)
