"""What is said to whoever asks, over HTTP or the socket: each answer made when it is asked for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final, Protocol

from hostgw_core.health import Board
from hostgw_core.model import Lease
from hostgw_daemon.declarations.networks import FIRST
from hostgw_daemon.kernel import Route
from hostgw_daemon.link.uplink import Uplink
from hostgw_daemon.told import account
from hostgw_daemon.told.checks import Check, beat
from hostgw_daemon.told.holdings import HoldsStatus
from hostgw_daemon.told.listings import ConfigStatus, RouteStatus
from hostgw_daemon.told.metrics import Metrics
from hostgw_daemon.told.orders import Accept, Believe, Done, Extend, Order
from hostgw_daemon.told.overview import HOST, Parts, ready_checks
from hostgw_daemon.told.status import PeerStatus, RefusalStatus, Status

REFUSALS: Final = 10_000
"""How many records that are not used are written out: their number is not ours to bound."""

LATE: Final = 60.0
"""Seconds without a beat, or with a pass overdue, after which the daemon does not live."""


class Holder(Protocol):
    """Who carries out what an operator decides about holds: the warden."""

    @property
    def held(self) -> Iterable[bytes]:
        """The keys that are held."""
        ...

    def accept(self, keys: Iterable[bytes]) -> int:
        """Let these go; give how many there were."""
        ...

    def extend(self, keys: Iterable[bytes], seconds: float) -> int:
        """Let these wait at least so long; give how many would have ended before."""
        ...

    def believe(self) -> int | str:
        """Believe the history that is told; give how many holds that ends, or why not."""
        ...


class Answers:
    """Implements `endpoints.WebView`.

    `parts` gives the states of all parts, `wanted` the routes there should be, `overdue` by how
    many seconds a pass is late, `holder` who obeys orders.
    """

    def __init__(
        self,
        me: account.Self,
        *,
        parts: Callable[[], Parts],
        wanted: Callable[[], Iterable[Route]],
        overdue: Callable[[], float],
        holder: Callable[[], Holder],
        board: Board,
        metrics: Metrics,
    ) -> None:
        self._me = me
        self._parts = parts
        self._wanted = wanted
        self._overdue = overdue
        self._holder = holder
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
        """Give the checks of `/readyz`."""
        return ready_checks(self._parts(), self._board.blocking(HOST, FIRST))

    def started(self) -> tuple[Check, ...]:
        """Give the checks of `/startupz`: its parts run. Nothing that a store could hold up."""
        return (Check("started", self._beaten, "the parts of the daemon do not run yet"),)

    def status(self, parts: Parts | None = None) -> Status:
        """Give the whole status."""
        parts = parts or self._parts()
        return account.status(
            self._me,
            parts,
            standing=self._board.standing(),
            checks=ready_checks(parts, self._board.blocking(HOST, FIRST)),
            endpoint=self.serving,
        )

    def routes(self) -> Iterable[RouteStatus]:
        """Give every route there should be."""
        return RouteStatus.all(self._wanted(), self._parts().routes.missing)

    def peers(self) -> Iterable[PeerStatus]:
        """Give every other node."""
        return account.peers(self._parts())

    def leases(self) -> Iterable[Lease]:
        """Give every lease that is believed."""
        return account.leases(self._parts())

    def refusals(self) -> Iterable[RefusalStatus]:
        """Give the records that are not used, of very many the first."""
        return map(RefusalStatus.of, account.refused(self._parts(), most=REFUSALS))

    def holds(self) -> HoldsStatus:
        """Give what the guard holds back."""
        return HoldsStatus.of(self._parts().guard, self.epoch)

    def obey(self, order: Order) -> Done | str:
        """Carry out what an operator decides; give what came of it, or why it cannot be."""
        holder = self._holder()
        match order:
            case Accept(keys):
                done: int | str = holder.accept(holder.held if keys is None else keys)
            case Extend(keys, seconds):
                done = holder.extend(holder.held if keys is None else keys, seconds)
            case Believe():
                done = holder.believe()
        return done if isinstance(done, str) else Done(done, len(tuple(holder.held)))

    def config(self) -> ConfigStatus:
        """Give the network and the settings in force."""
        now = self._parts().understanding
        config = now.config if now is not None else None
        trouble = now.config_trouble if now is not None else ""
        return ConfigStatus.of(config, trouble, settings=self._me.settings)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Give the metrics. What costs a look at every peer is counted here, not at each change."""
        parts = self._parts()
        self.measure(parts)
        self._metrics.peers.show(account.peer_counts(parts), account.refusal_counts(parts))
        return self._metrics.exposition(accept)

    def measure(self, parts: Parts) -> None:
        """Set the gauges to how things stand."""
        metrics, me = self._metrics, self._me
        metrics.node.ready(
            all(c.ok for c in ready_checks(parts, self._board.blocking(HOST, FIRST)))
        )
        metrics.node.conditions(self._board.standing())
        expires = parts.lease.deadline + me.boot_epoch if parts.lease.lease else 0.0
        metrics.lease.stands(held=parts.claim.held, expires=expires)
        metrics.lease.claims(conflicts=parts.claim.conflicts, retaken=parts.claim.retaken)
        metrics.store.view(parts.view, me.epoch)
        metrics.store.upkeep(parts.upkeep)
        if parts.understanding is not None:
            now = parts.understanding
            metrics.network.show(now.config, now.config_trouble, now=time.time())
        headless = parts.understanding is not None and parts.understanding.headless
        metrics.guard.show(parts.guard, headless=headless, saved=parts.saved)
        metrics.routes.stand(parts.routes)
        self._introduce(parts)
        masquerade = parts.masquerade
        metrics.rules.show(resyncs=masquerade.resyncs, drifts=masquerade.drifts)

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
