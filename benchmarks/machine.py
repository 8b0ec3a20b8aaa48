"""On what it was measured.

The one rule: nothing that names this machine or its user, only what explains a figure.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from pathlib import Path


def described(scratch: Path) -> dict[str, str]:
    """The machine, as the page shows it; *scratch* is where files were written."""
    return {
        "processor": _cpu(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{_meminfo()['MemTotal'] / (1 << 30):.1f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "file system": _file_system(scratch),
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def available_memory() -> int:
    """Bytes that can be used without swapping."""
    return _meminfo()["MemAvailable"]


def used_by_others() -> float:
    """Seconds of processor time that processes other than this run's have used so far."""
    _, *ticks = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0].split()
    user, nice, system, _, _, irq, softirq, *_ = (int(tick) / os.sysconf("SC_CLK_TCK") for tick in ticks)
    ours = os.times()
    own = ours.user + ours.system + ours.children_user + ours.children_system
    return user + nice + system + irq + softirq - own


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == "model name":
            return value.strip()
    return platform.machine()


def _meminfo() -> Mapping[str, int]:
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    pairs = (line.split(":", 1) for line in lines)
    return {name: int(rest.split()[0]) << 10 for name, rest in pairs}


def _file_system(path: Path) -> str:
    """The type of the mount that *path* is on: the last of the longest mount points above it."""
    found, longest = "unknown", -1
    real = str(path.resolve())
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, point, kind, *_ = line.split(" ")
        is_above = real == point or real.startswith(point.rstrip("/") + "/")
        if is_above and len(point) >= longest:
            found, longest = kind, len(point)
    return found
