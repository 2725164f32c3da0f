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
from functools import partial

from prometheus_client import CollectorRegistry

from hostgw_core import logs
from hostgw_core.backoff import Backoff
from hostgw_core.health import Board
from hostgw_core.keys import Keys
from hostgw_core.supervise import persistent, run_together
from hostgw_daemon.cni.doorway import Doorway
from hostgw_daemon.kernel import KernelEvent
from hostgw_daemon.link.hostwatch import HostWatch
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.membership import Hears, Membership
from hostgw_daemon.opening import myself, places, rules_audit, uplink_rule
from hostgw_daemon.outside import Outside, outside
from hostgw_daemon.papers import Papers
from hostgw_daemon.routes.desired import RouteRule
from hostgw_daemon.routes.reconciler import Reconciler
from hostgw_daemon.routes.report import Report
from hostgw_daemon.routes.understanding import News
from hostgw_daemon.rules.iptables import Iptables
from hostgw_daemon.rules.masquerade import Masquerade
from hostgw_daemon.settings import Settings
from hostgw_daemon.told.answers import Answers
from hostgw_daemon.told.conditions import KINDS
from hostgw_daemon.told.herald import Herald
from hostgw_daemon.told.listeners import Listeners
from hostgw_daemon.told.metrics import Metrics
from hostgw_daemon.told.notify import Notifier
from hostgw_daemon.told.overview import Parts


class Agent:
    """The node agent of one network namespace. Nothing is opened before `run`."""

    def __init__(self, settings: Settings, *, environ: Mapping[str, str], log: logs.Logger) -> None:
        self._settings = settings
        self._log = log
        self._troubles: dict[str, str] = {}
        node, keys = settings.node_name or platform.node(), Keys(settings.etcd_prefix)
        papers = Papers(settings, keys, node=node, told=self._trouble)
        self._member = Membership(
            settings,
            keys,
            papers,
            hears=Hears(
                understood=self._understood,
                follows=self._follow,
                changed=self._changed,
                after_flannel=lambda: self._reconciler.take_over(),  # noqa: PLW0108 - made later
                renewed=self._renewed,
            ),
            log=log,
        )
        self._self = myself(settings, node=node, node_id=papers.node_id)
        self._metrics = Metrics(CollectorRegistry(), version=self._self.version)
        board = Board(KINDS, time.time)
        self._answers = Answers(
            self._self,
            parts=self._parts,
            wanted=lambda: self._reconciler.wanted,
            overdue=lambda: self._reconciler.overdue(time.monotonic()),
            holder=lambda: self._member.warden,
            board=board,
            metrics=self._metrics,
        )
        self._herald = Herald(
            self._answers,
            parts=self._parts,
            board=board,
            metrics=self._metrics,
            notifier=Notifier(environ),
            log=log,
            wrote=lambda result: self._member.upkeep.wrote(result),  # noqa: PLW0108 - made later
        )
        self._web = Listeners(self._answers, places(settings), told=self._trouble, log=log)
        papers.report()
        self.farewell = self._herald.farewell

    def _connect(self, out: Outside) -> None:
        """Make the parts that stand on the outside."""
        settings = self._settings
        self._reconciler = Reconciler(
            out.kernel, told=self._passed, clock=time.monotonic, audit=settings.audit_interval
        )
        self._hostwatch = HostWatch(out.host, uplink_rule(settings), told=self._stands)
        self._masquerade = Masquerade(
            out.firewall,
            lambda _state: self._changed(),
            forwarding=Iptables(),
            audit=rules_audit(settings),
        )
        self._doorway = Doorway(out.children, told=partial(self._trouble, "cni_child_failing"))
        self._member.join(self._self, out, link=lambda: self._hostwatch.index)

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; the routes stay. Raise what ended it otherwise."""
        async with outside(self._settings, observer=self._herald) as out:
            self._connect(out)
            self._member.remember(out.kernel)
            out.monitor.start(self._heard)
            await run_together(
                {
                    **self._member.loops,
                    "host": self._hostwatch.run,
                    "reconciler": self._reconcile,
                    "masquerade": self._masquerade.run,
                    "doorway": self._doorway.run,
                    "herald": self._herald.run,
                    "web": self._web.run,
                },
                stop,
            )

    def look(self) -> None:
        """Look at host, store, kernel and files anew, as a reload asks."""
        self._herald.reload()
        self._hostwatch.again("a reload was asked for")
        self._member.look()

    async def _reconcile(self) -> None:
        await persistent(
            self._reconciler.run, backoff=Backoff(0.1, 10.0), failed=self._reconciler_failed
        )

    def _reconciler_failed(self, error: Exception, pause: float) -> None:
        self._log.error("A pass failed; it is tried again", error=repr(error), seconds=pause)
        self._reconciler.look("a pass failed")

    # -- who hears what -----------------------------------------------------------------------

    def _understood(self, news: News) -> None:
        self._reconciler.understand(news)
        if news.now.config is not None:
            self._hostwatch.need(news.now.config.families)

    def _heard(self, events: list[KernelEvent]) -> None:
        self._reconciler.hear(events)
        self._hostwatch.hear(events)
        self._doorway.hear(events)
        self._metrics.routes.heard(events)

    def _stands(self, uplink: Uplink | NoUplink, cause: str) -> None:
        link = self._hostwatch.index
        rule = RouteRule(link, self._settings.route_metric) if link else None
        self._reconciler.stand_on(rule, cause)
        self._member.stand_on(uplink)
        self._follow()
        self._changed()

    def _passed(self, report: Report) -> None:
        self._web.open()
        self._herald.passed(report)

    def _renewed(self, result: str, seconds: float) -> None:
        self._metrics.lease.renewal(result, seconds)

    def _trouble(self, code: str, detail: str) -> None:
        self._troubles.pop(code, None)
        if detail:
            self._troubles[code] = detail
        self._changed()

    def _changed(self) -> None:
        self._herald.ring()

    def _follow(self) -> None:
        """Say what must be on this host, from the lease, the network and the link."""
        must = self._member.perform(self._hostwatch.now)
        if must is not None:
            self._masquerade.want(must.rules)
            if must.containers is not None:
                self._doorway.want(must.containers.child)
                self._trouble("mtu_impossible", must.containers.mtu.trouble)

    def _parts(self) -> Parts:
        return self._member.parts(
            uplink=self._hostwatch.now,
            routes=self._reconciler.state,
            masquerade=self._masquerade.state,
            troubles=self._troubles,
        )
