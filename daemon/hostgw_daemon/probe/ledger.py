"""What was found out of each peer, and what is said of it: the evidence and its diagnoses. Pure.

Every answer and every loss comes by here: into the evidence, unless it was asked for a round alone,
and into the rounds that wait for it.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Final

from hostgw_daemon.kernel import MAIN_TABLE
from hostgw_daemon.probe.datagram import Report, Way
from hostgw_daemon.probe.directory import Directory
from hostgw_daemon.probe.evidence import Diagnosis, Evidence, diagnose
from hostgw_daemon.probe.port import Link
from hostgw_daemon.probe.questions import Asked
from hostgw_daemon.probe.rounds import Rounds
from hostgw_daemon.probe.target import Key, Target, akin

_NOTHING: Final = Evidence()


class Ledger:
    """Keeps it by key. `told` is called when a diagnosis is another; `port` is for sentences.

    `leads` tells whether a question can go by the way of pods' packets to a peer; `link` knows who
    answers on it. What takes an answer or a loss tells whether a peer is in doubt that was not.
    `table`: that of our routes.
    """

    def __init__(
        self,
        directory: Directory,
        rounds: Rounds,
        port: int,
        *,
        leads: Callable[[Target], bool],
        link: Link,
        told: Callable[[], None],
    ) -> None:
        self._targets = directory.targets
        self._rounds = rounds
        self._port = port
        self._leads = leads
        self._link = link
        self.table = MAIN_TABLE
        self._told = told
        self._evidence: dict[Key, Evidence] = {}
        self.diagnoses: dict[Key, Diagnosis] = {}

    def of(self, key: Key) -> Evidence:
        """Give what is known of one."""
        return self._evidence.get(key, _NOTHING)

    def drop(self, key: Key) -> bool:
        """Forget one; tell whether anything was said of it."""
        self._evidence.pop(key, None)
        self._rounds.drop(key)
        return self.diagnoses.pop(key, None) is not None

    def ways(self, key: Key) -> dict[Way, bool]:
        """Give the ways to ask one, and of each whether it is asked apart: for a round alone."""
        target, ordered = self._targets[key], self._rounds.wants(key)
        room = target.unused is not None
        found = self.of(key).ways(pods=self._leads(target), room=room)
        ways = dict.fromkeys(found, False)
        if ordered and room and Way.POD in ways:
            ways.setdefault(Way.FORWARD, True)
        return ways

    def keep(self, key: Key, ways: Container[Way]) -> Evidence:
        """Forget what any other way has brought: it holds no more. Give what is known then."""
        evidence = self.of(key)
        kept = evidence.without(*(way for way in Way if way not in ways))
        if kept is not evidence:
            self.learn(key, kept)
        return kept

    def won(self, question: Asked, report: Report | None, now: float) -> bool:
        """Take an answer: by the daemon itself with its report, or by its kernel alone."""
        key, way = question.key, question.way
        self._rounds.heard(key, way, question.at, now - question.at)
        closed = report is None and way is not Way.FORWARD
        target, hardware = self._targets.get(key), b""
        if target is not None and self.of(key).asks_whose(way, closed=closed):
            hardware = self._link.look(target.host)
        return self._take(
            question,
            lambda before: before.with_answer(way, report, closed=closed, hardware=hardware),
            now,
        )

    def lost(self, question: Asked, now: float) -> bool:
        """Take a question that nobody answered."""
        self._rounds.heard(question.key, question.way, question.at, None)
        return self._take(question, lambda before: before.with_loss(question.way), now)

    def silent(self, question: Asked) -> bool:
        """Ask the link about a host that is silent, once for each silence.

        What the table has for it is looked at each time: the kernel takes another hardware address
        from whoever says that it has this one, and tells of that only when it was used. While a
        stranger has it, the link is asked each time, too: it may be gone, which the kernel finds
        out after half a minute.
        """
        key, target = question.key, self._targets.get(question.key)
        if question.way is not Way.HOST or target is None or self.of(key).resolved is False:
            return False
        hardware = self._link.look(target.host)
        if hardware not in (b"", self.of(key).hardware.now):
            self.learn(key, self.of(key).settled(resolved=True, hardware=hardware))
        evidence = self.of(key)
        elsewhere = evidence.hardware.strange or evidence.hardware.stranger != b""
        if elsewhere:
            self._link.confirm(target.host)
        if elsewhere or evidence.trial(Way.HOST).row < 0:
            return False
        fixed = self._link.confirm(target.host)
        return self.learn(key, evidence.settled(resolved=True) if fixed else evidence.in_doubt)

    def _take(self, question: Asked, change: Callable[[Evidence], Evidence], now: float) -> bool:
        key = question.key
        if not akin(self._targets.get(key), question.target):
            return False  # it says nothing of who has the key now
        doubtful = not question.apart and self.learn(key, change(self.of(key)))
        self.settle(key, now)
        return doubtful

    def learn(self, key: Key, evidence: Evidence) -> bool:
        """Take what is known now."""
        before = self._evidence.get(key)
        self._evidence[key] = evidence
        target = self._targets.get(key)
        host = target.host if target is not None else None
        found = diagnose(evidence, port=self._port, table=self.table, host=host)
        if found != self.diagnoses.get(key) and not evidence.pending:
            self.diagnoses[key] = found
            self._told()
        return evidence.doubtful and not (before and before.doubtful)

    def settle(self, key: Key, now: float) -> None:
        """See whether those who have ordered a round know enough of this one."""
        if self._rounds.wants(key):
            self._rounds.settle(key, self.of(key), self.ways(key), now)
