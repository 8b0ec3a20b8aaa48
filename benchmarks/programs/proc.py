"""What the kernel says of this process.

The one rule: memory is the kernel's own high-water mark of this process, not ``ru_maxrss``: that one begins at what
the parent had when it started us.
"""

from __future__ import annotations

from pathlib import Path


def memory(field: str = "VmRSS") -> int:
    """Bytes resident now, or with ``VmHWM`` at the most since the mark was set back."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) << 10
    raise KeyError(field)


def reset_high_water() -> int:
    """Set the mark back to what is resident now, and return that."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return memory()


def threads() -> int:
    """Threads of this process, those of C libraries included."""
    return sum(1 for _ in Path("/proc/self/task").iterdir())
