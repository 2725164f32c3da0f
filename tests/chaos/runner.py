"""One episode: inject, wait, heal, settle, judge. Thin: what is decided is decided elsewhere."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from chaos.fault import Fault
from chaos.judge import judge, loss_windows, unexcused
from chaos.pinger import PATIENCE
from chaos.planted import PLANTED
from chaos.record import Deed, Evidence, Violation
from chaos.schedule import Episode
from chaos.settle import settle
from chaos.stage import CANARY, Stage
from hostgw_cli.lab.netns import CommandError
from hostgw_cli.lab.topology import LabError

BACK_WITHIN = 30.0  # seconds for a daemon to be ready after its fault is over

_FAILURES = (LabError, CommandError, AssertionError, OSError)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an episode. `excused` are losses that a fault allows."""

    episode: Episode
    sent: int
    answered: int
    lost: int
    excused: int
    converged: float
    violations: tuple[Violation, ...]

    @property
    def well(self) -> bool:
        """Whether every invariant held."""
        return not self.violations


class Runner:
    """Runs episodes on a stage, one after the other; keeps the deeds of the one before.

    A packet that was sent near the end of an episode is only known to be lost in the next.
    """

    def __init__(self, stage: Stage, faults: Mapping[str, Fault]) -> None:
        self._stage = stage
        self._faults = faults
        self._before: list[Deed] = []

    def begin(self) -> None:
        """Wait until the fresh cluster is whole; what was lost until then does not count.

        Raise LabError when it does not come to that.
        """
        _, wrong = settle(self._stage, quiet=time.monotonic(), within=BACK_WITHIN)
        if wrong:
            raise LabError("; ".join(map(str, wrong)))
        self._stage.rest(PATIENCE)
        self._stage.packets.report()
        self._stage.routes.changes()

    def run(self, episode: Episode) -> Outcome:
        """Do an episode, and judge it."""
        stage, deeds = self._stage, list[Deed]()
        converged, wrong = 0.0, list[Violation]()
        try:
            self._act(episode, deeds)
            limit = max(deed.fault.within for deed in deeds)
            quiet = max(deed.healed for deed in deeds)
            converged, wrong = settle(stage, quiet=quiet, within=limit)
        except _FAILURES as error:
            wrong.append(Violation("the driver", str(error)))
        return self._judge(episode, deeds, converged, wrong)

    def _act(self, episode: Episode, deeds: list[Deed]) -> None:
        stage = self._stage
        for injection in episode.injections:
            fault = self._faults[injection.fault]
            hosts = fault.hosts(injection, len(stage.hosts))
            deed = Deed(fault, injection, hosts, injected=time.monotonic())
            deeds.append(deed)
            fault.inject(stage, injection)
            deed.settled = time.monotonic()
        for deed in sorted(deeds, key=_due):
            stage.rest(max(0.0, _due(deed) - time.monotonic()))
            deed.healing = time.monotonic()
            deed.fault.heal(stage, deed.injection)
            deed.healed = deed.back = time.monotonic()
        for deed in deeds:
            if deed.fault.silences:
                stage.wait_back(deed.hosts, within=BACK_WITHIN)
                deed.back = time.monotonic()

    def _judge(
        self, episode: Episode, deeds: list[Deed], converged: float, wrong: list[Violation]
    ) -> Outcome:
        stage = self._stage
        traffic = stage.packets.report()
        seen = Evidence(
            deeds=[*self._before, *deeds],
            subnets=stage.subnets,
            planted=PLANTED,
            canary=CANARY.replace("-", "/"),
            sent=traffic.sent,
            losses=traffic.losses,
            changes=stage.routes.changes(),
            leases=stage.store.events(),
            starts=stage.starts,
            violations=wrong,
        )
        violations = judge(seen)
        self._before = deeds
        return Outcome(
            episode,
            sent=traffic.sent,
            answered=traffic.answered,
            lost=len(traffic.losses),
            excused=len(traffic.losses) - len(unexcused(traffic.losses, loss_windows(seen.deeds))),
            converged=converged,
            violations=tuple(violations),
        )


def _due(deed: Deed) -> float:
    return deed.settled + deed.injection.seconds
