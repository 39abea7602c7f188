"""What the C library does with memory that tensors gave back."""

import ctypes
import sys

_TRIM_THRESHOLD, _MAPPED_BLOCKS = -1, -4
"""Options of glibc's mallopt, by their numbers in malloc.h."""


def keep_freed_memory() -> None:
    """Let this process keep the memory of freed tensors for the next ones.

    glibc returns large blocks to the system at once, and a step of training asks for the same ones
    again: the system clears every page of them each time, a tenth of a step on a CPU. The process
    stays as large as it once was. Elsewhere than on glibc nothing changes.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MAPPED_BLOCKS, 0)
        mallopt(_TRIM_THRESHOLD, -1)
