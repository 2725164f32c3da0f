"""When routes went and came, as `ip monitor` saw it: the witness of how fast one is put back."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from hostgw_cli.lab.netns import Namespace
from hostgw_cli.lab.waiting import wait_for

_LINE = re.compile(r"\[(?P<when>[\d:.T-]+)\] (?P<gone>Deleted )?(?P<route>\S+ .*)")


@dataclass(frozen=True, slots=True)
class Sighting:
    """A route came or went. `when` is in seconds, of the machine's clock."""

    when: float
    gone: bool
    route: str

    @property
    def prefix(self) -> str:
        """The destination."""
        return self.route.split()[0]


class RouteWatch:
    """What was seen so far."""

    def __init__(self, output: IO[str]) -> None:
        self._output = output

    def sightings(self) -> list[Sighting]:
        """Give everything seen, in order."""
        self._output.seek(0)
        return understand(self._output.read())


def understand(said: str) -> list[Sighting]:
    """Read what `ip -ts monitor route` wrote; a line without its end is still being written."""
    whole = said[: said.rfind("\n") + 1]
    return [
        Sighting(
            datetime.fromisoformat(found["when"]).timestamp(), bool(found["gone"]), found["route"]
        )
        for found in map(_LINE.fullmatch, (line.rstrip() for line in whole.splitlines()))
        if found
    ]


def returned(sightings: list[Sighting], prefix: str) -> float | None:
    """Give when a prefix came back after it had gone; None if it has not."""
    gone = False
    for each in sightings:
        if each.prefix == prefix:
            if gone and not each.gone:
                return each.when
            gone = gone or each.gone
    return None


@contextmanager
def watch_routes(inside: Namespace) -> Iterator[RouteWatch]:
    """Watch a namespace's routes of both families while the block lasts; it has begun by then."""
    with TemporaryFile("w+", encoding="utf-8") as output:
        # Both share one place in the file: whoever reads must not move where the next line goes.
        fcntl.fcntl(output, fcntl.F_SETFL, os.O_APPEND)
        process = inside.popen(
            ["ip", "-ts", "monitor", "route"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with process:
            try:
                wait_for(lambda: _listens(process.pid), what="`ip monitor` listening", within=5.0)
                yield RouteWatch(output)
            finally:
                process.kill()


def _listens(pid: int) -> bool:
    """Tell whether a process has a netlink socket that has joined a group.

    /proc/PID/net/netlink has a line a socket: sk, Eth, Pid, Groups ... (net/netlink/af_netlink.c);
    the port of a process's first socket is its own number.
    """
    try:
        lines = Path(f"/proc/{pid}/net/netlink").read_text().splitlines()[1:]
    except FileNotFoundError:
        return False
    rows = (line.split() for line in lines)
    return any(row[2] == str(pid) and int(row[3], 16) != 0 for row in rows)
