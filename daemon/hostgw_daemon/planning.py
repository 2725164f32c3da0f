"""What would change on this host now, gathered from those who would change it: a dry run.

The routes are compared with the kernel's, read once. Of rules and files it is told what is known to
be otherwise than it must be: to read them as well would mean waiting for a program and for a disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hostgw_daemon.cni.child import NAME
from hostgw_daemon.controls import moment
from hostgw_daemon.halt import Halt
from hostgw_daemon.hosting import Hosting
from hostgw_daemon.membership import Membership
from hostgw_daemon.routes.reconciler import Reconciler
from hostgw_daemon.surroundings import Surroundings
from hostgw_daemon.told.foreseen import ChangeStatus, PlanStatus


def planned(
    reconciler: Reconciler,
    surroundings: Surroundings,
    hosting: Hosting,
    members: Iterable[Membership],
    halt: Halt,
) -> PlanStatus:
    """Gather it; nothing is written."""
    paused = halt.pause
    waits = f"paused until {moment(paused.until)} by {paused.by}" if paused else reconciler.idle
    try:
        foreseen = reconciler.forecast()
    except OSError as error:
        foreseen, waits = (), waits or f"the kernel could not be asked for its routes: {error}"
    return PlanStatus(
        waits,
        (
            *(ChangeStatus.of(each) for each in foreseen if each.changes),
            *_rules(surroundings),
            *_links(surroundings),
            *_files(members),
            *_neighbours(hosting),
        ),
        tuple(ChangeStatus.of(each) for each in foreseen if not each.changes),
    )


def _rules(surroundings: Surroundings) -> Iterator[ChangeStatus]:
    if surroundings.rules_pending:
        why = surroundings.rules.reason
        cause, why = ("refused", why) if why else ("new", "they are to be others than they are")
        yield ChangeStatus("rules", "write", "table hostgw, chain FORWARD", cause, why)


def _links(surroundings: Surroundings) -> Iterator[ChangeStatus]:
    if not surroundings.child_stands:
        yield ChangeStatus("link", "write", NAME, "new", "it is to be another than it is")


def _neighbours(hosting: Hosting) -> Iterator[ChangeStatus]:
    if count := hosting.releasing:
        why = "this node has left on purpose"
        yield ChangeStatus("neighbours", "release", f"{count} of the kernel's", "gone", why)


def _files(members: Iterable[Membership]) -> Iterator[ChangeStatus]:
    for member in members:
        for path, trouble in member.papers.pending:
            cause, why = ("refused", trouble) if trouble else ("new", "it is to say something else")
            yield ChangeStatus("file", "write", path, cause, why)
