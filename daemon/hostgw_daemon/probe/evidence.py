"""What has been found out about one peer, and what follows from it. Pure.

The diagnosis goes from the link upwards, and the first thing that is wrong is the cause: what lies
behind it cannot be judged.

| the link | host | pod | big | says of itself | cause |
|---|---|---|---|---|---|
| no answer to ARP or ND | | | | | `unresolved` |
| other hardware answers than the node has | bad, or by a kernel | | | | `duplicate_address` |
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

from hostgw_core.model import IPAddress
from hostgw_daemon.kernel import MAIN_TABLE
from hostgw_daemon.probe.datagram import Report, Way
from hostgw_daemon.probe.hardware import Hardware
from hostgw_daemon.probe.sentences import BY_A_RULE, DROPPED, SENTENCES, UNHEARD
from hostgw_daemon.probe.trial import LOSSES, Trial


class Cause(StrEnum):
    """Why packets do or do not reach a peer's pods: the words of status, metrics and documents."""

    OK = "ok"
    UNPROBED = "unprobed"
    UNRESOLVED = "unresolved"
    DUPLICATE = "duplicate_address"
    UNREACHABLE = "unreachable"
    NOT_FORWARDING = "not_forwarding"
    RP_FILTER = "rp_filter"
    NO_WAY_BACK = "no_way_back"
    PATH_FILTERED = "path_filtered"
    MTU = "mtu"


FINE: Final = (Cause.OK, Cause.UNPROBED)
"""Those that are no trouble."""


_UNTRIED: Final = Trial()
_BEHIND: Final[Mapping[Way, tuple[Way, ...]]] = {Way.HOST: (Way.POD, Way.BIG), Way.POD: (Way.BIG,)}


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is known of one peer in one family.

    `report` is what it said of itself last, None while it has said nothing; `closed`: its kernel
    answers, but nobody listens there (another daemon than ours, or ours is not running).
    `resolved` is what the kernel's neighbour table says, None while it says nothing, and `hardware`
    whose hardware address answers.
    """

    trials: Mapping[Way, Trial] = field(default_factory=lambda: MappingProxyType({}))
    report: Report | None = None
    closed: bool = False
    resolved: bool | None = None
    hardware: Hardware = field(default_factory=Hardware)

    def trial(self, way: Way) -> Trial:
        """Give what one way of asking has brought."""
        return self.trials.get(way, _UNTRIED)

    def with_answer(
        self, way: Way, report: Report | None = None, *, closed: bool = False, hardware: bytes = b""
    ) -> Evidence:
        """Take an answer: by the daemon itself with its report, or by its kernel alone.

        `hardware` is what the neighbour table has for the host. Only questions to the host itself
        tell whose that is: of the others several are under way at once.
        """
        there = self.hardware.seen(hardware)
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
            hardware=there if report is None or way is not Way.HOST else there.answered(),
        ).judged

    def asks_whose(self, way: Way, *, closed: bool) -> bool:
        """Tell whether it matters by which hardware an answer came, which the table knows.

        The daemon's to the host itself, until it is bound; a kernel's, where a daemon is known.
        """
        known = self.hardware.own != b""
        return known if closed else way is Way.HOST and not self.hardware.bound

    def with_loss(self, way: Way) -> Evidence:
        """Take a question that nobody answered."""
        trials = {**self.trials, way: self.trial(way).lost()}
        there = self.hardware.silent() if way is Way.HOST else self.hardware
        return replace(self, trials=MappingProxyType(trials), hardware=there).judged

    @property
    def judged(self) -> Evidence:
        """The same, where other hardware answers than the node's own and the node does not."""
        silent = self.trial(Way.HOST).good is False or self.closed
        if not (silent and self.resolved and self.hardware.strange):
            return self
        return replace(self, hardware=self.hardware.taken())

    def _turned(self, report: Report | None) -> bool:
        """Whether the way back to our pods is another than when their way turned bad."""
        if report is None or self.report is None or self.trial(Way.POD).good is not False:
            return False
        return bool((report ^ self.report) & (Report.WAY_BACK | Report.STRICT))

    @property
    def forgotten(self) -> Evidence:
        """The same, but the neighbour table has no entry any more."""
        return replace(self, hardware=self.hardware.gone())

    @property
    def in_doubt(self) -> Evidence:
        """The same, but what the neighbour table said is not sure any more."""
        return replace(self, resolved=None)

    def settled(self, *, resolved: bool, hardware: bytes = b"") -> Evidence:
        """Take what the neighbour table says; what was lost on the link is not the host's fault.

        Nor is what was lost at a stranger: where the node's own hardware is found, all begins anew.
        """
        trials, before = self.trials, self.hardware
        there = before.seen(hardware) if resolved else before.gone()
        anew = [*trials] if resolved and there is not before and not there.strange else []
        # A stranger that is gone leaves an entry that fails: then the node itself is asked for.
        found, lost = self.resolved is False, there.stranger != b"" and self.resolved is not False
        if (found if resolved else lost) and Way.HOST in trials:
            anew.append(Way.HOST)
        if anew:
            trials = MappingProxyType(
                {**trials, **{way: replace(trials[way], row=0) for way in anew}}
            )
        return replace(self, trials=trials, resolved=resolved, hardware=there).judged

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
        """Give the one way to ask where answers are few: one that may turn, else each in its turn.

        Where a stranger answers, whose host it is: of its pods' way nothing can be known.
        """
        if self.hardware.stranger:
            return Way.HOST
        open_ones = [way for way in ways if not self.trial(way).decided] or ways
        return open_ones[turn % len(open_ones)]

    @property
    def doubtful(self) -> bool:
        """Whether it is to be asked again soon."""
        trials = self.trials.values()
        return self.resolved is False or self.bad or any(each.doubtful for each in trials)

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
        """Whether some way of asking is known to fail, or a stranger had the address just now."""
        return self.hardware.stranger != b"" or any(
            trial.good is False for trial in self.trials.values()
        )


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The cause, and a sentence that says what is so and what to do about it."""

    cause: Cause
    reason: str = ""


_WELL: Final = Diagnosis(Cause.OK)


def diagnose(
    evidence: Evidence, *, port: int, table: int = MAIN_TABLE, host: IPAddress | None = None
) -> Diagnosis:
    """Give the cause.

    For the sentence, `host` and `port` are those that we ask, and `table` that of our routes.
    """
    cause = _of_host(evidence) or _of_pods(evidence)
    if cause is Cause.OK:
        return _WELL
    asked = {"port": port, "host": host or "its address", "hardware": evidence.hardware}
    words = SENTENCES[cause].format(**asked)
    if cause is Cause.NOT_FORWARDING and _forwards(evidence):
        words = DROPPED
    if cause in UNHEARD and evidence.closed:
        words += UNHEARD[cause]
    if cause in BY_A_RULE and table != MAIN_TABLE:
        words += BY_A_RULE[cause].format(table=table)
    return Diagnosis(cause, words)


def _of_host(evidence: Evidence) -> Cause | None:
    """Give what is wrong with the host itself, or None."""
    host, pod = evidence.trial(Way.HOST).good, evidence.trial(Way.POD).good
    if evidence.resolved is False and not (host or pod):
        return Cause.UNRESOLVED
    if evidence.hardware.stranger:
        return Cause.DUPLICATE
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
