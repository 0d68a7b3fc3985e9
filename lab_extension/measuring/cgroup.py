"""A container's own figures, from the files of its cgroup: version 2, or version 1 on older nodes.

Memory is the working set, as `kubectl top` has it: what is in use without the inactive part of the file cache. The
kernel ends a process when this comes near the machine's memory, not when the cache does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lab_extension.measuring.reading import Reading

ROOT = Path("/sys/fs/cgroup")
Read = Callable[[], Reading]


def container_reader(root: Path = ROOT) -> Read | None:
    """Reads what the whole container uses; None where its files are not to be had."""
    for reader in (_version_2, _version_1):
        read = reader(root)
        try:
            read()
        except (OSError, ValueError, KeyError):
            continue
        return read
    return None


def _version_2(root: Path) -> Read:
    def read() -> Reading:
        current, stat = int((root / "memory.current").read_text()), _pairs(root / "memory.stat")
        return Reading(_pairs(root / "cpu.stat")["usage_usec"] / 1e6, max(0, current - stat["inactive_file"]))

    return read


def _version_1(root: Path) -> Read:
    memory = root / "memory"
    mounted = (root / name for name in ("cpuacct", "cpu,cpuacct"))
    cpu = next((folder for folder in mounted if (folder / "cpuacct.usage").exists()), root)

    def read() -> Reading:
        current, stat = int((memory / "memory.usage_in_bytes").read_text()), _pairs(memory / "memory.stat")
        cpu_s = int((cpu / "cpuacct.usage").read_text()) / 1e9
        return Reading(cpu_s, max(0, current - stat["total_inactive_file"]))

    return read


def _pairs(file: Path) -> dict[str, int]:
    """`name number` by line."""
    return {name: int(number) for name, _, number in (line.partition(" ") for line in file.read_text().splitlines())}
