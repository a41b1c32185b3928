"""Run commands of Python in forks of one process, which has imported what takes seconds to import.

Each line of the input is a list of commands that run at the same time, as JSON; the answer is the
list of their statuses. If one fails, the others are killed: they might wait for it.
"""

import importlib
import json
import os
import runpy
import signal
import sys
import warnings
from typing import Any

import torch

for name in ("torch_geometric", "lightning.pytorch.cli", "torchmetrics", "matplotlib.figure"):
    importlib.import_module(name)


def serve() -> dict[str, Any] | None:
    """Return the command of this process in each fork, and None at the end of the input."""
    for line in sys.stdin:
        waiting, statuses = {}, {}
        for number, command in enumerate(json.loads(line)):
            process = os.fork()
            if process == 0:
                return command
            waiting[process] = number
        while waiting:
            process, status = os.wait()
            statuses[waiting.pop(process)] = code = os.waitstatus_to_exitcode(status)
            for other in waiting if code else ():
                os.kill(other, signal.SIGKILL)
        print(json.dumps([statuses[number] for number in sorted(statuses)]), flush=True)
    return None


def run(
    arguments: list[str],
    folder: str,
    environment: dict[str, str],
    without: list[str],
    output: str,
    timeout: int,
) -> None:
    """Do what ``python -W ignore ARGUMENTS`` does, as if some modules were not installed."""
    signal.alarm(timeout)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{output}.{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    os.environ.update(environment)
    os.chdir(folder)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    loaded = [module for module in sys.modules if module.split(".")[0] in without]
    sys.modules.update(dict.fromkeys([*without, *loaded]))
    kind, *rest = arguments
    sys.argv = rest if kind == "-m" else ["-c", *rest[1:]] if kind == "-c" else arguments
    sys.path[0] = os.path.dirname(kind) if kind not in ("-m", "-c") else folder
    if kind == "-m":
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    elif kind == "-c":
        exec(rest[0], {"__name__": "__main__"})
    else:
        runpy.run_path(kind, run_name="__main__")
    sys.stdout.flush()
    # To tear gloo down may wait for ever for a process that has left already.
    os._exit(0)


if __name__ == "__main__" and (given := serve()) is not None:
    run(**given)
