"""What the passes over the routes go by: the networks, the link, and what is left out on purpose.

Pure but for its memory. A host that was drained, `retired`, wants no route: it needs no link for
that, and knows without the store that all of ours may go.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from hostgw_daemon.kernel import Route, Table
from hostgw_daemon.routes.desired import NONE, RouteRule
from hostgw_daemon.routes.forecast import Absence, Change, Past, absence, clearance, forecast
from hostgw_daemon.routes.inbox import Inbox
from hostgw_daemon.routes.networks import Networks, Trust
from hostgw_daemon.routes.passes import Passes, Task
from hostgw_daemon.routes.withdrawals import Key


class Basis:
    """`rule` is how routes are written, None: there is no link, or it is down.

    `last_rule` is how they are or were written; `withdrawn` are whose routes are left out, for they
    are out of reach.
    """

    def __init__(self, networks: Sequence[str]) -> None:
        self.networks = Networks(networks)
        self.rule: RouteRule | None = None
        self.last_rule: RouteRule | None = None
        self.withdrawn: AbstractSet[Key] = NONE
        self.retired = False

    @property
    def known(self) -> bool:
        """Whether there is anything to go by."""
        return self.retired or (bool(self.networks.rosters) and self.rule is not None)

    @property
    def idle(self) -> str:
        """Say why no route can be written at all; "" where it can."""
        if self.known:
            return ""
        if not self.networks.rosters:
            return "no network is known yet: there is no configuration, or nobody has read it"
        return "no link that is up leads to the other nodes"

    @property
    def absent(self) -> Absence:
        """The routes that are withdrawn, and those that are there for probes instead."""
        if self.last_rule is None or not self.withdrawn:
            return Absence()
        return absence(self.networks.rosters, self.last_rule, self.withdrawn)

    def owner(self, key: bytes) -> str:
        """Give the node of a lease, its key where the lease is not there."""
        found = (roster.peers.get(key) for roster in self.networks.rosters)
        peer = next(filter(None, found), None)
        return peer.lease.owner if peer is not None else key.decode(errors="backslashreplace")

    def task(self, rung: Inbox, now: float) -> Task:
        """Give what a pass is to go by that begins now; only where there is anything."""
        revisions = self.networks.revisions
        if self.retired:
            rule = self.rule or self.last_rule or RouteRule(0)
            return Task((), rule, revisions, rung, now, Trust())
        assert self.rule is not None
        rosters, trust = self.networks.rosters, self.networks.trust
        return Task(rosters, self.rule, revisions, rung, now, trust, self.withdrawn)

    def forecast(
        self, observed: Table, passes: Passes, fights: Iterable[Route]
    ) -> tuple[Change, ...]:
        """Tell what a full pass would do to the routes `observed`; `fights` are left alone now."""
        if self.retired:
            return clearance(observed)
        if self.rule is None or not self.networks.rosters:
            return ()
        past = Past(
            aimed=passes.targets.wanted,
            missing=passes.missing,
            fought_over=frozenset(fights),
            may_go=self.networks.trust.may_go,
            withdrawn=self.withdrawn,
        )
        return forecast(self.networks.rosters, self.rule, observed, past)
