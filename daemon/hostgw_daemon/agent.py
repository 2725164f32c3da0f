"""The wiring: which part hears which, and nothing else.

Every arrow of the picture in docs/architecture.md is one line here. Parts do not know each other;
they are told, and tell, by the functions that are handed to them in this file.
"""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from hostgw_core import logs
from hostgw_core.backoff import Backoff
from hostgw_core.health import Board
from hostgw_core.keys import Keys
from hostgw_core.model import Lease
from hostgw_core.records import Status as Said
from hostgw_core.supervise import persistent, run_together
from hostgw_core.upkeep import Upkeep
from hostgw_core.view import View
from hostgw_daemon.claim.claimant import Claimant, ClaimState
from hostgw_daemon.claim.sight import Me
from hostgw_daemon.duties import confirmed, duties, resting
from hostgw_daemon.kernel import KernelEvent
from hostgw_daemon.link.hostwatch import HostWatch
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.opening import (
    PATIENCE,
    boottime,
    moment,
    myself,
    patience,
    places,
    present,
    rules_audit,
    uplink_rule,
)
from hostgw_daemon.outside import Outside, outside
from hostgw_daemon.papers import Papers
from hostgw_daemon.routes.cluster import Cluster, News
from hostgw_daemon.routes.desired import RouteRule
from hostgw_daemon.routes.guard import Guard
from hostgw_daemon.routes.reconciler import Reconciler
from hostgw_daemon.routes.report import Report
from hostgw_daemon.routes.warden import Warden
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
        self._keys = Keys(settings.etcd_prefix)
        self._troubles: dict[str, str] = {}
        self._read = asyncio.Event()
        node = settings.node_name or platform.node()
        self._papers = Papers(settings, self._keys, node=node, told=self._trouble)
        self._renewal = self._papers.memory.renewal
        self._self = myself(settings, node=node, node_id=self._papers.node_id)
        self._metrics = Metrics(CollectorRegistry(), version=self._self.version)
        board = Board(KINDS, time.time)
        self._answers = Answers(
            self._self,
            parts=self._parts,
            wanted=lambda: self._reconciler.wanted,
            overdue=lambda: self._reconciler.overdue(time.monotonic()),
            holder=lambda: self._warden,
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
            wrote=lambda result: self._upkeep.wrote(result),  # noqa: PLW0108 - made later
        )
        self._web = Listeners(self._answers, places(settings), told=self._trouble, log=log)
        self._papers.report()
        self.farewell = self._herald.farewell

    def _connect(self, out: Outside) -> None:
        """Make the parts that stand on the outside."""
        settings, me, keys = self._settings, self._self, self._keys
        self._reconciler = Reconciler(
            out.kernel, told=self._passed, clock=time.monotonic, audit=settings.audit_interval
        )
        self._guard = Guard(keys, me.node_id, patience(settings), self._papers.history)
        self._cluster = Cluster(
            keys, me.node_id, guard=self._guard, told=self._understood, clock=time.monotonic
        )
        self._warden = Warden(
            self._cluster,
            self._guard,
            out.neighbours,
            link=lambda: self._hostwatch.index,
            alive=lambda: present(out.store, keys),
            clock=time.monotonic,
        )
        self._view = View(
            out.store,
            *keys.heard_by(me.node_id),
            seen=self._cluster.saw,
            clock=time.monotonic,
            history=self._papers.memory.history,
            told=self._store_came_or_went,
        )
        self._upkeep = Upkeep(out.store, keys.config, told=self._herald.ring)
        self._claimant = Claimant(
            out.store,
            keys,
            Me(me.node_id, me.node, me.instance, former=self._papers.memory.instance),
            ttl=settings.lease_ttl,
            told=self._claimed,
            clock=boottime,
            remembered=self._papers.remembered,
            said=Said(boot_id=me.boot_id, version=me.version),
            history=lambda: self._guard.history,
            network=lambda: self._cluster.network,
            tried=self._renewed,
        )
        self._hostwatch = HostWatch(out.host, uplink_rule(settings), told=self._stands)
        self._masquerade = Masquerade(
            out.firewall,
            lambda _state: self._herald.ring(),
            forwarding=Iptables(),
            audit=rules_audit(settings),
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Run until `stop` is set; the routes stay. Raise what ended it otherwise."""
        async with outside(self._settings, observer=self._herald) as out:
            self._connect(out)
            if self._papers.remind(self._cluster, out.kernel):
                asyncio.get_running_loop().call_later(PATIENCE, self._cluster.go_headless)
            out.monitor.start(self._heard)
            await run_together(
                {
                    "view": self._view.run,
                    "upkeep": self._upkeep.run,
                    "host": self._hostwatch.run,
                    "reconciler": self._reconcile,
                    "warden": self._warden.run,
                    "claim": self._claim,
                    "lease": self._claimant.lease_session.run,
                    "presence": self._claimant.presence_session.run,
                    "masquerade": self._masquerade.run,
                    **self._papers.loops,
                    "herald": self._herald.run,
                    "web": self._web.run,
                },
                stop,
            )

    def look(self) -> None:
        """Look at host, store, kernel and files anew, as a reload asks."""
        self._herald.reload()
        self._hostwatch.again("a reload was asked for")
        self._claimant.look()
        self._papers.again()

    async def _claim(self) -> None:
        """Claim once the store was read for the routes: they go first, and memory holds it once."""
        await self._read.wait()
        await self._claimant.run()

    async def _reconcile(self) -> None:
        await persistent(
            self._reconciler.run, backoff=Backoff(0.1, 10.0), failed=self._reconciler_failed
        )

    def _reconciler_failed(self, error: Exception, pause: float) -> None:
        self._log.error("A pass failed; it is tried again", error=repr(error), seconds=pause)
        self._reconciler.look("a pass failed")

    # -- who hears what -----------------------------------------------------------------------

    def _understood(self, news: News) -> None:
        now = news.now
        self._reconciler.understand(news)
        if not now.headless:
            self._read.set()
            self._claimant.saw(now.snapshot)
            self._papers.recollect(now, self._guard.history)
        if now.config is not None:
            self._hostwatch.need(now.config.families)
        if news.moved is None:
            self._consequences()
        self._warden.look()
        self._herald.ring()

    def _store_came_or_went(self) -> None:
        if self._view.state.error:
            self._cluster.go_headless()
        self._herald.ring()

    def _heard(self, events: list[KernelEvent]) -> None:
        self._reconciler.hear(events)
        self._hostwatch.hear(events)
        self._metrics.routes.heard(events)

    def _stands(self, uplink: Uplink | NoUplink, cause: str) -> None:
        link = self._hostwatch.index
        rule = RouteRule(link, self._settings.route_metric) if link else None
        self._reconciler.stand_on(rule, cause)
        if isinstance(uplink, Uplink):
            self._claimant.stand_at(uplink.addresses, uplink.networks)
            self._cluster.stand_at(uplink.addresses, uplink.networks)
        self._warden.link_moved()
        self._consequences()
        self._herald.ring()

    def _claimed(self, state: ClaimState) -> None:
        if state.lease is not None:
            self._cluster.hold(state.lease.subnets)
            self._log.info("Holds a lease", subnet=str(state.lease.subnets), how=state.how)
            if state.how == "adopted from flannel" or self._papers.after_flannel:
                self._papers.after_flannel = False
                self._reconciler.take_over()
        self._consequences()
        self._herald.ring()

    def _passed(self, report: Report) -> None:
        self._web.open()
        self._herald.passed(report)

    def _renewed(self, result: str, seconds: float) -> None:
        self._metrics.lease.renewal(result, seconds)
        self._consequences()
        self._herald.ring()

    def _trouble(self, code: str, detail: str) -> None:
        self._troubles.pop(code, None)
        if detail:
            self._troubles[code] = detail
        self._herald.ring()

    def _consequences(self) -> None:
        """Say what files and rules must be, from the lease, the network and the link."""
        held, now = self._claimant.state.lease, self._cluster.now
        session = self._claimant.lease_session.state
        self._renewal = confirmed(session, self._renewal, moment(self._self.boot_id))
        lease = held or self._resting()
        if lease is None or now is None or now.config is None:
            return
        must = duties(
            self._settings,
            instance=self._self.instance,
            lease=lease,
            config=now.config,
            history=now.snapshot.header,
            renewal=self._renewal,
            uplink=self._hostwatch.now,
        )
        self._masquerade.want(must.rules)
        if held is not None:
            self._papers.memory_file.want(must.memory)
        if must.subnet_file is not None:
            self._papers.subnet_file.want(must.subnet_file)

    def _resting(self) -> Lease | None:
        """Give our remembered lease while the store is away, as long as it is surely ours."""
        return resting(self._cluster.now, self._renewal, moment(self._self.boot_id))

    def _parts(self) -> Parts:
        return Parts(
            view=self._view.state,
            guard=self._guard.state,
            resting=self._resting(),
            saved=self._papers.saved,
            subnet_file_written=self._papers.subnet_file_written,
            understanding=self._cluster.now,
            claim=self._claimant.state,
            lease=self._claimant.lease_session.state,
            uplink=self._hostwatch.now,
            routes=self._reconciler.state,
            masquerade=self._masquerade.state,
            upkeep=self._upkeep.state,
            boottime=boottime(),
            troubles=self._troubles,
        )
