"""`hostgwctl peers`: every other node, the state that it is in, and why.

The daemon asks them all in turn, all the time, and this tells what it knows. With --probe they are
asked now, and the answers are shown: by the node's own address, by the way of pods' packets, into
its subnet (which shows that it forwards), and as large as the link takes.

Exit status: 0 done, 1 with --bad or --probe some are in trouble, 2 wrong usage, 3 the daemon could
not be asked.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec
from click.shell_completion import CompletionItem

from hostgw_cli.daemon_socket import RUN_DIR, DaemonSocket, local, named, of_network
from hostgw_cli.endings import Refused, Unreachable
from hostgw_cli.lease_list import by_subnet
from hostgw_cli.node import probe_round
from hostgw_cli.output import Shape, emit, shaped, show

HEADINGS = ("NODE", "SUBNET", "GATEWAY", "STATE", "WHY")
WELL = frozenset({"ok", "unprobed"})
"""States that are no trouble."""

STATUSES = (
    "\b\nExit status: 0 done; with --bad or --probe: nobody is in trouble, 1 with --bad or"
    "\n--probe: somebody is, or it was refused, 2 wrong usage, 3 the daemon of this host could"
    "\nnot be asked."
)


def _names(context: click.Context, _option: click.Parameter, begun: str) -> list[CompletionItem]:
    """Complete the names of peers, if the daemon tells them."""
    given = context.params
    run_dir = Path(given.get("run_dir") or RUN_DIR)
    daemon = DaemonSocket(Path(given.get("at") or run_dir / "hostgwd.sock"))
    try:
        found = _known(daemon, given.get("network") or "")
    except (Refused, Unreachable):
        return []
    names = sorted({peer["node"] for peer in found if peer["node"].startswith(begun)})
    return [CompletionItem(name) for name in names if name]


@click.command(epilog=STATUSES)
@click.argument("names", metavar="[PEER]...", nargs=-1, shell_complete=_names)
@click.option("--probe", is_flag=True, help="Ask them now, and show the answers.")
@click.option(
    "--bad", is_flag=True, help="Only those with a trouble; exit status 1 if there are any."
)
@named
@shaped
@local
def peers(
    daemon: DaemonSocket,
    shape: Shape,
    names: tuple[str, ...],
    *,
    probe: bool,
    bad: bool,
    network: str,
) -> None:
    """List every other node: subnet, gateway, the state it is in, and the cause of that.

    PEER is a node's name, its subnet, its gateway or the key of its lease; without any, all are
    meant.

    With --probe each is asked now by every way there is, until it is sure how it stands: host is
    its own address, pod the way of pods' packets, forward shows that it forwards, and big is as
    large as the link takes. "-": that way is not there, for it or this host has no pods, or no
    daemon. No more are asked a second than --probe-rate of hostgwd says.
    """
    try:
        chosen = _chosen(_known(daemon, network), names)
        if probe and chosen:
            chosen = probe_round.probe(daemon, network, chosen if names else None)
        chosen = sorted(chosen, key=lambda peer: by_subnet(peer["subnets"]))
    except Unreachable as error:
        raise (probe_round.away(error) if probe else error) from error
    troubled = [peer for peer in chosen if peer["state"] not in WELL]
    found = troubled if bad else chosen
    if shape is not Shape.TABLE:
        emit(found, shape)
    elif not found:
        click.echo("no peer has a trouble" if bad else "there are no other nodes")
    elif probe:
        show(probe_round.HEADINGS, probe_round.rows(found))
    else:
        show(HEADINGS, [_row(peer) for peer in found])
    sys.exit(1 if (bad or probe) and troubled else 0)


def _known(daemon: DaemonSocket, network: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = msgspec.json.decode(daemon.get(of_network("/v1/peers", network)))
    return found


def _chosen(found: list[dict[str, Any]], names: Sequence[str]) -> list[dict[str, Any]]:
    """Give those that were named. Raise Refused for a name that nobody has."""
    if not names:
        return found
    unknown = [name for name in names if not any(_is(peer, name) for peer in found)]
    if unknown:
        raise Refused(f"no peer is {', '.join(unknown)}: `hostgwctl peers` lists all there are")
    return [peer for peer in found if any(_is(peer, name) for name in names)]


def _is(peer: Mapping[str, Any], name: str) -> bool:
    return name in (peer["node"], peer["key"], *peer["subnets"], *peer["gateways"])


def _row(peer: dict[str, Any]) -> tuple[str, ...]:
    return (
        peer["node"] or "-",
        " ".join(peer["subnets"]) or "-",
        " ".join(peer["gateways"]) or "-",
        peer["state"],
        peer["reason"],
    )
