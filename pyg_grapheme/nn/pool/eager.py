"""Keep what depends on the data out of ``torch.compile``."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")


def eager(function: Callable[P, T]) -> Callable[P, T]:
    """Run a function as it is inside a compiled model, at the price of one graph break."""
    uncompiled: Callable[P, T] = torch.compiler.disable(function)  # type: ignore[no-untyped-call]
    return uncompiled
