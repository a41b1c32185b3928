"""Fixtures of all tests."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest
import torch

HERE = Path(__file__).parent
EXTRAS = ("jsonargparse", "lightning", "matplotlib", "networkx", "rapidfuzz", "regex", "scipy")


def pytest_configure(config: pytest.Config) -> None:
    """Hide GPUs, unless the tests of the GPU are run alone, with ``-m cuda``.

    Expected values are those of the CPU, and forks of a process cannot use a GPU.
    """
    if config.option.markexpr != "cuda":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip the tests of the GPU where there is none."""
    if not torch.cuda.is_available():
        skip = pytest.mark.skip(reason="needs a CUDA device, and `-m cuda`")
        for item in items:
            if item.get_closest_marker("cuda"):
                item.add_marker(skip)


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Tiny tensors gain nothing from threads, and wait long for them on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def save() -> Callable[[Any, Path], Path]:
    """Write a checkpoint of a task module that was not trained, and return its path."""
    # Most tests do without Lightning, which is slow to import.
    from lightning_modules.run.atomic_checkpoint import AtomicCheckpointIO

    def write(module: Any, path: Path) -> Path:
        content = {"state_dict": module.state_dict(), "hyper_parameters": dict(module.hparams)}
        module.on_save_checkpoint(content)
        AtomicCheckpointIO().save_checkpoint(content, path)
        return path

    return write


@pytest.fixture(scope="session")
def run_together(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., list[CompletedProcess[str]]]]:
    """Run ``python -W ignore`` with each list of arguments, all at the same time.

    Each process gets its own ``environments``, the module names ``without`` cannot be imported. The
    processes are forks of one that has imported all large packages, and nothing of ours.
    """
    folder = tmp_path_factory.mktemp("forks")
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", HERE / "fork_server.py"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin
        assert server.stdout
        send, receive = server.stdin, server.stdout

        def run(
            commands: Sequence[Sequence[str | Path]],
            environments: Sequence[Mapping[str, str]],
            cwd: Path = HERE.parent,
            without: Sequence[str] = (),
            timeout: int = 400,
        ) -> list[CompletedProcess[str]]:
            outputs = [folder / str(number) for number in range(len(commands))]
            common = {"folder": str(cwd), "without": list(without), "timeout": timeout}
            given = [
                {"arguments": [*map(str, command)], "environment": own, "output": str(output)}
                for command, own, output in zip(commands, environments, outputs, strict=True)
            ]
            send.write(json.dumps([{**own, **common} for own in given]) + "\n")
            send.flush()
            return [
                CompletedProcess(
                    command,
                    status,
                    *(output.with_suffix(name).read_text() for name in (".out", ".err")),
                )
                for command, status, output in zip(
                    commands, json.loads(receive.readline()), outputs, strict=True
                )
            ]

        yield run


@pytest.fixture(scope="session")
def python(
    run_together: Callable[..., list[CompletedProcess[str]]],
) -> Callable[..., CompletedProcess[str]]:
    """Run ``python -W ignore`` in another process that starts at once, with the extras or not."""

    def run(*arguments: str | Path, extras: bool = True, **options: Any) -> CompletedProcess[str]:
        options.setdefault("without", () if extras else EXTRAS)
        return run_together([arguments], [{}], **options)[0]

    return run


@pytest.fixture(scope="module")
def two_processes(request: pytest.FixtureRequest, share: Callable[..., list[Any]]) -> list[Any]:
    """What ``work(rank)`` of the test's module returns in each of two processes under gloo."""
    return share(request.path, 2)


@pytest.fixture(scope="module", params=[2, 4])
def processes(request: pytest.FixtureRequest, share: Callable[..., list[Any]]) -> list[Any]:
    """What ``work(rank)`` of the test's module returns in each of two processes, and of four."""
    return share(request.path, request.param)


@pytest.fixture(scope="session")
def share(
    run_together: Callable[..., list[CompletedProcess[str]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[Path, int], list[Any]]:
    """Return what ``work(rank)`` of a test file returns in each process under gloo."""

    def run(test_file: Path, world: int) -> list[Any]:
        if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
            pytest.skip("this torch was built without gloo")
        folder = tmp_path_factory.mktemp("processes")
        command = [HERE / "process_of_many.py", test_file]
        commands = [[*command, str(rank), str(world), folder] for rank in range(world)]
        for done in run_together(commands, [{}] * world):
            assert done.returncode == 0, done.stderr
        return [torch.load(folder / f"{rank}.pt") for rank in range(world)]

    return run
