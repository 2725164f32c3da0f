"""Tells the outside how things stand, unasked: the log, the journal, the metrics, systemd.

Everything told is computed from `Parts` at the moment of telling; the herald keeps only what it has
said already. It speaks when it is rung, and every `TICK` seconds, which is also the beat that shows
that the event loop lives.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn

from hostgw_core.health import Board, Condition, Severity
from hostgw_core.logs import Logger
from hostgw_core.wake import Wake
from hostgw_daemon.declarations.networks import FIRST
from hostgw_daemon.routes.report import PassKind, Report
from hostgw_daemon.told.answers import Answers
from hostgw_daemon.told.chronicle import Chronicle
from hostgw_daemon.told.conditions import OF_STORE
from hostgw_daemon.told.holdlog import HoldLog
from hostgw_daemon.told.metrics import Metrics
from hostgw_daemon.told.notify import Notifier
from hostgw_daemon.told.overview import HOST, Parts, reports
from hostgw_daemon.told.sentence import sentence

TICK = 5.0  # seconds between two beats
PASSES = ("first_pass", "last_pass")  # the checks that READY=1 waits for, besides the files
WRITES = frozenset({"commit", "grant"})  # the verbs that a store without room refuses
GATHER = 0.02  # seconds: what happens together is told once
BREATH = 1.0  # seconds between two sentences to systemd: each is made from a look at every peer


Stated = Callable[[str, tuple[str, ...], bool], None]
"""Is told of each network what is wrong on this node, by code, and whether the store is full."""


class Herald:
    """One for the daemon. `answers` is what is said when somebody asks."""

    def __init__(
        self,
        answers: Answers,
        *,
        parts: Callable[[], Parts],
        further: Callable[[], Mapping[str, Parts]] = dict,
        board: Board,
        metrics: Metrics,
        notifier: Notifier,
        chronicle: Chronicle,
        log: Logger,
        wrote: Callable[[str], None] = lambda _result: None,
        stated: Stated = lambda _network, _codes, _full: None,
    ) -> None:
        self._answers = answers
        self._parts = parts
        self._further = further
        self._board = board
        self._metrics = metrics
        self._notifier = notifier
        self._chronicle = chronicle
        self._log = log
        self._wrote = wrote
        self._stated = stated
        self._hold_logs: defaultdict[str, HoldLog] = defaultdict(HoldLog)
        self._wake = Wake()
        self._fed = 0.0
        self._announced = False
        self._unsaid = False
        self._said = -BREATH
        self._unseen = False
        self._looked = -BREATH

    def ring(self) -> None:
        """Say that something has changed."""
        self._wake.ring()

    async def run(self) -> NoReturn:
        """Tell for ever."""
        period = min(TICK, self._notifier.watchdog_period or TICK)
        while True:
            asked, pause = (
                time.monotonic(),
                min(period, BREATH) if self._unsaid or self._unseen else period,
            )
            rung = await self._wake.wait(within=pause)
            if not rung:
                self._metrics.node.loop_lag(time.monotonic() - asked - pause)
            self.tell(changed=rung)
            await asyncio.sleep(GATHER)

    def passed(self, report: Report) -> None:
        """Tell of a pass: one line if it changed something, or could not."""
        self._metrics.routes.passed(report, self._answers.epoch)
        if report.changed or report.troubles:
            counts = {str(verdict): count for verdict, count in report.counts.items()}
            self._log.info(
                f"A {report.kind} pass changed the routes",
                cause=report.cause,
                revision=report.revision,
                desired=report.desired,
                ms=round(report.seconds * 1000, 1),
                **counts,
            )
        if report.kind is PassKind.FULL or report.troubles:
            self._wake.ring()

    def farewell(self) -> None:
        """Say that the daemon is stopping."""
        self._notifier.stopping("stopping; the routes stay")

    def tell(self, *, changed: bool) -> None:
        """Tell how things stand now; if nothing was rung for, only what time itself changes."""
        self._answers.beat()
        parts, further = self._parts(), self._further()
        moved = False
        for reporter, found in reports(parts, further).items():
            raised, over = self._board.report(reporter, found)
            for condition in raised:
                self._raise(condition)
            for condition in over:
                # The detail of what is over may be long past: only its network is worth a word.
                where = {"network": reporter} if further and reporter != HOST else {}
                self._log.info("Over", condition=condition.kind.code, **where)
            network = reporter if further and reporter != HOST else ""
            self._chronicle.conditions(raised, over, network=network)
            moved |= bool(raised or over)
        for name, each in {FIRST: parts, **further}.items():
            where = {"network": name} if name != FIRST else {}
            for line in self._hold_logs[name].news(each.guard, time.monotonic()):
                self._log.info(line.event, cause=line.cause, **line.counts, **where)
        self._state([FIRST, *further])
        self._answers.measure(parts)
        self._feed()
        self._look({FIRST: parts, **further}, changed=changed or moved)
        self._unsaid |= (changed or moved) and self._notifier.listening
        breathless = self._announced and time.monotonic() - self._said < BREATH
        if self._unsaid and not breathless:
            self._unsaid, self._said = False, time.monotonic()
            self._tell_systemd(parts)

    def _state(self, networks: Iterable[str]) -> None:
        """Say what the other nodes are to know; what all read in the store itself is not."""
        full = any(each.kind.code == "store_full" for each in self._board.standing())
        for name in networks:
            codes = (each.kind.code for each in self._board.standing(HOST, name))
            self._stated(name, tuple(code for code in codes if code not in OF_STORE), full)

    def _look(self, parts: Mapping[str, Parts], *, changed: bool) -> None:
        """Have the journal compare; the peers at most once in a breath."""
        now = time.monotonic()
        self._unseen |= changed
        at_peers = self._unseen and now - self._looked >= BREATH
        self._chronicle.look(parts, at_peers=at_peers)
        if at_peers:
            self._unseen, self._looked = False, now

    def _raise(self, condition: Condition) -> None:
        kind = condition.kind
        say = {
            Severity.NOTICE: self._log.info,
            Severity.WARNING: self._log.warning,
            Severity.ERROR: self._log.error,
        }[kind.severity]
        say(kind.title, condition=kind.code, detail=condition.detail, cure=kind.cure)

    def _feed(self) -> None:
        """Feed the watchdog, as long as passes are made when they are due."""
        period = self._notifier.watchdog_period
        now = time.monotonic()
        if period is not None and now - self._fed >= period / 2 and self._answers.lives:
            self._fed = now
            self._notifier.beat()

    def _tell_systemd(self, parts: Parts) -> None:
        words = sentence(self._answers.status(parts))
        passed = all(check.ok for check in self._answers.ready() if check.name in PASSES)
        if self._announced or not passed or not parts.subnet_file_written:
            self._notifier.status(words)
        else:
            self._announced = self._notifier.ready(words)

    def reload(self) -> None:
        """Say that everything is looked at anew, and, once it is rung for, that it was."""
        if self._announced:
            self._announced = not self._notifier.reloading()
        self._wake.ring()

    # -- for the store's client, which tells of itself ----------------------------------------

    def request(self, op: str, result: str, seconds: float) -> None:
        """Count one verb of the store's port."""
        self._metrics.store.request(op, result, seconds)
        if op in WRITES:
            self._wrote(result)

    def endpoint(self, name: str) -> None:
        """Note which member serves us."""
        self._answers.serving = name

    def certificates(self, ends: Mapping[str, float]) -> None:
        """Show when the files of TLS end."""
        self._metrics.store.certificates(ends)
