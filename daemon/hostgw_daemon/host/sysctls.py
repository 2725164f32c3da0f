"""Sysctls as files: read, and written where a setting says so.

A process with CAP_NET_ADMIN may write those below `net` of its own network namespace, whoever it
runs as (net_ctl_permissions in net/sysctl_net.c); not where /proc/sys is mounted read-only, as in
most containers, and under systemd's ProtectKernelTunables=yes unless ReadWritePaths= names them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from hostgw_daemon.host.findings import Sysctl


@dataclass(frozen=True, slots=True)
class Changed:
    """A sysctl that was written, and what it said before."""

    sysctl: Sysctl
    before: int


class Sysctls:
    """The files below `root`, which is /proc/sys but in tests."""

    def __init__(self, root: Path = Path("/proc/sys")) -> None:
        self._root = root

    def read(self, path: str) -> int | None:
        """Give a number, or None where there is none to be read."""
        try:
            return int((self._root / path).read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    def write(self, sysctl: Sysctl) -> Changed | str | None:
        """Write it; give what it was, None when it said so already, or why it could not be."""
        before = self.read(sysctl.path)
        if before == sysctl.value:
            return None
        try:
            (self._root / sysctl.path).write_text(f"{sysctl.value}\n", encoding="ascii")
        except OSError as error:
            return f"{sysctl.name} cannot be written ({os.strerror(error.errno or 0)})"
        return Changed(sysctl, before if before is not None else -1)
