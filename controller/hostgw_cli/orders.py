"""`hostgwctl resync|pause|resume|log-level`: what the daemon of this host is told to do.

Over the unix socket alone: whoever may open it may order. What is ordered for a while ends by
itself, and a restart of the daemon ends it too.

Exit status: 0 done, 1 refused, 2 wrong usage, 3 the daemon could not be reached.
"""

from __future__ import annotations

import getpass
import os
from typing import Any

import click

from hostgw_cli.daemon_socket import DaemonSocket, local
from hostgw_cli.durations import duration
from hostgw_cli.output import Shape, emit, shaped

STATUSES = (
    "\b\nExit status: 0 done, 1 refused, 2 wrong usage,"
    "\n3 the daemon of this host could not be asked."
)
LEVELS = ("debug", "info", "warning", "error")
LONGEST_NAME = 100  # characters that the daemon takes of a name


@click.command(epilog=STATUSES)
@shaped
@local
def resync(daemon: DaemonSocket, shape: Shape) -> None:
    """Have everything looked at anew: host, store, kernel and files, as SIGHUP does."""
    _tell(daemon.post("/v1/resync"), shape)


@click.command(epilog=STATUSES)
@click.option(
    "--for",
    "seconds",
    callback=duration(86400),
    metavar="DURATION",
    default="10m",
    show_default=True,
    help="It ends by itself after so long, at most 24h.",
)
@shaped
@local
def pause(daemon: DaemonSocket, shape: Shape, seconds: float) -> None:
    """Have nothing written to this host for a while: routes, rules and files stay as they are.

    The daemon goes on to read, to probe, to tell, and to keep its lease. `hostgwctl plan` shows
    what would have been written. Ordered again, the new time counts.
    """
    _tell(daemon.post("/v1/pause", {"for": seconds, "by": _name()}), shape)


@click.command(epilog=STATUSES)
@shaped
@local
def resume(daemon: DaemonSocket, shape: Shape) -> None:
    """End a pause or a drain: what was left to write is written, and a subnet is claimed again."""
    _tell(daemon.post("/v1/resume"), shape)


@click.command("log-level", epilog=STATUSES)
@click.argument("level", type=click.Choice(LEVELS))
@click.option(
    "--for",
    "seconds",
    callback=duration(30 * 86400),
    metavar="DURATION",
    help="Back to the level of the settings after so long.  [default: stays until a restart]",
)
@shaped
@local
def log_level(daemon: DaemonSocket, shape: Shape, level: str, seconds: float | None) -> None:
    """Have the daemon log from this level on."""
    _tell(daemon.post("/v1/log-level", {"level": level, "for": seconds}), shape)


def _tell(answer: dict[str, Any], shape: Shape) -> None:
    if shape is Shape.TABLE:
        click.echo(answer["done"])
    else:
        emit(answer, shape)


def _name() -> str:
    """Give the name of whoever types this, past sudo: the condition shows it."""
    try:
        name = os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):  # a user id without a name
        return ""
    return name[:LONGEST_NAME] if name.isprintable() else ""
