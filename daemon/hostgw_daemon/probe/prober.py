"""The loop that asks the other nodes whether packets get through, and answers when they ask.

A peer is asked in each family by several ways at once (`datagram.Way`), and what is not answered in
time is lost. What that means is `evidence`'s to say, and whose turn it is `schedule`'s.

A peer without our daemon (flannel's, or one that is stopped) is asked all the same: its kernel
answers for it. Kernels ration such answers, so it is asked by one way at a time.

Nothing here changes a route: a probe is a witness.
"""

from __future__ import annotations

import asyncio
import errno
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import count
from os import strerror
from typing import NoReturn

from hostgw_core.model import Family, IPAddress
from hostgw_core.wake import Wake
from hostgw_daemon.probe.datagram import Report, Way, answered, is_answer, number_of
from hostgw_daemon.probe.directory import Directory
from hostgw_daemon.probe.evidence import Diagnosis, Evidence
from hostgw_daemon.probe.ledger import Ledger
from hostgw_daemon.probe.letters import question, reply
from hostgw_daemon.probe.port import OURS, Arrival, Heard, Link, Neighbour, Returned, Said, Sockets
from hostgw_daemon.probe.questions import Asked, Questions
from hostgw_daemon.probe.rounds import Round, Rounds
from hostgw_daemon.probe.schedule import RATION, Turns
from hostgw_daemon.probe.target import Ground, Key, Target, akin


