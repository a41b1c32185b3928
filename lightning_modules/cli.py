"""The command line of training: LightningCLI, with this project's defaults."""

from pathlib import Path
from typing import Any

from lightning import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.loggers import CSVLogger

from lightning_modules.callbacks import RunRecorder
from lightning_modules.datamodule import TextDataModule
from lightning_modules.module import TransformModule

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
        parser.add_lightning_class_args(ModelCheckpoint, "checkpoint")
        parser.set_defaults({"checkpoint.filename": "model"})
        parser.add_lightning_class_args(RunRecorder, "recorder")
        parser.link_arguments("data.vocabulary", "model.vocabulary", apply_on="instantiate")
        parser.link_arguments("data.form", "model.form", apply_on="instantiate")

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Read the arguments given, whatever those of the process are."""
        self.config = parser.parse_args(args)

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Log to a new folder unless a logger is configured; validate if there is data for it."""
        if "val" not in self.datamodule.splits:
            kwargs["limit_val_batches"] = 0
        if self.config_init["trainer"]["logger"] is None:
            options = self.config_init
            kwargs["logger"] = CSVLogger(save_dir=options["output"], name=options["name"])
        return super().instantiate_trainer(**kwargs)

    @property
    def recorder(self) -> RunRecorder:
        """What is noted while training."""
        recorder: RunRecorder = self.config_init["recorder"]
        return recorder


def make_cli(arguments: list[str]) -> FitCLI:
    """Read the configuration and build everything that it names, without training yet."""
    named = any(a == "--config" or a.startswith(("--config=", "-c")) for a in arguments)
    default = [] if named else ["--config", str(config_folder() / DEFAULT_CONFIG)]
    return FitCLI(
        TransformModule,
        TextDataModule,
        subclass_mode_data=True,
        run=False,
        seed_everything_default=0,
        auto_configure_optimizers=False,
        save_config_kwargs={"overwrite": False},
        trainer_defaults={"accelerator": "auto"},
        # A misspelt option must not pass for the one it is the beginning of.
        parser_kwargs={"allow_abbrev": False},
        args=[*default, *arguments],
    )
