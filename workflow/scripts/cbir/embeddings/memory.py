"""Memory of a process that runs a network."""

import ctypes
import platform

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # malloc.h


def keep_freed_memory() -> None:
    """Let this process keep the memory that a layer's output frees for the next layer, where the C library is glibc.

    glibc gives blocks above 32 MB back to the system and asks for them again, and every page of them then faults again:
    two thirds of the time of an EfficientNet at 64 images per batch. Parameters as in mallopt(3).
    """
    if platform.libc_ver()[0] != "glibc":
        return
    glibc = ctypes.CDLL(None)
    for parameter, value in {M_MMAP_MAX: 0, M_TRIM_THRESHOLD: 2**31 - 1, M_TOP_PAD: 64 * 2**20}.items():
        glibc.mallopt(parameter, value)
