"""What is said to whoever asks, over HTTP or the socket: each answer made when it is asked for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Final

from hostgw_core.health import Board
from hostgw_daemon.declarations.networks import FIRST
from hostgw_daemon.kernel import Route
from hostgw_daemon.link.uplink import Uplink
from hostgw_daemon.routes.forecast import Absence
from hostgw_daemon.told import account
from hostgw_daemon.told.checks import Check, beat
from hostgw_daemon.told.chronicle import Chronicle
from hostgw_daemon.told.controls import Control, Obeyed
from hostgw_daemon.told.foreseen import PlanStatus
from hostgw_daemon.told.journal import Page
from hostgw_daemon.told.listings import RouteStatus
from hostgw_daemon.told.metrics import Metrics
from hostgw_daemon.told.network_answers import NetworkAnswers
from hostgw_daemon.told.overview import HOST, Parts, ready_checks
from hostgw_daemon.told.polling import Poll
from hostgw_daemon.told.status import Status

LATE: Final = 60.0
"""Seconds without a beat, or with a pass overdue, after which the daemon does not live."""


class Answers:
    """Implements `views.WebView`.

    `networks` are asked about each network, by its name; `wanted` gives the routes there should be,
    `absent` those that are withdrawn, with the node of each, `overdue` by how many seconds a pass
    is late; `control` obeys orders about the daemon; `plan` gives what would change now.
    """

    def __init__(
        self,
        me: account.Self,
        *,
        networks: Mapping[str, NetworkAnswers],
        wanted: Callable[[], Iterable[Route]],
        absent: Callable[[], Absence],
        overdue: Callable[[], float],
        control: Callable[[Control, str], Obeyed | str],
        plan: Callable[[], PlanStatus],
        board: Board,
        metrics: Metrics,
        chronicle: Chronicle,
    ) -> None:
        self._me = me
        self._chronicle = chronicle
        self._networks = networks
        self._parts = networks[FIRST].parts
        self._wanted, self._absent = wanted, absent
        self._overdue = overdue
        self.control = control
        self.plan = plan
        self._board = board
        self._metrics = metrics
        self._last_beat = time.monotonic()
        self._beaten = False
        self.serving = ""

    @property
    def epoch(self) -> float:
        """The time.time at which time.monotonic was 0."""
        return self._me.epoch

    def beat(self) -> None:
        """Note that the event loop lives."""
        self._beaten = True
        self._last_beat = time.monotonic()

    @property
    def lives(self) -> bool:
        """Whether passes are made when they are due."""
        return self._overdue() < LATE

    def live(self) -> tuple[Check, ...]:
        """Give the checks of `/livez`; they never depend on the store."""
        return (
            beat("event_loop", time.monotonic() - self._last_beat, LATE),
            beat("reconciler", self._overdue(), LATE),
        )

    def ready(self) -> tuple[Check, ...]:
        """Give the checks of `/readyz`: of the first network, and of the host."""
        return self._checks(FIRST, self._parts())

    def started(self) -> tuple[Check, ...]:
        """Give the checks of `/startupz`: its parts run. Nothing that a store could hold up."""
        return (Check("started", self._beaten, "the parts of the daemon do not run yet"),)

    def status(self, parts: Parts | None = None) -> Status:
        """Give the whole status."""
        first = parts or self._parts()
        whole = self._status(FIRST, first)
        networks = [self._networks[FIRST].of(whole, first)]
        for name, each in self._networks.items():
            if name != FIRST:
                said = each.parts()
                networks.append(each.of(self._status(name, said), said))
        return replace(whole, networks=tuple(networks))

    def _status(self, network: str, parts: Parts) -> Status:
        return account.status(
            self._me,
            parts,
            standing=self._board.standing(),
            checks=self._checks(network, parts),
            endpoint=self.serving,
        )

    def _checks(self, network: str, parts: Parts) -> tuple[Check, ...]:
        """Say whether the node may be given work of a network: by it, and by the host."""
        return ready_checks(parts, self._board.blocking(HOST, network))

    def routes(self) -> Iterable[RouteStatus]:
        """Give every route there should be."""
        return RouteStatus.all(self._wanted(), self._parts().routes.missing, self._absent())

    def events(self, poll: Poll) -> Page:
        """Give the events that are there and were asked for."""
        return self._chronicle.page(poll.since, poll.instance)

    def next_event(self, poll: Poll) -> asyncio.Future[None] | None:
        """Give what is done when there is an event to give; None if there is one now."""
        there = self._chronicle.follows(poll.since, poll.instance)
        return None if there else self._chronicle.news

    def network(self, name: str) -> NetworkAnswers | None:
        """Give whom to ask about one network, by default the first; None for an unknown name."""
        return self._networks.get(name or FIRST)

    @property
    def networks(self) -> Iterable[str]:
        """The names of the networks."""
        return self._networks.keys()

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Give the metrics. What costs a look at every peer is counted here, not at each change."""
        parts = self._parts()
        self.measure(parts)
        self._metrics.peers.show(account.peer_counts(parts), account.refusal_counts(parts))
        for name, each in self._networks.items():
            said = parts if name == FIRST else each.parts()
            self._metrics.networks.show(
                name,
                ready=all(check.ok for check in self._checks(name, said)),
                held=said.claim.held,
                expires=self._expires(said),
                peers=account.peer_counts(said).total(),
                holds=len(said.guard.holds),
            )
        return self._metrics.exposition(accept)

    def measure(self, parts: Parts) -> None:
        """Set the gauges to how things stand."""
        metrics, me = self._metrics, self._me
        metrics.node.ready(all(check.ok for check in self._checks(FIRST, parts)))
        metrics.node.conditions(self._board.standing())
        metrics.lease.stands(held=parts.claim.held, expires=self._expires(parts))
        metrics.lease.claims(conflicts=parts.claim.conflicts, retaken=parts.claim.retaken)
        metrics.store.view(parts.view, me.epoch)
        metrics.store.upkeep(parts.upkeep)
        if parts.understanding is not None:
            now = parts.understanding
            metrics.network.show(now.config, now.config_trouble, now=time.time())
        headless = parts.understanding is not None and parts.understanding.headless
        metrics.guard.show(parts.guard, headless=headless, saved=parts.saved)
        metrics.routes.stand(parts.routes)
        if parts.host.facts is not None:
            metrics.host.show(parts.host.facts.tables, resolved=parts.resolved)
        self._introduce(parts)
        metrics.peers.probed(parts.probe_counts)
        masquerade = parts.masquerade
        metrics.rules.show(resyncs=masquerade.resyncs, drifts=masquerade.drifts)

    def _expires(self, parts: Parts) -> float:
        """Give when the lease may be given up, in seconds since the epoch; 0 without one."""
        return parts.lease.deadline + self._me.boot_epoch if parts.lease.lease else 0.0

    def _introduce(self, parts: Parts) -> None:
        lease = parts.claim.lease
        uplink = parts.uplink if isinstance(parts.uplink, Uplink) else None
        self._metrics.node.info(
            node=self._me.node,
            node_id=self._me.node_id,
            subnet=str(lease.subnets) if lease is not None else "",
            address=str(uplink.addresses) if uplink is not None else "",
            interface=uplink.link.name if uplink is not None else "",
        )
