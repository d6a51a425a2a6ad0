"""The device and the number format that a network runs in. Nothing here imports torch before it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cbir.errors import InputError

if TYPE_CHECKING:
    import torch

PRECISIONS = ("float32", "bfloat16", "float16")  # torch's names of the number formats


def resolve_device_name(name: str) -> str:
    """The type of device that a name stands for: cuda, mps or cpu.

    name: as for `choose_device`. Only the name auto makes this function import torch.

    >>> resolve_device_name("cuda:1")
    'cuda'
    """
    return choose_device("auto").type if name == "auto" else name.partition(":")[0]


def choose_device(name: str) -> torch.device:
    """The device with a name of torch's, such as cuda:0, or with the name auto: CUDA if present, else MPS, else CPU.

    Raises InputError if this machine has no such device.
    """
    import torch

    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    kinds = [kind for kind in present if present[kind]]
    if name == "auto":
        return torch.device(kinds[0])
    if name.partition(":")[0] not in kinds:
        raise InputError(f"embedding.device: {name} is not on this machine; it has {', '.join(kinds)} (or say auto)")
    return torch.device(name)


def choose_dtype(precision: str) -> torch.dtype:
    """torch's type of a precision, one of PRECISIONS."""
    import torch

    return getattr(torch, precision)
