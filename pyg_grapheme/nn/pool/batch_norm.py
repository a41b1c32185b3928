"""Notice a BatchNorm that runs on cuts."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.module import register_module_forward_pre_hook


@contextmanager
def noticing_batch_norm() -> Iterator[list[str]]:
    """Collect the names of the kinds of BatchNorm that are called in training meanwhile.

    A function of cuts is any code at all; what it calls is only known when it is called.
    """
    met: list[str] = []

    def notice(module: nn.Module, _: Any) -> None:
        if isinstance(module, _BatchNorm) and module.training:
            met.append(type(module).__name__)

    if torch.compiler.is_compiling():
        yield met
        return
    handle = register_module_forward_pre_hook(notice)
    try:
        yield met
    finally:
        handle.remove()
