"""`hostgwctl explain ADDRESS`: why packets to an address do or do not arrive, from this host.

From the record to the wire: whose address it is, what the daemon decided, which way the kernel
would send a packet, whether the gateway answers on the link, and what the probe has found. The last
line is the sentence that says what is wrong, or that nothing is.

What the daemon cannot say while it is away is read from the store; what neither can, is said so.

Exit status: 0 nothing is wrong, 1 something is, 2 wrong usage, 3 neither the daemon nor the store
could be asked.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

import click
import msgspec

from hostgw_cli.connection import Connection, connected
from hostgw_cli.daemon_socket import DaemonSocket, local, of_network
from hostgw_cli.endings import Unreachable
from hostgw_cli.lease_list import rows
from hostgw_cli.node import kernel
from hostgw_cli.node.explanation import Facts, Step, explain_address
from hostgw_cli.output import Shape, emit, shaped
from hostgw_core.store import Span

STATUSES = (
    "\b\nExit status: 0 nothing is wrong, 1 something is, 2 wrong usage,"
    "\n3 neither the daemon of this host nor the store could be asked."
)


@click.command("explain", epilog=STATUSES)
@click.argument("address")
@shaped
@local
@connected
def explain(connection: Connection, daemon: DaemonSocket, shape: Shape, address: str) -> None:
    """Explain why packets to ADDRESS (of a pod, a node, anything) do or do not arrive."""
    try:
        ip_address(address)
    except ValueError:
        raise click.UsageError(
            f"{address!r} is no IP address: give one of a pod or a node, such as 10.244.7.2"
        ) from None
    facts = facts_of(connection, daemon, address)
    found = explain_address(facts)
    if shape is not Shape.TABLE:
        emit(msgspec.to_builtins(found), shape)
    else:
        for line in step_lines(found.steps):
            click.echo(line)
        click.echo(f"\n{found.sentence}")
    if {"daemon", "store"} <= facts.away.keys():
        sys.exit(Unreachable.exit_code)
    sys.exit(0 if found.well else 1)


def step_lines(steps: Sequence[Step]) -> list[str]:
    """Give a line for each step: whether it is well, what was looked at, what it says."""
    width = max(len(step.what) for step in steps) + 2
    marks = {True: "ok", False: "--", None: "  "}
    return [f"{marks[step.well]} {step.what:{width}}{step.says}" for step in steps]


def facts_of(connection: Connection, daemon: DaemonSocket, address: str) -> Facts:
    """Ask everybody; who does not answer is named in it."""
    away: dict[str, str] = {}
    documents: dict[str, Any] = {}
    try:
        for name in ("status", "peers", "routes", "leases", "refusals", "config"):
            documents[name] = msgspec.json.decode(daemon.get(f"/v1/{name}"))
        _further(daemon, documents)
    except Unreachable as error:
        away["daemon"] = error.message
        documents = {}
        try:
            documents["rows"] = _rows(connection)
        except Unreachable as other:
            away["store"] = other.message
    way = kernel.way(address)
    hop = _hop(way)
    state = kernel.neighbour(hop or address, str(way.get("dev", ""))) if way else ""
    return Facts(address, documents, way, state, away, kernel.addresses() if away else frozenset())


def _further(daemon: DaemonSocket, documents: dict[str, Any]) -> None:
    """Add what is said of the further networks; the routes are those of all. Raise Unreachable."""
    documents["configs"] = []
    for network in documents["status"].get("networks", ())[1:]:

        def get(name: str, of: str = network["name"]) -> Any:
            return msgspec.json.decode(daemon.get(of_network(f"/v1/{name}", of)))

        for name in ("peers", "leases", "refusals"):
            documents[name] = [*documents[name], *get(name)]
        documents["configs"].append(get("config"))


def _rows(connection: Connection) -> list[dict[str, Any]]:
    keys = connection.keys
    spans = (Span(keys.config), keys.subnets, keys.subnets6, keys.nodes)
    listing = connection.run(lambda store: store.list(*spans))
    return [row.as_json() for row in rows(keys, listing.entries)]


def _hop(way: Mapping[str, Any] | None) -> str:
    found = way or {}
    return str(found.get("gateway") or (found.get("via") or {}).get("host", ""))
