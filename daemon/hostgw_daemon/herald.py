"""Tells the outside how things stand: journal, metrics, systemd, and whoever asks over HTTP.

Everything told is computed from `Parts` at the moment of telling; the herald keeps only what it has
said already. It speaks when it is rung, and every `TICK` seconds, which is also the beat that shows
that the event loop lives.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import NoReturn

from hostgw_core.health import Board, Condition, Severity
from hostgw_core.logs import Logger
from hostgw_core.model import Lease
from hostgw_core.wake import Wake
from hostgw_daemon import account
from hostgw_daemon.checks import Check, beat
from hostgw_daemon.metrics import Metrics
from hostgw_daemon.notify import Notifier
from hostgw_daemon.overview import Parts, conditions, ready_checks
from hostgw_daemon.status import PeerStatus, RefusalStatus, Status, sentence

TICK = 5.0  # seconds between two beats
GATHER = 0.02  # seconds: what happens together is told once
LATE = 60.0  # seconds without a beat, or with a pass overdue, after which we do not live


class Herald:
    """One for the daemon. `parts` gives the states of all parts; `overdue` how late a pass is."""

    def __init__(
        self,
        me: account.Self,
        parts: Callable[[], Parts],
        *,
        board: Board,
        metrics: Metrics,
        notifier: Notifier,
        log: Logger,
        overdue: Callable[[], float],
    ) -> None:
        self._me = me
        self._parts = parts
        self._board = board
        self._metrics = metrics
        self._notifier = notifier
        self._log = log
        self._overdue = overdue
        self._wake = Wake()
        self._beat = time.monotonic()
        self._fed = 0.0
        self._announced = False
        self.serving = ""
        self.files_written = False

    def ring(self) -> None:
        """Say that something has changed."""
        self._wake.ring()

    async def run(self) -> NoReturn:
        """Tell for ever."""
        period = min(TICK, self._notifier.watchdog_period or TICK)
        while True:
            asked = time.monotonic()
            rung = await self._wake.wait(within=period)
            if not rung:
                self._metrics.node.loop_lag(time.monotonic() - asked - period)
            self.tell(changed=rung)
            await asyncio.sleep(GATHER)

    def tell(self, *, changed: bool) -> None:
        """Tell how things stand now; if nothing was rung for, only what time itself changes."""
        self._beat = time.monotonic()
        parts = self._parts()
        raised, over = self._board.report("hostgwd", conditions(parts))
        for condition in raised:
            self._raise(condition)
        for condition in over:
            self._log.info("Over", condition=condition.kind.code)
        ready = not [check for check in self._ready(parts) if not check.ok]
        self._measure(parts, ready=ready)
        self._feed()
        if (changed or raised or over) and self._notifier.listening:
            self._tell_systemd(parts)

    def _raise(self, condition: Condition) -> None:
        kind = condition.kind
        say = {
            Severity.NOTICE: self._log.info,
            Severity.WARNING: self._log.warning,
            Severity.ERROR: self._log.error,
        }[kind.severity]
        say(kind.title, condition=kind.code, detail=condition.detail, cure=kind.cure)

    def _measure(self, parts: Parts, *, ready: bool) -> None:
        metrics, me = self._metrics, self._me
        metrics.node.ready(ready)
        metrics.node.conditions(self._board.standing())
        expires = parts.lease.deadline + me.boot_epoch if parts.lease.lease else 0.0
        metrics.lease.stands(held=parts.claim.held, expires=expires)
        metrics.store.view(parts.view, me.epoch)
        metrics.routes.stand(parts.routes)
        masquerade = parts.masquerade
        metrics.rules.show(resyncs=masquerade.resyncs, drifts=masquerade.drifts)

    def _feed(self) -> None:
        """Feed the watchdog, as long as passes are made when they are due."""
        period = self._notifier.watchdog_period
        now = time.monotonic()
        if period is not None and now - self._fed >= period / 2 and self._overdue() < LATE:
            self._fed = now
            self._notifier.beat()

    def _tell_systemd(self, parts: Parts) -> None:
        words = sentence(self.status(parts))
        if self._announced or parts.routes.last_full is None or not self.files_written:
            self._notifier.status(words)
        else:
            self._announced = self._notifier.ready(words)

    # -- for the store's client, which tells of itself ----------------------------------------

    def request(self, op: str, result: str, seconds: float) -> None:
        """Count one verb of the store's port."""
        self._metrics.store.request(op, result, seconds)

    def endpoint(self, name: str) -> None:
        """Note which member serves us."""
        self.serving = name

    # -- for whoever asks ---------------------------------------------------------------------

    def status(self, parts: Parts | None = None) -> Status:
        """Give the whole status."""
        parts = parts or self._parts()
        return account.status(
            self._me,
            parts,
            standing=self._board.standing(),
            checks=self._ready(parts),
            endpoint=self.serving,
        )

    def live(self) -> tuple[Check, ...]:
        """Give the checks of `/livez`; they never depend on the store."""
        return (
            beat("event_loop", time.monotonic() - self._beat, LATE),
            beat("reconciler", self._overdue(), LATE),
        )

    def ready(self) -> tuple[Check, ...]:
        """Give the checks of `/readyz`."""
        return self._ready(self._parts())

    def started(self) -> tuple[Check, ...]:
        """Give the checks of `/startupz`."""
        first = self._parts().routes.last_full is not None
        return (Check("started", first, "no complete pass over the routes since the start"),)

    def peers(self) -> tuple[PeerStatus, ...]:
        """Give every other node."""
        return tuple(account.peers(self._parts()))

    def leases(self) -> tuple[Lease, ...]:
        """Give every lease that is believed."""
        return tuple(account.leases(self._parts()))

    def refusals(self) -> tuple[RefusalStatus, ...]:
        """Give every record that is not used."""
        return tuple(map(RefusalStatus.of, account.refused(self._parts())))

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Give the metrics; what costs a look at every peer is counted here and not each second."""
        parts = self._parts()
        self._measure(parts, ready=all(check.ok for check in self._ready(parts)))
        reasons = Counter(refusal.reason for refusal in account.refused(parts))
        self._metrics.peers.show(account.peer_counts(parts), reasons)
        return self._metrics.exposition(accept)

    def _ready(self, parts: Parts) -> tuple[Check, ...]:
        return ready_checks(parts, self._board.blocking())
