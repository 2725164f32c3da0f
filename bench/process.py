"""What a process costs: its CPU time and its memory, as /proc tells (proc(5))."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_SIZES = re.compile(r"^(Rss|Pss):\s+(\d+) kB", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes: `resident` counts shared pages whole, `proportional` a share of each."""

    resident: int
    proportional: int


def cpu_seconds(pid: int) -> float:
    """Give the CPU time that a process has used, all its threads, user and system, in seconds.

    Its resolution is a clock tick, 10 ms. Raise FileNotFoundError when it is gone.
    """
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory(pid: int) -> Memory:
    """Give a process's memory. Raise FileNotFoundError when it is gone."""
    sizes = dict(_SIZES.findall(Path(f"/proc/{pid}/smaps_rollup").read_text()))
    return Memory(int(sizes["Rss"]) * 1024, int(sizes["Pss"]) * 1024)
