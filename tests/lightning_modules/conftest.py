"""One short training run that several tests look at."""

from pathlib import Path

import pytest

from lightning_modules import fit

SHORT_RUN = [
    "--trainer.max_epochs=2",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
    "--model.channels=8",
    "--model.layers=1",
    "--model.heads=2",
]


@pytest.fixture(scope="session")
def short_run() -> list[str]:
    """Options that make a run short."""
    return SHORT_RUN


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run of two epochs of the default experiment."""
    output = tmp_path_factory.mktemp("runs")
    fit.main([*SHORT_RUN, f"--output={output}"])
    return output / "kindergarten" / "version_0"
