"""`hostgwctl plan`: what would change on this host now, and why; nothing is written for it.

Exit status: 0 nothing would change, 1 something would, 2 wrong usage, 3 the daemon could not be
asked.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import click
import msgspec

from hostgw_cli.daemon_socket import DaemonSocket, local
from hostgw_cli.output import Shape, emit, shaped, show

HEADINGS = ("ACTION", "WHAT", "WHICH", "NODE", "CAUSE", "WHY")
STATUSES = (
    "\b\nExit status: 0 nothing would change, 1 something would, 2 wrong usage,"
    "\n3 the daemon of this host could not be asked."
)


@click.command(epilog=STATUSES)
@shaped
@local
def plan(daemon: DaemonSocket, shape: Shape) -> None:
    """Show what the daemon would change on this host now, and why: a dry run.

    What is held back or left alone for now is shown too, and is no change. Of rules and files only
    that is shown of which the daemon knows that it is not as it must be.
    """
    found = msgspec.json.decode(daemon.get("/v1/plan"))
    if shape is not Shape.TABLE:
        emit(found, shape)
        sys.exit(1 if found["changes"] else 0)
    rows = [_row(each) for each in (*found["changes"], *found["held_back"])]
    if rows:
        show(HEADINGS, rows)
    if not found["changes"]:
        click.echo("nothing would change")
    if found["waits"]:
        click.echo(f"nothing is written at present: {found['waits']}")
    sys.exit(1 if found["changes"] else 0)


def _row(change: Mapping[str, str]) -> tuple[str, ...]:
    which = change["thing"]
    if change["before"]:
        which += f" (now {change['before']})"
    return (
        *(change["action"], change["what"], which, change["node"] or "-"),
        *(change["cause"], change["why"]),
    )
