"""Fixtures of all tests."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    """Tiny tensors gain nothing from threads, and wait long for them on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def two_processes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What ``work(rank)`` of the test's module returns in each of two processes under gloo."""
    return run_processes(request, tmp_path_factory, 2)


@pytest.fixture(scope="module", params=[2, 4])
def processes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What ``work(rank)`` of the test's module returns in each of two processes, and of four."""
    return run_processes(request, tmp_path_factory, request.param)


def run_processes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, world: int
) -> list[Any]:
    """Return what ``work(rank)`` of the test's module returns in each process under gloo."""
    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        pytest.skip("this torch was built without gloo")
    folder = tmp_path_factory.mktemp("processes")
    command = [sys.executable, str(Path(__file__).with_name("process_of_many.py")), request.path]
    processes = [
        subprocess.Popen([*command, str(rank), str(world), folder]) for rank in range(world)
    ]
    end = time.monotonic() + 400
    # If one process fails, the others wait for it in vain.
    while time.monotonic() < end and not any(process.poll() for process in processes):
        if all(process.poll() == 0 for process in processes):
            break
        time.sleep(0.1)
    codes = [process.poll() for process in processes]
    for process in processes:
        process.kill()
        process.wait()
    assert codes == [0] * world
    return [torch.load(folder / f"{rank}.pt") for rank in range(world)]
