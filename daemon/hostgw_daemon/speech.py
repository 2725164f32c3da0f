"""Everything by which this daemon tells how it stands, made together: see `told`.

It knows nothing itself. What it tells is asked of the agent, at the moment of telling.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from prometheus_client import CollectorRegistry

from hostgw_core.health import Board
from hostgw_core.logs import Logger
from hostgw_daemon.declarations.networks import FIRST
from hostgw_daemon.kernel import KernelEvent, Route
from hostgw_daemon.membership import Membership
from hostgw_daemon.netlink.sender import process_of
from hostgw_daemon.opening import places
from hostgw_daemon.routes.forecast import Absence
from hostgw_daemon.routes.report import Report
from hostgw_daemon.routes.targets import Targets
from hostgw_daemon.settings import Settings
from hostgw_daemon.told.account import Self
from hostgw_daemon.told.answers import Answers
from hostgw_daemon.told.chronicle import Chronicle
from hostgw_daemon.told.conditions import KINDS
from hostgw_daemon.told.controls import Control, Obeyed
from hostgw_daemon.told.foreseen import PlanStatus
from hostgw_daemon.told.herald import Herald
from hostgw_daemon.told.listeners import Listeners
from hostgw_daemon.told.metrics import Metrics
from hostgw_daemon.told.network_answers import Asker, NetworkAnswers
from hostgw_daemon.told.notify import Notifier
from hostgw_daemon.told.overview import HOST, Parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Knows:
    """Who is asked: for the states of all parts by network, for the routes there should be.

    `absent` gives the routes that are withdrawn, with the node of each; `overdue` by how many
    seconds a pass is late; `control` obeys an order about the daemon;
    `plan` gives what would change on the host now, `asker` who asks the other nodes.
    """

    parts: Callable[[str], Parts]
    wanted: Callable[[], Iterable[Route]]
    absent: Callable[[], Absence]
    overdue: Callable[[], float]
    control: Callable[[Control, str], Obeyed | str]
    plan: Callable[[], PlanStatus]
    asker: Callable[[], Asker]


class Speech:
    """The answers to who asks, the herald who is not asked, and the places where they are heard.

    `trouble` takes the code of a condition and its sentence, "" when it is over.
    """

    def __init__(
        self,
        me: Self,
        settings: Settings,
        members: Mapping[str, Membership],
        *,
        knows: Knows,
        trouble: Callable[[str, str], None],
        environ: Mapping[str, str],
        log: Logger,
    ) -> None:
        self.metrics = Metrics(CollectorRegistry(), version=me.version, networks=tuple(members))
        board = Board(KINDS, time.time, shared=HOST)
        self.chronicle = Chronicle(
            me.instance,
            counted=self.metrics.events.happened,
            clock=time.time,
            name_of=process_of,
        )
        self.chronicle.started(me.version)
        self.answers = Answers(
            me,
            networks={
                name: NetworkAnswers(
                    name,
                    member.papers.keys.prefix,
                    me=me,
                    parts=partial(knows.parts, name),
                    asker=knows.asker,
                    holder=lambda member=member: member.warden,  # type: ignore[misc]  # mypy infers no default
                )
                for name, member in members.items()
            },
            wanted=knows.wanted,
            absent=knows.absent,
            overdue=knows.overdue,
            control=knows.control,
            plan=knows.plan,
            board=board,
            metrics=self.metrics,
            chronicle=self.chronicle,
        )
        self.herald = Herald(
            self.answers,
            parts=partial(knows.parts, FIRST),
            further=lambda: {name: knows.parts(name) for name in members if name != FIRST},
            board=board,
            metrics=self.metrics,
            notifier=Notifier(environ),
            chronicle=self.chronicle,
            log=log,
            wrote=lambda result: members[FIRST].upkeep.wrote(result),  # noqa: PLW0108 - made later
            stated=lambda name, codes, full: members[name].testimony.stand(codes, full=full),
        )
        self.web = Listeners(self.answers, places(settings), told=trouble, log=log)
        self._members = members

    def passed(self, report: Report, targets: Targets) -> None:
        """Tell of a pass over the routes."""
        for name, member in self._members.items():
            member.testimony.passed(report, name)
        self.web.open()
        self.herald.passed(report)
        self.chronicle.passed(report, targets)

    def heard(self, events: Sequence[KernelEvent], targets: Targets) -> None:
        """Tell of what the kernel said."""
        self.chronicle.heard(events, targets)
        self.metrics.routes.heard(events)
