"""`hostgwctl peers --probe`: a round of probes ordered, waited for, and shown.

The daemon asks, for a question carries its seal and takes the way of its pods. Here the round is
ordered and looked at until everybody was asked. What is said of it besides goes to the error
output, so that a pipe gets the answers alone.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import click
import msgspec

from hostgw_cli.daemon_socket import DaemonSocket, of_network
from hostgw_cli.endings import Unreachable
from hostgw_cli.moments import span

HEADINGS: Final = ("NODE", "ADDRESS", "HOST", "POD", "FORWARD", "BIG", "STATE", "WHY")
WAYS: Final = ("host", "pod", "forward", "big")
PERIOD: Final = 0.2  # seconds between two looks
SHORT: Final = 2.0  # seconds that nobody needs to be told of

_CURE = (
    "\nOnly a daemon that runs can ask: start it (`systemctl start hostgwd`), and its log says why"
    " if it does not. Meanwhile `hostgwctl explain ADDRESS` goes by the store and this kernel, and"
    " `ping GATEWAY` asks a node that `hostgwctl leases` lists."
)


def probe(
    daemon: DaemonSocket, network: str, peers: Sequence[Mapping[str, Any]] | None
) -> list[dict[str, Any]]:
    """Have these peers asked, None for all; give what came of it. Raise Refused, Unreachable."""
    which = {"all": True} if peers is None else {"keys": [peer["key"] for peer in peers]}
    begun = daemon.post(of_network("/v1/peers/probe", network), which)
    if begun["seconds"] > SHORT or sys.stderr.isatty():
        click.echo(_announced(begun), err=True)
    place = of_network(f"/v1/probes?round={begun['round']}", network)
    while not (found := msgspec.json.decode(daemon.get(place)))["done"]:
        if sys.stderr.isatty():
            click.echo(f"\r{found['asked']} of {found['of']} asked", nl=False, err=True)
        time.sleep(PERIOD)
    if sys.stderr.isatty():
        click.echo("\r\033[K", nl=False, err=True)
    told: list[dict[str, Any]] = found["peers"]
    return told


def away(error: Unreachable) -> Unreachable:
    """Say besides what can still be done without a daemon."""
    return Unreachable(error.message + _CURE)


def rows(peers: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Give a line for each peer in each family."""
    return [row for peer in peers for row in _rows(peer)]


def _rows(peer: Mapping[str, Any]) -> list[tuple[str, ...]]:
    name, known = peer["node"] or "-", (peer["state"], peer["reason"])
    if not peer["families"]:
        return [(name, " ".join(peer["gateways"]) or "-", *["-"] * len(WAYS), *known)]
    # Of two families each has its own cause; what is known of the peer otherwise comes before.
    by_probes = peer["state"] in {family["cause"] for family in peer["families"]}
    several = by_probes and len(peer["families"]) > 1
    found = []
    for family in peer["families"]:
        ways = {way["way"]: way for way in family["ways"]}
        said = (family["cause"] or "unprobed", family["reason"]) if several else known
        cells = (_cell(ways.get(name)) for name in WAYS)
        found.append((name, _address(peer, family["family"]), *cells, *said))
    return found


def _cell(way: Mapping[str, Any] | None) -> str:
    """Say what one way has brought: the shortest time, and the losses, if there are any."""
    if way is None:
        return "-"
    if way["refused"]:
        return "not sent"
    if not way["answered"]:
        return f"lost {way['lost']}"
    lost = f", lost {way['lost']}" if way["lost"] else ""
    return f"{1000 * min(way['round_trips']):.1f} ms{lost}"


def _address(peer: Mapping[str, Any], family: int) -> str:
    of_family = [each for each in peer["gateways"] if (":" in each) == (family == 6)]
    return next(iter(of_family), "-")


def _announced(begun: Mapping[str, Any]) -> str:
    peers = f"{begun['peers']} peer" + ("s" if begun["peers"] != 1 else "")
    seconds = max(1.0, float(round(begun["seconds"])))
    return f"{peers}, at most {begun['rate']} a second: about {span(seconds)}"
