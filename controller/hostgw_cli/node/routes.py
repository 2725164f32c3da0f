"""`hostgwctl routes`: the routes there should be, and with --diff how the kernel's differ.

Exit status: 0 done; with --diff: no difference, 1 with --diff: there is one, 2 wrong usage,
3 the daemon, or the kernel, could not be asked.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import click
import msgspec

from hostgw_cli.daemon_socket import DaemonSocket, local
from hostgw_cli.node import kernel
from hostgw_cli.node.route_diff import WITHDRAWN, difference
from hostgw_cli.output import Shape, emit, shaped, show

HEADINGS = ("PREFIX", "GATEWAY", "METRIC", "TABLE", "STATE", "WHY")
STATUSES = (
    "\b\nExit status: 0 done; with --diff: no difference, 1 with --diff: there is one,"
    "\n2 wrong usage, 3 the daemon, or the kernel, could not be asked."
)


@click.command(epilog=STATUSES)
@click.option("--diff", is_flag=True, help="Only what differs between the daemon and the kernel.")
@shaped
@local
def routes(daemon: DaemonSocket, shape: Shape, *, diff: bool) -> None:
    """List the routes there should be, each with its state; --diff reads the kernel as well."""
    wanted = msgspec.json.decode(daemon.get("/v1/routes"))
    if diff:
        found = difference(wanted, kernel.routes())
        if shape is not Shape.TABLE:
            emit(found, shape)
        elif found:
            show(HEADINGS, [_row(route) for route in found])
        else:
            held = sum(route["state"] != WITHDRAWN for route in wanted)
            click.echo(f"no difference: the kernel holds all {held} routes and no others")
        sys.exit(1 if found else 0)
    if shape is not Shape.TABLE:
        emit(wanted, shape)
    elif wanted:
        show(HEADINGS, [_row(route) for route in wanted])
    else:
        click.echo("there are no routes: no other node has a lease")


def _row(route: Mapping[str, object]) -> tuple[str, ...]:
    names = ("prefix", "gateway", "metric", "table", "state")
    return (*(str(route.get(name) or "-") for name in names), str(route.get("detail", "")))
