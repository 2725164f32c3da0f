"""`hostgwctl drain`: have this host leave the cluster on purpose, so that nobody loses a packet.

The daemon puts its lease in quarantine: the other nodes withdraw their routes at once and say so,
and nobody takes the subnet. When they have said it the lease is released; then the daemon removes
its routes, rules and files from the host, and claims nothing until `hostgwctl resume` or a restart.

Exit status: 0 it has left, 1 refused, or it has not within the time, or somebody has not said that
he let go; 2 wrong usage, 3 the daemon could not be asked.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import msgspec

from hostgw_cli.daemon_socket import DaemonSocket, local
from hostgw_cli.drain.attached import in_use, names_in
from hostgw_cli.drain.progress import Progress, news, progress, resumed, standing
from hostgw_cli.durations import duration
from hostgw_cli.endings import Refused
from hostgw_cli.output import Shape, emit, shaped

STATUSES = (
    "\b\nExit status: 0 it has left, 1 refused, or it has not within --within, or a node had not"
    "\nlet go within --wait, 2 wrong usage, 3 the daemon of this host could not be asked."
)
PERIOD = 0.2  # seconds between two looks
MARGIN = 60.0  # seconds that all else may take, by default, beside the wait for others


@click.command(epilog=STATUSES)
@click.option(
    "--wait",
    callback=duration(86400),
    metavar="DURATION",
    default="90s",
    show_default=True,
    help="How long nodes are waited for that could say that they have let go, and do not. Then the"
    " lease is released all the same, and they are named.",
)
@click.option(
    "--within",
    callback=duration(2 * 86400),
    metavar="DURATION",
    help="How long this command looks on; the daemon goes on leaving after that."
    "  [default: --wait and a minute]",
)
@click.option(
    "--host-local",
    "folder",
    metavar="FOLDER",
    default="/var/lib/cni/networks",
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the CNI plugin host-local notes whose addresses are in use.",
)
@shaped
@local
def drain(
    daemon: DaemonSocket, shape: Shape, wait: float, within: float | None, folder: Path
) -> None:
    """Leave the cluster on purpose: withdraw, wait until the others have let go, release, remove.

    Pods that still run here are cut off: move them away first. The routes, rules and files of this
    host are removed at the end, and the daemon goes on to run and claims nothing. `hostgwctl
    resume`, or a restart, has it come back, to the same subnet where that is still free.
    """
    say = _speaker(shape)
    before = progress(msgspec.json.decode(daemon.get("/v1/status")), None)
    attached = in_use(names_in(folder), (each for net in before.networks for each in net.subnets))
    for subnet, count in attached.items():
        say(f"containers here use {count} of the addresses of {subnet}: they are cut off")
    daemon.post("/v1/drain", {"wait": wait})
    now = _watch(daemon, before, time.monotonic() + (within or wait + MARGIN), say)
    if shape is not Shape.TABLE:
        emit({**now.as_json(), "attached": dict(attached)}, shape)
    if not now.done:
        raise Refused(f"it has not left yet: {standing(now)}; it goes on trying")
    if now.behind:
        raise Refused("it has left, though not every node said that it let go within --wait")
    say("it has left: nothing of it is in the store or on this host, and it claims nothing")
    sys.exit(0)


def _speaker(shape: Shape) -> Callable[[str], None]:
    """Give what says a line to a person, beside a document for a program."""
    return lambda line: click.echo(line, err=shape is not Shape.TABLE)


def _watch(
    daemon: DaemonSocket, begun: Progress, end: float, say: Callable[[str], None]
) -> Progress:
    """Look on until it has left, or until a moment of time.monotonic; tell of each step."""
    before: Progress | None = None
    while True:
        now = _look(daemon, before or begun)
        if resumed(before, now):
            raise Refused("somebody has resumed it meanwhile: it stays")
        for line in news(before, now):
            say(line)
        if now.done or time.monotonic() > end:
            return now
        before = now
        time.sleep(PERIOD)


def _look(daemon: DaemonSocket, before: Progress) -> Progress:
    status: Mapping[str, object] = msgspec.json.decode(daemon.get("/v1/status"))
    now = progress(status, None, before)
    if not now.drained:
        return now
    return progress(status, msgspec.json.decode(daemon.get("/v1/plan")), before)
