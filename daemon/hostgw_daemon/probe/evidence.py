"""What has been found out about one peer, and what follows from it. Pure.

Each way of asking is a *trial*: good, bad, or not known yet. One question that gets lost proves
nothing, so a trial turns bad after `LOSSES` in a row and good again after `WINS` in a row; the
first answer of all makes it good at once.

The diagnosis goes from the link upwards, and the first thing that is wrong is the cause: what lies
behind it cannot be judged.

| the link | host | pod | big | says of itself | cause |
|---|---|---|---|---|---|
| no answer to ARP or ND | | | | | `unresolved` |
| answers | bad | bad, or not asked | | | `unreachable` |
| | good | | | does not forward, or a firewall there drops it | `not_forwarding` |
| | good | bad | | filters strictly, and has no way back to our pods | `rp_filter` |
| | good | bad | | has no way back to our pods | `no_way_back` |
| | good | bad | | anything else | `path_filtered` |
| | good | good | bad | | `mtu` |
| | good | good | good or not asked | | `ok` |
| | good | not asked | | has no address of its pods' gateway | `unprobed` |
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from hostgw_daemon.kernel import MAIN_TABLE
from hostgw_daemon.probe.datagram import Report, Way

LOSSES: Final = 3
"""So many questions lost in a row make a trial bad."""

WINS: Final = 2
"""So many answers in a row make a bad trial good again."""


class Cause(StrEnum):
    """Why packets do or do not reach a peer's pods: the words of status, metrics and documents."""

    OK = "ok"
    UNPROBED = "unprobed"
    UNRESOLVED = "unresolved"
    UNREACHABLE = "unreachable"
    NOT_FORWARDING = "not_forwarding"
    RP_FILTER = "rp_filter"
    NO_WAY_BACK = "no_way_back"
    PATH_FILTERED = "path_filtered"
    MTU = "mtu"


FINE: Final = (Cause.OK, Cause.UNPROBED)
"""Those that are no trouble."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One way of asking. `row` counts what came last in a row: answers up, losses down.

    `ever`: there has been an answer once.
    """

    good: bool | None = None
    row: int = 0
    ever: bool = False

    def won(self) -> Trial:
        """Take an answer."""
        row = max(self.row, 0) + 1
        return Trial(True if self.good is None or row >= WINS else self.good, row, ever=True)

    def lost(self) -> Trial:
        """Take a question that nobody answered."""
        row = min(self.row, 0) - 1
        return Trial(False if row <= -LOSSES else self.good, row, ever=self.ever)

    @property
    def open(self) -> Trial:
        """The same, with nothing known of it."""
        return Trial(ever=self.ever)

    @property
    def doubtful(self) -> bool:
        """Whether the last word has not been spoken: it is asked again soon."""
        return self.row < 0 or self.good is False

    @property
    def decided(self) -> bool:
        """Whether what came last is what is said: it is not about to turn."""
        return self.row > 0 if self.good else self.good is False and self.row < 0


