"""Memory that a process frees and asks for again, step after step."""

import ctypes
import functools

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
KEPT, LARGEST = 2**29, 2**25  # bytes; the second is the most that every glibc takes


@functools.cache
def keep_freed_memory() -> bool:
    """Let the C library keep what tensors of up to 32 MB leave, up to 512 MB, for the next ones; once for a process.

    Unasked it gives the memory of larger tensors back to the system after each step, and at the next one every page is
    fetched and cleared again: 500 faults and some milliseconds of a step over batches of 9 MB. Returns whether the C
    library was told; one that is not glibc is left as it is.
    """
    library = ctypes.CDLL(None)
    mallopt = getattr(library, "mallopt", None)
    return mallopt is not None and bool(mallopt(TRIM_THRESHOLD, KEPT) and mallopt(MMAP_THRESHOLD, LARGEST))
