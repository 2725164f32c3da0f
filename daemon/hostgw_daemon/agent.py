"""The wiring: which part hears which, and nothing else.

Every arrow of the picture in docs/architecture.md is one line here or in `membership`, which holds
what is about one network. Parts do not know each other; they are told, and tell, by the functions
that are handed to them in these two files.
"""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial

from hostgw_core import logs
from hostgw_core.backoff import Backoff
from hostgw_core.supervise import persistent, run_together
from hostgw_daemon.audience import Hears
from hostgw_daemon.controls import Controls
from hostgw_daemon.declarations.networks import FIRST
from hostgw_daemon.footing import footing, heeds
from hostgw_daemon.halt import Halt
from hostgw_daemon.hosting import Hosting
from hostgw_daemon.household import Household
from hostgw_daemon.kernel import KernelEvent
from hostgw_daemon.link.hostwatch import HostWatch
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.membership import Membership
from hostgw_daemon.memberships import elsewhere, leave, left, loops, says_nothing
from hostgw_daemon.opening import myself, uplink_rule
from hostgw_daemon.outside import Outside, outside
from hostgw_daemon.papers import Papers
from hostgw_daemon.probing import Probing
from hostgw_daemon.routes.reconciler import Reconciler
from hostgw_daemon.routes.report import Report
from hostgw_daemon.routes.understanding import News
from hostgw_daemon.rules.flows import FlowsState
from hostgw_daemon.settings import Settings
from hostgw_daemon.speech import Knows, Speech
from hostgw_daemon.surroundings import Surroundings
from hostgw_daemon.told.overview import HOST, Parts
from hostgw_daemon.withdrawing import Withdrawing


