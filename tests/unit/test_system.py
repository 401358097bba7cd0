"""What there is of memory, by the machine and by control groups."""

import os
from pathlib import Path

import pytest

from leveret.system import free_disk_bytes, resident_bytes, total_memory_bytes

MIB = 1 << 20
MACHINE = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def put(root: Path, path: str, text: str) -> None:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_without_control_groups_there_is_the_machine_s(tmp_path: Path) -> None:
    assert total_memory_bytes(tmp_path) == MACHINE


def test_the_lowest_limit_on_the_way_up_counts(tmp_path: Path) -> None:
    put(tmp_path, "proc/self/cgroup", "0::/system.slice/leveret.service\n")
    put(tmp_path, "sys/fs/cgroup/system.slice/leveret.service/memory.max", "max\n")
    put(tmp_path, "sys/fs/cgroup/system.slice/memory.max", f"{512 * MIB}\n")
    assert total_memory_bytes(tmp_path) == 512 * MIB


def test_in_a_container_the_own_group_is_the_top_one(tmp_path: Path) -> None:
    put(tmp_path, "proc/self/cgroup", "0::/\n")
    put(tmp_path, "sys/fs/cgroup/memory.max", f"{64 * MIB}\n")
    assert total_memory_bytes(tmp_path) == 64 * MIB


@pytest.mark.parametrize("path", ["/docker/0123", "/"])
def test_version_1_is_understood(tmp_path: Path, path: str) -> None:
    put(tmp_path, "proc/self/cgroup", f"5:cpu,cpuacct:/x\n4:memory:{path}\n0::/init.scope\n")
    put(tmp_path, "sys/fs/cgroup/memory/memory.limit_in_bytes", f"{128 * MIB}\n")
    assert total_memory_bytes(tmp_path) == 128 * MIB


def test_a_limit_beyond_the_machine_is_none(tmp_path: Path) -> None:
    put(tmp_path, "proc/self/cgroup", "4:memory:/\n")
    put(tmp_path, "sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")
    assert total_memory_bytes(tmp_path) == MACHINE


def test_this_process_uses_memory_and_could_write(tmp_path: Path) -> None:
    used, total = resident_bytes(), total_memory_bytes()
    if used is not None:
        assert total is not None
        assert MIB < used < total
    assert free_disk_bytes(tmp_path) >= 0
    with pytest.raises(OSError):
        free_disk_bytes(tmp_path / "none")