_UNTRIED: Final = Trial()
_BEHIND: Final[Mapping[Way, tuple[Way, ...]]] = {Way.HOST: (Way.POD, Way.BIG), Way.POD: (Way.BIG,)}


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of one peer in one family.

    `report` is what it said of itself last, None while it has said nothing; `closed`: its kernel
    answers, but nobody listens there (another daemon than ours, or ours is not running).
    `resolved` is what the kernel's neighbour table says, None while it says nothing.
    """

    trials: Mapping[Way, Trial] = field(default_factory=lambda: MappingProxyType({}))
    report: Report | None = None
    closed: bool = False
    resolved: bool | None = None

    def trial(self, way: Way) -> Trial:
        """Give what one way of asking has brought."""
        return self.trials.get(way, _UNTRIED)

    def with_answer(
        self, way: Way, report: Report | None = None, *, closed: bool = False
    ) -> Evidence:
        """Take an answer: by the daemon itself with its report, or by its kernel alone."""
        before, after = self.trial(way), self.trial(way).won()
        trials = {**self.trials, way: after}
        if after.good and before.good is False:  # what lies behind it could not be judged
            behind = {each: self.trial(each) for each in _BEHIND.get(way, ())}
            trials |= {each: trial.open for each, trial in behind.items() if not trial.good}
        told = report if report is not None else self.report
        if way is not Way.POD and self._turned(report):  # what was lost had another cause
            trials[Way.POD] = replace(self.trial(Way.POD), row=0)
        return replace(
            self,
            trials=MappingProxyType(trials),
            report=None if closed else told,
            closed=closed or (self.closed and report is None),
            resolved=True,
        )

    def with_loss(self, way: Way) -> Evidence:
        """Take a question that nobody answered."""
        trials = {**self.trials, way: self.trial(way).lost()}
        return replace(self, trials=MappingProxyType(trials))

    def _turned(self, report: Report | None) -> bool:
        """Whether the way back to our pods is another than when their way turned bad."""
        if report is None or self.report is None or self.trial(Way.POD).good is not False:
            return False
        return bool((report ^ self.report) & (Report.WAY_BACK | Report.STRICT))

    @property
    def in_doubt(self) -> Evidence:
        """The same, but what the neighbour table said is not sure any more."""
        return replace(self, resolved=None)

    def settled(self, *, resolved: bool) -> Evidence:
        """Take what the neighbour table says; what was lost on the link is not the host's fault."""
        trials = self.trials
        if resolved and self.resolved is False and Way.HOST in trials:
            trials = MappingProxyType({**trials, Way.HOST: replace(trials[Way.HOST], row=0)})
        return replace(self, trials=trials, resolved=resolved)

    def without(self, *ways: Way) -> Evidence:
        """Forget ways that cannot be asked any more."""
        if not any(way in self.trials for way in ways):
            return self
        kept = {way: trial for way, trial in self.trials.items() if way not in ways}
        return replace(self, trials=MappingProxyType(kept))

    def ways(self, *, pods: bool, room: bool) -> list[Way]:
        """Give the ways that there are to ask; what any other has brought holds no more.

        `pods`: our questions can go by the way of pods' packets; `room`: there is an unused address
        there.
        """
        if not pods:
            return [Way.HOST]
        if self.report is None:
            return [Way.HOST, Way.POD, *([Way.FORWARD] if room else ())]
        return [Way.HOST, Way.POD, Way.BIG] if self.report & Report.GATEWAY else [Way.HOST]

    def rationed(self, ways: Sequence[Way], turn: int) -> Way:
        """Give the one way to ask where answers are few: one in doubt, else each in its turn."""
        open_ones = [way for way in ways if self.trial(way).doubtful] or ways
        return open_ones[turn % len(open_ones)]

    @property
    def doubtful(self) -> bool:
        """Whether it is to be asked again soon."""
        return self.resolved is False or any(each.doubtful for each in self.trials.values())

    @property
    def pending(self) -> bool:
        """Whether what was said before goes on to be said, for nothing better is known.

        The host is silent, and the link has not said yet if it is there; or it begins to answer; or
        the link has only just found it again. Or the host is well, and its pods' way is only just
        asked anew: since the host came back, or since there is a way back to our pods. Or something
        is lost, and what stands before it has begun to be lost too.
        """
        host, pod = self.trial(Way.HOST), self.trial(Way.POD)
        if host.good is None and pod.good is None:
            return self.resolved is not False
        if host.good is False:
            return self.resolved is None or host.row > -LOSSES
        if _of_host(self) is not None:
            return False
        if pod.good is not True and (pod.ever if pod.good is None else pod.row > -LOSSES):
            return True
        lost = pod.good is False or self.trial(Way.BIG).good is False
        return lost and (host.row < 0 or (bool(pod.good) and pod.row < 0))

    @property
    def bad(self) -> bool:
        """Whether some way of asking is known to fail."""
        return any(trial.good is False for trial in self.trials.values())


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The cause, and a sentence that says what is so and what to do about it."""

    cause: Cause
    reason: str = ""


def diagnose(evidence: Evidence, *, port: int, table: int = MAIN_TABLE) -> Diagnosis:
    """Give the cause; for the sentence, the `port` that we ask at and the `table` of our routes."""
    cause = _of_host(evidence) or _of_pods(evidence)
    words = _SENTENCES[cause].format(port=port)
    if cause is Cause.NOT_FORWARDING and _forwards(evidence):
        words = _DROPPED
    if cause in _BY_A_RULE and table != MAIN_TABLE:
        words += _BY_A_RULE[cause].format(table=table)
    return Diagnosis(cause, words)


def _of_host(evidence: Evidence) -> Cause | None:
    """Give what is wrong with the host itself, or None."""
    host, pod = evidence.trial(Way.HOST).good, evidence.trial(Way.POD).good
    if evidence.resolved is False and not (host or pod):
        return Cause.UNRESOLVED
    if host is False and not pod:  # not before the link has said that it is not the link
        return Cause.UNREACHABLE if evidence.resolved else None
    drops = evidence.report is not None and bool(evidence.report & Report.DROPS)
    return Cause.NOT_FORWARDING if drops or not _forwards(evidence) else None


def _forwards(evidence: Evidence) -> bool:
    """Tell whether its kernel forwards, whatever its firewall does then."""
    if evidence.report is None:
        return evidence.trial(Way.FORWARD).good is not False or not evidence.trial(Way.HOST).good
    return bool(evidence.report & Report.FORWARDS)


def _of_pods(evidence: Evidence) -> Cause:
    """Give how the pods' way is, where nothing is wrong with the host."""
    host, pod, report = evidence.trial(Way.HOST).good, evidence.trial(Way.POD), evidence.report
    # A kernel alone does not say whether there is an address to ask: it must have answered once.
    if pod.good is False and host and (report is not None or pod.ever):
        if report is None or report & Report.WAY_BACK:
            return Cause.PATH_FILTERED
        return Cause.RP_FILTER if report & Report.STRICT else Cause.NO_WAY_BACK
    if pod.good:
        return Cause.MTU if evidence.trial(Way.BIG).good is False else Cause.OK
    return Cause.UNPROBED


