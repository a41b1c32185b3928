"""One short training run that several tests look at."""

import json
import math
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import torch
from torch import distributed

from lightning_modules import TransformModule, fit
from lightning_modules.cli import config_folder

SHORT_RUN = [
    f"--config={config_folder() / 'kindergarten.yaml'}",
    "--trainer.max_epochs=2",
    "--trainer.enable_progress_bar=false",
    "--trainer.enable_model_summary=false",
    "--model.channels=8",
    "--model.layers=1",
]


OTHERS_WARNINGS = (
    # Lightning asks torch and jsonargparse in ways that these are about to drop.
    "ignore:.*LeafSpec.*is deprecated",
    "ignore::jsonargparse._deprecated.JsonargparseDeprecationWarning",
    # Two cores are not worth worker processes, and the data lies in memory.
    "ignore:The '.*_dataloader' does not have many workers",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of this folder run Lightning's trainer; what it warns about is not ours."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings(*OTHERS_WARNINGS))


@pytest.fixture(scope="session")
def short_run() -> list[str]:
    """Options of a short run on few examples; the first is the configuration."""
    return SHORT_RUN


@pytest.fixture(scope="session")
def kill_run(python: Callable[..., CompletedProcess[str]]) -> Callable[[list[str]], None]:
    """Start a run in a process of its own that is killed in the midst of its third epoch."""

    def kill(arguments: list[str]) -> None:
        done = python(Path(__file__).parent / "run" / "test_resume.py", *arguments)
        assert done.returncode == -signal.SIGKILL, done.stderr

    return kill


@pytest.fixture(scope="session")
def run_in_two(
    run_together: Callable[..., list[CompletedProcess[str]]],
) -> Callable[..., None]:
    """Run ``python`` in two processes that train together, started as ``torchrun`` does.

    The arguments end with options of ``fit``. No pictures are drawn.
    """
    if not distributed.is_available() or not distributed.is_gloo_available():
        pytest.skip("this torch was built without gloo")
    together = ["--trainer.devices=2", "--trainer.strategy=ddp", "--trainer.accelerator=cpu"]

    def run(*arguments: str | Path, **environment: str) -> None:
        with socket.socket() as free:
            free.bind(("localhost", 0))
            meet = {"MASTER_ADDR": "localhost", "MASTER_PORT": str(free.getsockname()[1])}
        common = {**meet, **environment, "WORLD_SIZE": "2", "NODE_RANK": "0"}
        for done in run_together(
            [[*arguments, *together]] * 2,
            [{**common, "LOCAL_RANK": rank} for rank in "01"],
            without=["matplotlib"],
        ):
            assert done.returncode == 0, done.stderr

    return run


@pytest.fixture(scope="module")
def without_pictures() -> Iterator[None]:
    """Do not draw pictures, which takes longer than a short run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "matplotlib", None)
        yield


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run of two epochs on the bundled questions."""
    output = tmp_path_factory.mktemp("runs")
    fit.main([*SHORT_RUN, f"--output={output}"])
    return output / "kindergarten" / "version_0"


@pytest.fixture
def checkpoint(run_folder: Path) -> Path:
    """The checkpoint of the short run."""
    return run_folder / "checkpoints" / "model.ckpt"


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Run a command with one checkpoint or several and return its status, output and errors."""

    def ran(command: Callable[[list[str]], None], *arguments: object) -> tuple[int, str, str]:
        status = 0
        try:
            command(list(map(str, arguments)))
        except SystemExit as stop:
            status = stop.code if isinstance(stop.code, int) else 1
        sys.stdout.flush()
        return status, *capfd.readouterr()

    return ran


def make_fixed(
    vocabulary: list[str], operations: Mapping[int, float], **options: Any
) -> TransformModule:
    """Make a model in which each operation has the same probability at every unit.

    All operations that are not named are next to impossible. The end of a text only ends.
    """
    module = TransformModule(vocabulary, channels=8, layers=1, use_pool=False, **options).eval()
    operation = module.net.decoder.operation
    with torch.no_grad():
        operation.weight.zero_()
        operation.bias.fill_(-100.0)
        for index, probability in operations.items():
            operation.bias[index] = math.log(probability)
    return module


@pytest.fixture(scope="session")
def fixed() -> Callable[..., TransformModule]:
    """A model in which each operation has the same probability at every unit."""
    return make_fixed


def read_weights(run: Path) -> dict[str, torch.Tensor]:
    """Return the weights after the last epoch."""
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    weights: dict[str, torch.Tensor] = checkpoint["state_dict"]
    return weights


@pytest.fixture(scope="session")
def weights() -> Callable[[Path], dict[str, torch.Tensor]]:
    """The weights of a run after the last epoch."""
    return read_weights


@pytest.fixture(scope="session")
def expect_same_end() -> Callable[[Path, Path], None]:
    """Resume a killed run of a partition model, and compare its end with that of a whole one."""

    def expect(killed: Path, whole: Path) -> None:
        assert not (killed / "summary.json").exists()
        fit.main([f"--ckpt_path={killed}"])
        found = read_weights(killed)
        for name, value in read_weights(whole).items():
            assert torch.equal(found[name], value), name
        scores, expected = (
            json.loads((run / "summary.json").read_text())["scores"] for run in (killed, whole)
        )
        assert scores.keys() == expected.keys()
        for row, values in expected.items():
            assert scores[row] == values, row

    return expect
