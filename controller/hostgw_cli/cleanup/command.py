"""`hostgwctl cleanup`: remove what hostgwd leaves on a host that it no longer runs on.

Exit status: 0 nothing is left, 1 refused, or something could not be removed, 2 wrong usage, 3 the
host or the store could not be asked.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import click

from hostgw_cli.cleanup import host
from hostgw_cli.cleanup.leftovers import Leftover, Part
from hostgw_cli.cleanup.stale import doubtful, ground, stale
from hostgw_cli.connection import Connection, connected
from hostgw_cli.endings import Refused
from hostgw_core.store import Span

STATUSES = (
    "\b\nExit status: 0 nothing is left, 1 refused or not all could be removed, 2 wrong usage,"
    "\n3 the host or the store could not be asked."
)


@click.command(epilog=STATUSES)
@click.option(
    "-n", "--dry-run", is_flag=True, help="Say what would be removed, and remove nothing."
)
@click.option(
    "--stale",
    "only_stale",
    is_flag=True,
    help="Only routes for which no lease in the store stands: before flannel comes back.",
)
@click.option(
    "--only",
    "parts",
    multiple=True,
    type=click.Choice([each.value for each in Part]),
    help="Only this kind of things; may be given several times.",
)
@click.option("--force", is_flag=True, help="Also while a daemon runs, and whatever --stale finds.")
@click.option(
    "--subnet-file",
    envvar=["HOSTGW_SUBNET_FILE", "FLANNELD_SUBNET_FILE"],
    default="/run/flannel/subnet.env",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The daemon's own --subnet-file.",
)
@click.option(
    "--cni-conf",
    envvar="HOSTGW_CNI_CONF",
    default="/etc/cni/net.d/10-hostgw.conflist",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The daemon's own --cni-conf.",
)
@connected
def cleanup(
    connection: Connection,
    *,
    dry_run: bool,
    only_stale: bool,
    parts: tuple[str, ...],
    force: bool,
    subnet_file: Path,
    cni_conf: Path,
) -> None:
    """Remove what hostgwd leaves on this host: it takes nothing back when it ends.

    Files (subnet.env, the CNI configuration), routes, rules in iptables, tables of nftables, the
    link beside macvlan containers. The state directory and the lease in etcd stay.
    """
    if only_stale and parts:
        raise click.UsageError("--stale is about routes; leave --only out")
    if os.geteuid() != 0:
        raise Refused("routes and rules are read and removed by root: use sudo")
    _refuse_beside_a_daemon(allowed=force or dry_run)
    paths = host.Paths(subnet_file, cni_conf)
    wanted = [Part(each) for each in parts] or list(Part)

    def look() -> list[Leftover]:
        return _stale(connection, force=force) if only_stale else host.look(wanted, paths)

    _finish(look, dry_run=dry_run)


def _refuse_beside_a_daemon(*, allowed: bool) -> None:
    pid = host.daemon()
    if pid is None:
        return
    who = f"hostgwd runs here (process {pid})" if pid else "hostgwd runs here"
    if not allowed:
        raise Refused(f"{who} and would put everything back: stop it first, or say --force")
    click.echo(f"warning: {who} and puts back what is removed", err=True)


def _stale(connection: Connection, *, force: bool) -> list[Leftover]:
    keys = connection.keys
    spans = (Span(keys.config), keys.subnets, keys.subnets6, keys.nodes)
    listing = connection.run(lambda store: store.list(*spans))
    try:
        now = ground(keys, listing.entries)
    except ValueError as error:
        raise Refused(f"the store does not say which routes are stale: {error}") from error
    there = host.routes()
    found = list(stale(there, now))
    if doubtful(now, found=len(found), of=len(there)) and not force:
        raise Refused(
            f"no lease stands for {len(found)} of {len(there)} routes: is this the right store, and"
            " is it whole? If these hosts are really gone, say --force"
        )
    return found


def _finish(look: Callable[[], Sequence[Leftover]], *, dry_run: bool) -> None:
    """Say what there is, remove it, and look again."""
    found = look()
    for each in found:
        click.echo(f"{'would remove' if dry_run else 'removes'}: {each}")
    if not found:
        click.echo("nothing to remove")
    if not found or dry_run:
        return
    failed = host.remove(found)
    left = look()
    for sentence in failed:
        click.echo(f"failed: {sentence}", err=True)
    if left:
        raise Refused(
            "\n".join(
                [f"{len(left)} of {len(found)} still there:", *(f"  {each}" for each in left)]
            )
        )
    click.echo(f"{len(found)} removed")