class Prober:
    """Asks and answers. `told` is called when a diagnosis is another; `clock` is in seconds.

    `posture` says of this node what an answer to an asker reports, about the gateway of our pods
    at an address; None is an asker whom we do not know. `leads` tells whether a question can go by
    the way of pods' packets to a peer, `link` who answers on it.
    """

    def __init__(
        self,
        sockets: Sockets,
        *,
        node_id: str,
        posture: Callable[[Target | None, IPAddress], Report],
        leads: Callable[[Target], bool],
        link: Link,
        told: Callable[[], None],
        clock: Callable[[], float],
        rate: float,
    ) -> None:
        self._sockets = sockets
        self._node_id = node_id
        self._posture = posture
        self._told = told
        self._clock = clock
        self._turns = Turns[Key](rate=rate, chance=lambda: secrets.randbelow(1000) / 1000)
        self._directory = Directory()
        self._targets = self._directory.targets
        self._entries: set[IPAddress] = set()
        self._rota: Counter[Key] = Counter()
        self._rounds = Rounds(secrets.randbits(32), self._finished)
        self._ledger = Ledger(
            *(self._directory, self._rounds, sockets.port), leads=leads, link=link, told=told
        )
        self._ground = Ground()
        self._numbers = count(secrets.randbits(48))
        self._questions = Questions()
        self._wake = Wake()
        self.counts: Counter[str] = Counter()
        self.reached: dict[Family, float] = {}  # when one by the pods' way was last answered
        self.round_trip: Callable[[float], None] = lambda _seconds: None

    @property
    def diagnoses(self) -> Mapping[Key, Diagnosis]:
        """What is said of each peer in each family."""
        return self._ledger.diagnoses

    # -- what is told to it -------------------------------------------------------------------

    def aim(self, targets: Mapping[Key, Target]) -> None:
        """Take everybody whom there is to ask; what was found out of the same ones stays."""
        gone = self._targets.keys() - targets.keys()
        self.amend({**dict.fromkeys(gone), **targets})

    def amend(self, changes: Mapping[Key, Target | None]) -> None:
        """Take those that are new or other than before, and None for those that are gone."""
        now, changed = self._clock(), False
        for key, target in changes.items():
            before = self._targets.get(key)
            if before == target:
                continue
            if target is not None and akin(before, target):
                self._directory.put(key, target)
                continue
            self._rota.pop(key, None)
            changed |= self._ledger.drop(key)
            if before is not None:
                self._directory.drop(key)
                self._turns.leave(key)
            if target is not None:
                self._directory.put(key, target)
                self._turns.come(key, now)
        if changed:
            self._told()
        self._wake.ring()

    def stand_on(self, ground: Ground) -> None:
        """Take note of our own addresses, MTU and table, and whether our link carries."""
        self._ground = ground
        self._ledger.table = ground.table

    def neighbours(self, told: Iterable[Neighbour]) -> None:
        """Take what the kernel says of its neighbour table: who answers, who does not, who is gone.

        An entry that is gone (None) says nothing of the peer, but to ask it makes a new one.
        """
        for address, answers, hardware in told:
            resolved = None if answers is False and not self._ground.up else answers
            (self._entries.discard if resolved is None else self._entries.add)(address)
            for key in self._directory.at(address):
                before = self._ledger.of(key)
                after = before.forgotten
                if resolved is not None:
                    after = before.settled(resolved=resolved, hardware=hardware)
                if after != before:
                    self._learn(key, after)
        self._wake.ring()

    def entries(self, addresses: Collection[IPAddress]) -> None:
        """Take all that the table holds: at the start, or where it was not heard for a while."""
        self._entries = set(addresses)

    def order(self, keys: Iterable[Key]) -> tuple[Round, float]:
        """Ask these by every way, soon; give the round, and about how many seconds it will take."""
        now = self._clock()
        known = [key for key in keys if key in self._targets]
        lasts = self._turns.lasts(known, now, self._known)
        begun = self._rounds.begin(known, now)
        self._turns.hurry(known, now)
        self._wake.ring()
        return begun, lasts

    def round(self, number: int) -> Round | None:
        """Give a round by its number, None for one that is not remembered."""
        return self._rounds.get(number)

    def _finished(self, key: Key) -> None:
        """Ask one as ever again: nobody waits for it any more."""
        self._turns.calm(key)
        if key in self._targets:
            self._again(key, self._clock())

    # -- the loop -----------------------------------------------------------------------------

    async def run(self) -> NoReturn:
        """Ask and answer for ever."""
        self._sockets.start(self.hear)
        while True:
            self.step()
            moments = (self._turns.next(), self._questions.next())
            soonest = min((moment for moment in moments if moment is not None), default=None)
            pause = None if soonest is None else max(0.001, soonest - self._clock())
            await self._wake.wait(within=pause)
            await asyncio.sleep(0)

    def step(self) -> None:
        """Call lost what is late, and ask whoever's turn it is."""
        now = self._clock()
        for silent in self._questions.silent(now):
            if self._ledger.silent(silent):
                self._again(silent.key, now)
        for late in self._questions.late(now):
            self._lost(late)
        while (key := self._turns.take(now, self._known)) is not None:
            self._ask(key, now)

    def _known(self, key: Key) -> bool:
        return self._targets[key].host in self._entries

    def _ask(self, key: Key, now: float) -> None:
        target = self._targets[key]
        ours = self._ground.addresses.of(4 if target.host.version == 4 else 6)
        if ours is None:
            self._turns.asked(key, now, doubtful=False, bad=False)
            self._rounds.drop(key)
            return
        ways = self._ledger.ways(key)
        kept = self._ledger.keep(key, [way for way, apart in ways.items() if not apart])
        chosen = [*ways]
        if kept.closed:
            self._rota[key] += 1
            first = self._rounds.open_ways(key, ways) or chosen
            chosen = [kept.rationed(first, self._rota[key])]
        for way in chosen:
            source = ours if way is Way.HOST else target.ours
            self._send(key, way, source, now, apart=ways[way])
        self._again(key, now)
        self._ledger.settle(key, now)

    def _again(self, key: Key, now: float) -> None:
        """Set its next turn, by all that is known now; kernels answer for all of a host's keys."""
        evidence = self._ledger.of(key)
        sharing = len(self._directory.at(self._targets[key].host))
        least = RATION * sharing if evidence.closed else 0.0
        doubtful, bad = evidence.doubtful, evidence.bad
        self._turns.asked(key, now, doubtful=doubtful, bad=bad, least=least)

    def _send(self, key: Key, way: Way, source: IPAddress, now: float, *, apart: bool) -> None:
        target, number = self._targets[key], next(self._numbers)
        data, ends = question(target, way, number, source=source, mtu=self._ground.mtu)
        refused = errno.ENETDOWN
        if self._ground.up:
            hops = 1 if way is Way.FORWARD else 0
            refused = self._sockets.send(data, source=source, to=ends.asked, hops=hops)
        self._rounds.asked(key, way, now, strerror(refused) if refused in OURS else "")
        if refused in OURS:
            return
        self.counts["asked"] += 1
        waiting = Asked(number, key, target, way, ends, now, apart)
        (self._lost if refused else self._questions.put)(waiting)

    # -- what comes back ----------------------------------------------------------------------

    def hear(self, arrivals: list[Arrival]) -> None:
        """Take what came: questions to us, answers to ours, and what kernels say of ours."""
        for arrival in arrivals:
            match arrival:
                case Returned(data, said):
                    self._returned(data, said)
                case Heard(data) if is_answer(data):
                    self._answered(arrival)
                case Heard():
                    self._reply(arrival)
        self._wake.ring()

    def _reply(self, heard: Heard) -> None:
        data = reply(
            heard, node_id=self._node_id, asker=self._directory.asker, posture=self._posture
        )
        if data is None:
            self.counts["strange"] += 1
            return
        self._sockets.send(data, source=heard.here, to=heard.source, port=heard.port)
        self.counts["replied"] += 1

    def _answered(self, heard: Heard) -> None:
        waiting = self._questions.get(number_of(heard.data))
        target = self._targets.get(waiting.key) if waiting is not None else None
        if waiting is None or target is None:
            return
        said = answered(heard.data, waiting.ends, node_id=target.node_id)
        if said is None or said.way is not waiting.way:
            self.counts["strange"] += 1
            return
        self._questions.take(waiting)
        self.round_trip(self._clock() - waiting.at)
        self._won(waiting, said.report)

    def _returned(self, data: bytes, said: Said) -> None:
        waiting = self._questions.get(number_of(data))
        if waiting is None:
            return
        self._questions.take(waiting)
        if said is Said.NOWHERE:
            self._lost(waiting)
        elif (said is Said.EXPIRED) == (waiting.way is Way.FORWARD):
            self._won(waiting, None)  # else some router, or the unused address is used

    def _won(self, question: Asked, report: Report | None) -> None:
        self.counts["answered"] += 1
        if question.key in self._targets:
            self._entries.add(self._targets[question.key].host)
        now = self._clock()
        if question.way is Way.POD:
            self.reached[question.key[1]] = now
        if self._ledger.won(question, report, now):
            self._again(question.key, now)

    def _lost(self, question: Asked) -> None:
        self.counts["lost"] += 1
        now = self._clock()
        if self._ledger.lost(question, now):
            self._again(question.key, now)

    def _learn(self, key: Key, evidence: Evidence) -> None:
        if self._ledger.learn(key, evidence):
            self._again(key, self._clock())
