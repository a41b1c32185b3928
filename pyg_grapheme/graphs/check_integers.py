"""Integers per node: labels, clusters, graphs."""

import torch
from torch import Tensor

_INTEGERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8)


def check_integers(
    name: str,
    value: object,
    *,
    low: int,
    size: int | None = None,
    device: torch.device | None = None,
) -> Tensor:
    """Return [N] integers as int64; refuse anything else.

    Args:
        name: Name of the argument.
        value: Its value.
        low: The least integer allowed.
        size: N; None if any length will do.
        device: The device of the other arguments; None if any will do.

    Raises:
        ValueError: if the value is not as expected; names the argument.
    """
    if (
        not isinstance(value, Tensor)
        or value.dtype not in _INTEGERS
        or value.dim() != 1
        or (size is not None and value.numel() != size)
    ):
        got = type(value).__name__
        if isinstance(value, Tensor):
            got = f"{str(value.dtype).removeprefix('torch.')} of shape {tuple(value.shape)}"
        shape = "[N]" if size is None else f"[{size}]"
        raise ValueError(f"Expected '{name}' to be integers {shape}, one per node (got {got})")
    if device is not None and value.device != device:
        raise ValueError(
            f"Expected '{name}' to be on {device}, as the other inputs are (got {value.device})"
        )
    value = value.long()
    if value.numel() and int(value.min()) < low:
        raise ValueError(f"Expected '{name}' to be at least {low} (got {int(value.min())})")
    return value