_SENTENCES: Final = {
    Cause.OK: "",
    Cause.UNPROBED: "no packet can take its pods' way yet: it has no pods, or this node has none",
    Cause.UNRESOLVED: "its address does not answer on the link (ARP, neighbour discovery): see"
    " whether the host is up, and on the same layer-2 network",
    Cause.UNREACHABLE: "it answers on the link and not to UDP port {port}: let that port through"
    " its firewall (this host's own, if it is so of all), or see whether the host hangs",
    Cause.NOT_FORWARDING: "it does not forward packets: `sysctl -w net.ipv4.ip_forward=1` there"
    " (IPv6: net.ipv6.conf.all.forwarding)",
    Cause.RP_FILTER: "its reverse-path filter drops what comes from our pods, for it has no route"
    " back to them: see why that route is missing there, or set net.ipv4.conf.all.rp_filter=2",
    Cause.NO_WAY_BACK: "packets of our pods arrive there, and its kernel has no route by which to"
    " answer them through this node: see `hostgwctl routes --diff` and `hostgwctl peers` there",
    Cause.PATH_FILTERED: "packets from its address arrive and those from pods do not: turn off the"
    " cloud's source/destination check or port security, or look for a firewall between the hosts",
    Cause.MTU: "small packets arrive and those as large as the link takes do not: raise the MTU of"
    " the network between, or set --mtu on every node",
}

_DROPPED: Final = (
    "its firewall drops what it forwards between its pods and other hosts (a rule, or the policy of"
    " a FORWARD chain): `hostgwctl check` there names the chain, and the commands that let it pass"
)

_BY_A_RULE: Final[Mapping[Cause, str]] = {
    Cause.UNPROBED: "; or no rule sends this host's own packets to table {table}, where its routes"
    " are (--route-table), so that the way cannot be tried: see `ip rule`",
    Cause.PATH_FILTERED: "; or no rule of this host sends what comes from its pods to its routes,"
    " in table {table} (--route-table): see `ip rule`",
    Cause.NO_WAY_BACK: "; or no rule there sends what goes to our pods to the table of its"
    " --route-table (here {table}): see `ip rule`",
}
"""What else it may be where the routes are not in the main table: rules are the operator's."""
