"""What this process may use of the machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_MEMORY: Final = Path("/proc/meminfo")


def cores() -> int:
    """How many cores the process may use: those of its affinity, where the system tells it."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_memory(facts: Path = _MEMORY) -> int:
    """Bytes that a process can have without swapping; all of the machine's where unknown.

    Args:
        facts: what Linux says of memory, in its form; other systems have no such file.

    """
    try:
        with facts.open(encoding="utf-8") as file:
            values = dict(line.split(":") for line in file)
        return int(values["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError, IndexError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
