"""The C library's allocator, the garbage collector and the interpreter's lock, set for a broker.

With glibc's defaults each read's buffer goes back to the kernel and is faulted in again at the
next: measured at 100,000 page faults a second and three times the CPU per 1 KiB message. The
collector would walk everything that start-up made again and again.
"""

import contextlib
import ctypes
import gc
import sys
from typing import Final

M_TRIM_THRESHOLD: Final = -1
M_MMAP_THRESHOLD: Final = -3
MIB: Final = 1 << 20
# How many objects more than before are there when the youngest are walked, how many such walks
# later the survivors are, and how many of those later everything is. 10,000 objects take 4 to
# 12 ms, for they are in no cache of the processor's (with 5,000 and 10, a thousand connections and
# the samples of ten thousand queues made the loop late by 31 ms). A closed connection leaves 7
# objects in circles, asyncio's: what waits for the last of the three stays below some 140,000
# connections that were open for long.
GC_THRESHOLDS: Final = (2_000, 5, 100)
# Seconds after which the loop lets a thread in that waits for the interpreter. A thread that comes
# back from writing the log waits that long while the loop is busy: with Python's 5 ms, publishing
# persistent messages was measured at two thirds of the rate.
SWITCH_INTERVAL_SECONDS: Final = 0.0005


def tune_allocator() -> None:
    """Keep freed memory for the next read; where there is no glibc, do nothing."""
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL(None)
        libc.mallopt(M_TRIM_THRESHOLD, 64 * MIB)
        libc.mallopt(M_MMAP_THRESHOLD, 32 * MIB)


def share_interpreter() -> None:
    """Let the threads that write to disk in sooner."""
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)


def give_back_memory() -> None:
    """Return freed memory to the system. (A queue of 225,000 messages of 1 KiB, drained to empty,
    was measured to keep 265 of its 290 MB until this was called.)"""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def settle_collector() -> None:
    """Call once everything is up: what exists now stays, and is not walked any more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