class Agent:
    """The node agent of one network namespace. Nothing is opened before `run`."""

    def __init__(
        self,
        settings: Settings,
        *,
        environ: Mapping[str, str],
        log: logs.Logger,
        level: logs.Control,
    ) -> None:
        self._settings, self._environ = settings, environ
        self._log = log
        self._halt = Halt()
        self._members: dict[str, Membership] = {}
        self.controls = Controls(
            self._halt,
            level,
            look=self.look,
            leave=partial(leave, self._members),
            told=partial(self._trouble, HOST, "paused"),
            log=log,
        )
        self._troubles: dict[str, dict[str, str]] = {}
        node = settings.node_name or platform.node()
        for name, of_network in settings.served.items():
            self._members[name] = self._membership(name, of_network, node=node)
        self._member = self._members[FIRST]
        self._self = myself(settings, node=node, node_id=self._member.papers.node_id)
        self._speech = Speech(
            self._self,
            settings,
            self._members,
            knows=Knows(
                parts=self._parts,
                wanted=lambda: self._reconciler.targets.wanted,
                absent=lambda: self._reconciler.absent,
                overdue=lambda: self._reconciler.overdue(time.monotonic()),
                control=self.controls.obey,
                asker=lambda: self._probing,
                plan=lambda: self._household.plan(),  # noqa: PLW0108 - made later
            ),
            trouble=partial(self._trouble, HOST),
            environ=environ,
            log=log,
        )
        for member in self._members.values():
            member.papers.report()
        self.farewell = self._speech.herald.farewell

    def _membership(self, name: str, settings: Settings, *, node: str) -> Membership:
        """Make the parts of one network; those of the first know who this node is."""
        before = [*self._members.values()]
        node_id = before[0].papers.node_id if before else ""
        told = partial(self._trouble, name)
        papers = Papers(settings, node=node, node_id=node_id, told=told, halt=self._halt)
        hears = Hears(
            understood=partial(self._understood, name),
            moved=lambda networks: self._surroundings.moved(networks),  # noqa: PLW0108 - made later
            follows=self._follow,
            changed=self._changed,
            after_flannel=lambda: self._reconciler.take_over(),  # noqa: PLW0108 - made later
            renewed=self._renewed if name == FIRST else lambda _result, _seconds: None,
            elsewhere=partial(elsewhere, self._members, name),
        )
        log = self._log if name == FIRST else self._log.bind(network=name)
        return Membership(
            settings, papers, hears=hears, log=log, after=before[-1] if before else None
        )

    def _connect(self, out: Outside) -> None:
        """Make the parts that stand on the outside."""
        settings = self._settings
        self._reconciler = Reconciler(
            out.kernel,
            told=self._passed,
            clock=time.monotonic,
            audit=settings.audit_interval,
            networks=tuple(self._members),
            halt=self._halt,
        )
        self._offers_vrf = not settings.vrf or out.host.offers("vrf")
        self._hostwatch = HostWatch(
            out.host,
            uplink_rule(settings),
            told=self._stands,
            heeds=lambda event: heeds(settings, self._hostwatch.picture, event),
        )
        self._surroundings = Surroundings(
            out,
            settings,
            changed=self._changed,
            forgot=self._forgot,
            trouble=partial(self._trouble, HOST),
            halt=self._halt,
        )
        self._probing = Probing(
            out,
            settings,
            node_id=self._self.node_id,
            uplink=lambda: self._hostwatch.now,
            dropped=lambda: self._surroundings.dropped,
            told=lambda: self._withdrawing.found(),  # noqa: PLW0108 - made later
            trouble=partial(self._trouble, HOST, "probe_failing"),
            round_trip=self._speech.metrics.peers.round_trip,
        )
        self._withdrawing = Withdrawing(
            *(settings, self._probing, self._reconciler),
            says_nothing=partial(says_nothing, self._members),
            told=self._changed,
            clock=time.monotonic,
        )
        self._hosting = Hosting(
            out,
            settings,
            self._environ,
            uplink=lambda: self._hostwatch.now,
            rule=lambda: self._reconciler.last_rule,
            networks=self._served,
            told=self._changed,
            halt=self._halt,
            log=self._log,
        )
        self._household = Household(
            self._members,
            reconciler=self._reconciler,
            surroundings=self._surroundings,
            hosting=self._hosting,
            probing=self._probing,
            uplink=lambda: self._hostwatch.now,
            route_mtu=settings.route_mtu,
            halt=self._halt,
            trouble=self._trouble,
        )
        for member in self._members.values():
            member.join(self._self, out, link=lambda: self._hostwatch.index)

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; the routes stay. Raise what ended it otherwise."""
        async with outside(self._settings, observer=self._speech.herald) as out:
            self._connect(out)
            for member in self._members.values():
                member.remember(out.kernel, alone=len(self._members) == 1)
            out.monitor.start(self._heard)
            await run_together(
                {
                    **loops(self._members),
                    "host": self._hostwatch.run,
                    **self._hosting.loops,
                    "reconciler": self._reconcile,
                    **self._surroundings.loops,
                    "probes": self._probing.run,
                    "withdrawals": self._withdrawing.run,
                    "herald": self._speech.herald.run,
                    "web": self._speech.web.run,
                },
                stop,
            )

    def look(self) -> None:
        """Look at host, store, kernel and files anew, as a reload asks."""
        self._speech.herald.reload()
        self._hostwatch.again("a reload was asked for")
        self._hosting.again()
        for member in self._members.values():
            member.look()

    async def _reconcile(self) -> None:
        await persistent(
            self._reconciler.run, backoff=Backoff(0.1, 10.0), failed=self._reconciler_failed
        )

    def _reconciler_failed(self, error: Exception, pause: float) -> None:
        self._log.error("A pass failed; it is tried again", error=repr(error), seconds=pause)
        self._reconciler.look("a pass failed")

    # -- who hears what -----------------------------------------------------------------------

    def _understood(self, network: str, news: News) -> None:
        self._reconciler.understand(news, network)
        self._hosting.understood()
        self._probing.hold(network, self._members[network].routed)
        self._probing.understood(network, news)
        self._withdrawing.again()
        if families := self._reconciler.families:
            self._hostwatch.need(*families)
        for name, member in self._members.items():
            if name != network:
                member.room_came()

    def _forgot(self, state: FlowsState) -> None:
        self._speech.metrics.rules.forgot(state.forgotten)
        self._trouble(HOST, "conntrack_failing", state.reason)

    def _heard(self, events: list[KernelEvent]) -> None:
        self._speech.heard(events, self._reconciler.targets)  # first: who did it may be gone soon
        self._reconciler.hear(events)
        self._hostwatch.hear(events)
        self._surroundings.hear(events)
        self._hosting.hear(events)

    def _stands(self, uplink: Uplink | NoUplink, cause: str) -> None:
        self._speech.chronicle.stands(uplink, cause)
        seen = self._hostwatch.picture
        stands = footing(self._settings, uplink, seen, offers_vrf=self._offers_vrf)
        self._reconciler.stand_on(stands.rule, cause)
        for code, detail in stands.troubles:
            self._trouble(HOST, code, detail)
        for member in self._members.values():
            member.stand_on(uplink, stands)
        self._follow()
        self._changed()

    def _passed(self, report: Report) -> None:
        self._speech.passed(report, self._reconciler.targets)

    def _renewed(self, result: str, seconds: float) -> None:
        self._speech.metrics.lease.renewal(result, seconds)

    def _trouble(self, network: str, code: str, detail: str) -> None:
        troubles = self._troubles.setdefault(network, {})
        troubles.pop(code, None)
        if detail:
            troubles[code] = detail
        self._changed()

    def _changed(self) -> None:
        self._speech.herald.ring()

    def _follow(self) -> None:
        self._household.follow()

    def _served(self) -> list[Parts]:
        """Give how the networks stand for which this host works."""
        return [] if left(self._members) else [*map(self._parts, self._members)]

    def _parts(self, network: str = FIRST) -> Parts:
        """Give the states of the host's parts, and of those of a network."""
        parts = self._members[network].parts(
            uplink=self._hostwatch.now,
            routes=self._reconciler.state,
            masquerade=self._surroundings.rules,
        )
        return replace(
            parts,
            troubles=self._troubles.get(network, {}),
            around=self._troubles.get(HOST, {}),
            probes=self._probing.diagnoses,
            probe_counts=self._probing.counts,
            withdrawn=self._withdrawing.state,
            host=self._hosting.state,
            resolved=self._hosting.resolved,
        )
