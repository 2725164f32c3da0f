"""The machine, by what matters for the figures; never by its name."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from pathlib import Path


def describe() -> str:
    """Name cores, memory, kernel and the versions of the programs that were measured."""
    cores = len(os.sched_getaffinity(0))
    gib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    programs = ", ".join(
        f"{name} {_version(argv)}"
        for name, argv in (
            ("etcd", ["etcd", "--version"]),
            ("iproute2", ["ip", "-V"]),
            ("BIRD", ["bird", "--version"]),
        )
    )
    return (
        f"{cores} cores ({_model()}), {gib:.0f} GiB, Linux {_short(platform.release())}, "
        f"Python {platform.python_version()}, {programs}"
    )


def load() -> str:
    """Give the load averages over 1, 5 and 15 minutes."""
    return " ".join(f"{each:.1f}" for each in os.getloadavg())


def _model() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _short(release: str) -> str:
    """Leave the builder's own words out of a kernel's release."""
    found = re.match(r"\d+(\.\d+)*", release)
    return found[0] if found else release


def _version(argv: list[str]) -> str:
    said = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+(\.\d+)?", said.stdout + said.stderr)
    return found[0] if found else "of an unknown version"
