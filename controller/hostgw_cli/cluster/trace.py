"""`hostgwctl trace SRC DST`: the way between two addresses, in both directions, across nodes.

Who has the two addresses, which lease decides, what each node says of itself: from the store. What
this host decides itself, if it is one of the two: from its daemon and its kernel, as
`hostgwctl explain` has it. What the store cannot say while it is away, this host's daemon
remembers: the leases, but not what the others say of themselves.

Exit status: 0 nothing is wrong, 1 something is, 2 wrong usage, 3 neither the store nor the daemon
could be asked.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from ipaddress import ip_address
from typing import Any

import click
import msgspec

from hostgw_cli.cluster.census import census_of, spans
from hostgw_cli.cluster.path import Direction, Facts, senders, there_and_back
from hostgw_cli.connection import Connection, connected
from hostgw_cli.daemon_socket import DaemonSocket, local
from hostgw_cli.endings import Refused, Unreachable
from hostgw_cli.lease_list import Row
from hostgw_cli.node.explain import facts_of, step_lines
from hostgw_cli.node.explanation import explain_address
from hostgw_cli.output import Shape, emit, shaped

STATUSES = (
    "\b\nExit status: 0 nothing is wrong, 1 something is, 2 wrong usage,"
    "\n3 neither the store nor the daemon of this host could be asked."
)


@click.command(epilog=STATUSES)
@click.argument("src")
@click.argument("dst")
@shaped
@local
@connected
def trace(connection: Connection, daemon: DaemonSocket, shape: Shape, src: str, dst: str) -> None:
    """Trace packets from SRC to DST (addresses of pods or nodes) and back, across nodes."""
    one, other = _addresses(src, dst)
    facts = _facts(connection, daemon)
    if not {"store", "daemon"} <= facts.away.keys():
        explained = {
            address: explain_address(facts_of(connection, daemon, address))
            for address in senders(facts, one, other)
        }
        facts = replace(facts, local=explained)
    ways = there_and_back(facts, one, other)
    if shape is not Shape.TABLE:
        emit({"away": facts.away, "directions": msgspec.to_builtins(ways)}, shape)
    else:
        _print(facts, ways)
    if {"store", "daemon"} <= facts.away.keys():
        sys.exit(Unreachable.exit_code)
    sys.exit(0 if all(way.well for way in ways) else 1)


def _print(facts: Facts, ways: tuple[Direction, ...]) -> None:
    for who, why in facts.away.items():
        click.echo(f"the {who} could not be asked: {why}\n")
    for way in ways:
        click.echo(f"{way.source} -> {way.destination}")
        for line in step_lines(way.steps):
            click.echo(line)
        click.echo()
    for way in ways:
        click.echo(way.sentence)


def _addresses(src: str, dst: str) -> tuple[str, str]:
    """Check the two. Raise UsageError."""
    found = []
    for text in (src, dst):
        try:
            found.append(ip_address(text))
        except ValueError:
            raise click.UsageError(
                f"{text!r} is no IP address: give one of a pod or a node, such as 10.244.7.2"
            ) from None
    one, other = found
    if one.version != other.version:
        raise click.UsageError(f"{one} and {other} are of two families: no packet has both")
    if one == other:
        raise click.UsageError(f"{one} twice: give two addresses")
    return str(one), str(other)


def _facts(connection: Connection, daemon: DaemonSocket) -> Facts:
    """Ask the store who is who and this host's daemon who it is."""
    away: dict[str, str] = {}
    facts = Facts()
    keys = connection.keys
    try:
        listing = connection.run(lambda store: store.list(*spans(keys)))
        census = census_of(keys, listing)
        facts = Facts(census.rows, census.nodes)
    except Unreachable as error:
        away["store"] = error.message
    try:
        status = msgspec.json.decode(daemon.get("/v1/status"))
        facts = replace(facts, here=status["claim"].get("key", ""))
        if "store" in away:
            leases = msgspec.json.decode(daemon.get("/v1/leases"))
            facts = replace(facts, rows=tuple(map(_row, leases)))
    except (Unreachable, Refused) as error:
        away["daemon"] = error.message
    return replace(facts, away=away)


def _row(lease: dict[str, Any]) -> Row:
    """Make a row of a lease that the daemon believes."""
    return Row(
        lease["key"],
        tuple(lease["subnets"]),
        tuple(lease["gateways"]),
        lease["node"],
        lease["node_id"],
        state="leased",
        alive=None,
        created=lease["created"],
        modified=lease["modified"],
    )
