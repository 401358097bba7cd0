"""What the operating system says of memory, disk and file descriptors. Where it says nothing, that
is None."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096

# What is not given to AMQP connections, at most: for files of the store, and for HTTP.
DESCRIPTORS_KEPT = 1200
HTTP_CONNECTIONS_MAX = 1000


def resident_bytes() -> int | None:
    """Resident memory of this process. (`getrusage` knows the highest it ever was, by which an
    alarm would never end.)"""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * PAGE_BYTES
    except OSError:
        return None


def processor_wait_seconds() -> float:
    """How long this thread has been able to run and had no processor, since its start; 0 where the
    system does not tell."""
    try:
        with open("/proc/thread-self/schedstat") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return 0.0


def total_memory_bytes(root: Path = Path("/")) -> int | None:
    """What this process may use: the machine's memory, or less if its control group has less."""
    known = list(_control_group_limits(root))
    # Windows, for one, does not tell.
    with contextlib.suppress(AttributeError, ValueError, OSError):
        known.append(os.sysconf("SC_PHYS_PAGES") * PAGE_BYTES)
    return min(known, default=None)


def free_disk_bytes(folder: Path) -> int:
    """What may still be written to the disk of a folder. Raises OSError."""
    return shutil.disk_usage(folder).free


def raise_descriptors() -> None:
    """Allow this process as many file descriptors as its user may have. The lower limit, which it
    starts with, is for programs that use `select`."""
    # Windows has no such limit.
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def connections_max() -> int:
    """How many AMQP connections there may be so that descriptors are left for files and for
    operators; 0 is any number."""
    limit = _descriptors_max()
    if limit == 0:
        return 0
    used = len(os.listdir("/dev/fd"))
    return max(1, limit - used - min(limit // 4, DESCRIPTORS_KEPT))


def http_connections_max() -> int:
    """How many HTTP connections there may be: half of what is not given to AMQP, at most."""
    limit = _descriptors_max()
    return min(max(1, limit // 8), HTTP_CONNECTIONS_MAX) if limit else HTTP_CONNECTIONS_MAX


def _descriptors_max() -> int:
    """0 is any number, or unknown."""
    try:
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    except (ImportError, OSError):
        return 0
    return 0 if limit == resource.RLIM_INFINITY or not os.path.isdir("/dev/fd") else limit


def descriptors() -> tuple[int, int] | None:
    """Open file descriptors of this process, and how many it may have."""
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        # Since Linux 6.2 that is their number; before, 0. Thousands take milliseconds to list.
        return os.stat("/proc/self/fd").st_size or len(os.listdir("/proc/self/fd")), limit
    except (ImportError, OSError):
        return None


def _control_group_limits(root: Path) -> Iterator[int]:
    """The limits of the control groups that this process is in, of either version. In a container
    the path may be that of the machine and lead nowhere; its own group is then the top one."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            mount, file = "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            mount, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        group = PurePosixPath(path)
        for each in (group, *group.parents):
            try:
                yield int((root / mount / str(each).lstrip("/") / file).read_text())
            except (OSError, ValueError):
                # Not there, or "max".
                continue
