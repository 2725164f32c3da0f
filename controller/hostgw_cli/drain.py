"""`hostgwctl drain`: have this host leave the cluster on purpose, so that nobody loses a packet.

The daemon puts its lease in quarantine: the other nodes withdraw their routes at once, and nobody
takes the subnet. When they have had time for it, the lease is released, and the daemon claims none
until `hostgwctl resume` or a restart.

Exit status: 0 it has left, 1 refused, or it has not within the time, 2 wrong usage, 3 the daemon
could not be asked.
"""

from __future__ import annotations

import time
from typing import Any

import click
import msgspec

from hostgw_cli.daemon_socket import DaemonSocket, local
from hostgw_cli.durations import duration
from hostgw_cli.endings import Refused

STATUSES = (
    "\b\nExit status: 0 it has left, 1 refused, or it has not within --within, 2 wrong usage,"
    "\n3 the daemon of this host could not be asked."
)
PERIOD = 0.2  # seconds between two looks


@click.command(epilog=STATUSES)
@click.option(
    "--within",
    "seconds",
    callback=duration(3600),
    metavar="DURATION",
    default="2m",
    show_default=True,
    help="How long to wait until it has left; it goes on leaving after that.",
)
@local
def drain(daemon: DaemonSocket, seconds: float) -> None:
    """Leave the cluster on purpose: withdraw, wait until the others have let go, release.

    Pods that still run here are cut off: move them away first. The routes, rules and files of this
    host stay; to remove them, stop hostgwd and run `hostgwctl cleanup`.
    """
    click.echo(daemon.post("/v1/drain")["done"])
    end = time.monotonic() + seconds
    while not _drained(status := msgspec.json.decode(daemon.get("/v1/status"))):
        if time.monotonic() > end:
            raise Refused(f"it has not left yet: {_standing(status)}; it goes on trying")
        time.sleep(PERIOD)
    click.echo("it has left: no lease of this node is in the store, and it claims none")


def _drained(status: dict[str, Any]) -> bool:
    """Tell whether it holds nothing in any network; an older daemon knows only one."""
    networks = status.get("networks") or [status]
    codes = {each["code"] for each in status["conditions"]}
    return "drained" in codes and not any(each["claim"]["held"] for each in networks)


def _standing(status: dict[str, Any]) -> str:
    found = [f"{each['code']} ({each['detail']})" for each in status["conditions"]]
    return ", ".join(found) or "no condition says why"
