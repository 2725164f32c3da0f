"""`hostgwctl peers`: every other node, the state that it is in, and why.

Exit status: 0 done, 1 with --bad some are, 2 wrong usage, 3 the daemon could not be asked.
"""

from __future__ import annotations

import sys

import click
import msgspec

from hostgw_cli.daemon_socket import DaemonSocket, local, named, of_network
from hostgw_cli.output import Shape, emit, shaped, show

HEADINGS = ("NODE", "SUBNET", "GATEWAY", "STATE", "WHY")
WELL = frozenset({"ok", "unprobed"})
"""States that are no trouble."""

STATUSES = (
    "\b\nExit status: 0 done; with --bad: nobody is, 1 with --bad: somebody is,"
    "\n2 wrong usage, 3 the daemon of this host could not be asked."
)


@click.command(epilog=STATUSES)
@click.option(
    "--bad", is_flag=True, help="Only those with a trouble; exit status 1 if there are any."
)
@named
@shaped
@local
def peers(daemon: DaemonSocket, shape: Shape, *, bad: bool, network: str) -> None:
    """List every other node: subnet, gateway, the state it is in, and the cause of that."""
    found = msgspec.json.decode(daemon.get(of_network("/v1/peers", network)))
    if bad:
        found = [peer for peer in found if peer["state"] not in WELL]
    if shape is not Shape.TABLE:
        emit(found, shape)
    elif found:
        show(HEADINGS, [_row(peer) for peer in found])
    else:
        click.echo("no peer has a trouble" if bad else "there are no other nodes")
    sys.exit(1 if bad and found else 0)


def _row(peer: dict[str, str]) -> tuple[str, ...]:
    return (
        peer["node"] or "-",
        " ".join(peer["subnets"]) or "-",
        " ".join(peer["gateways"]) or "-",
        peer["state"],
        peer["reason"],
    )
