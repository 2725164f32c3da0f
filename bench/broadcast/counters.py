"""The kernel's own counters of a namespace's interfaces, read without running a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self, TextIO

from hostgw_cli.lab.netns import Namespace


class Counters:
    """The frames of one namespace's interfaces, from `open` on: an open /proc/net/dev (proc(5))."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    @classmethod
    @contextmanager
    def open(cls, inside: Namespace) -> Iterator[Self]:
        """Open the file in a namespace: it tells of that one for as long as it is open."""
        with inside.enter():
            file = Path("/proc/thread-self/net/dev").open(encoding="ascii")  # noqa: SIM115 - below
        with file:
            yield cls(file)

    def received(self) -> dict[str, int]:
        """Give how many frames each interface has received."""
        self._file.seek(0)
        found = {}
        for line in self._file.read().splitlines()[2:]:
            name, _, numbers = line.partition(":")
            found[name.strip()] = int(numbers.split()[1])
        return found
