"""How this process uses the machine."""

import ctypes

import torch
from threadpoolctl import threadpool_limits

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of glibc's mallopt(3)
MUCH = 2**30  # bytes


def settle() -> None:
    """One thread for arithmetic, and memory that is freed stays with the process.

    The matrices are small: a second thread makes it slower. And arrays of a third of a megabyte come and go a thousand
    times a second: by default glibc hands their pages back and asks for them again (docs/performance.md).
    """
    torch.set_num_threads(1)
    threadpool_limits(1)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # glibc has it; elsewhere memory is managed otherwise
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, MUCH)
        mallopt(M_TRIM_THRESHOLD, MUCH)
