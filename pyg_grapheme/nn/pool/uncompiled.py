"""Keep data-dependent code out of ``torch.compile``."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")


def uncompiled(function: Callable[P, T]) -> Callable[P, T]:
    """Apply ``torch.compiler.disable``, which has no types, and keep those of the function."""
    disabled: Callable[P, T] = torch.compiler.disable(function)  # type: ignore[no-untyped-call]
    return disabled
