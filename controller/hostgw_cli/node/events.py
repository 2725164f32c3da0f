"""`hostgwctl events`: the daemon's journal, and with --follow what comes next in it.

Exit status: 0 done, 2 wrong usage, 3 the daemon could not be asked. One that follows goes on while
the daemon is started anew, says so, and ends with Ctrl-C.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import click
import msgspec

from hostgw_cli.daemon_socket import DaemonSocket, local
from hostgw_cli.endings import Unreachable
from hostgw_cli.node.event_words import HEADINGS, cells, gap, line
from hostgw_cli.output import Shape, emit, shaped, show

STATUSES = (
    "\b\nExit status: 0 done, 2 wrong usage, 3 the daemon of this host could not be asked."
    "\n--follow goes on until Ctrl-C."
)
WAIT = 5  # seconds that the daemon may hold an answer back: less than it is waited for
PAUSE = 1.0  # seconds before a daemon that is away is asked again


@click.command(epilog=STATUSES)
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option(
    "--since",
    type=click.IntRange(min=0),
    default=0,
    metavar="NUMBER",
    help="Only what came after the event of this number; all, if hostgwd has begun anew since.",
)
@shaped
@local
def events(daemon: DaemonSocket, shape: Shape, *, follow: bool, since: int) -> None:
    """Show what changed on this host: routes, peers, lease, link, conditions; when, why, by whom.

    With --follow and -o json each event is an object on a line of its own.
    """
    reader = _Reader(daemon, since)
    if follow:
        try:
            _follow(reader, shape)
        except KeyboardInterrupt:
            return
    found = reader.rest()
    if shape is not Shape.TABLE:
        emit({"instance": reader.instance, "missed": reader.missed, "events": found}, shape)
        return
    if reader.missed:
        click.echo(gap(reader.missed), err=True)
    if found:
        show(HEADINGS, [cells(event) for event in found])
    else:
        click.echo("there are no events after that")


class _Reader:
    """Reads page by page, and knows how far it has come."""

    def __init__(self, daemon: DaemonSocket, since: int) -> None:
        self._daemon = daemon
        self.since = since
        self.instance = ""
        self.missed = 0

    def next(self, wait: int = 0) -> tuple[int, list[dict[str, Any]], bool]:
        """Give how many were missed, the next events, and whether the daemon is another process.

        Raise Unreachable or Refused.
        """
        asked = {"since": self.since, "wait": wait, "instance": self.instance}
        page = msgspec.json.decode(self._daemon.get(f"/v1/events?{urlencode(asked)}", held=wait))
        anew = self.instance not in ("", page["instance"])
        self.instance = page["instance"]
        found: list[dict[str, Any]] = page["events"]
        # A number beyond the last is of an earlier process.
        self.since = found[-1]["number"] if found else min(self.since, page["last"])
        return page["missed"], found, anew

    def rest(self) -> list[dict[str, Any]]:
        """Give all there is now."""
        whole: list[dict[str, Any]] = []
        while True:
            missed, found, _ = self.next()
            self.missed += missed
            if not found:
                return whole
            whole += found


def _follow(reader: _Reader, shape: Shape) -> None:
    away = ""
    asked = False
    while True:
        try:
            missed, found, anew = reader.next(WAIT)
        except Unreachable as error:
            if not asked:
                raise
            if error.message != away:
                away = error.message
                click.echo(f"{away}; asking again", err=True)
            time.sleep(PAUSE)
            continue
        asked, away = True, ""
        if anew:
            click.echo("hostgwd was started anew; its events begin at 1", err=True)
        if missed:
            click.echo(gap(missed), err=True)
        for event in found:
            _print(event, shape)


def _print(event: Mapping[str, Any], shape: Shape) -> None:
    if shape is Shape.TABLE:
        click.echo(line(event))
    elif shape is Shape.JSON:
        click.echo(msgspec.json.encode(event).decode())
    else:
        click.echo("---")
        emit(event, shape)
