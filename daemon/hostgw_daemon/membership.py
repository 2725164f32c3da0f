"""This node as a member of one network: what it reads of the store, believes, holds and remembers.

A network is what lies under one prefix of the store. All that is about it comes together here: the
view of its records, the cluster as it is understood, the guard, the claim on a subnet of it, and
the papers that outlive this process. What a host has one of, whatever the number of networks (the
kernel, the link, the packet filter, the ears outside), is the agent's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from hostgw_core import logs
from hostgw_core.model import Lease, Subnets
from hostgw_core.records import Status as Said
from hostgw_core.upkeep import Upkeep
from hostgw_core.view import View
from hostgw_daemon.audience import Hears
from hostgw_daemon.claim.claimant import Claimant
from hostgw_daemon.claim.state import ClaimState
from hostgw_daemon.duties import Duties, confirmed, duties, inhabited, resting
from hostgw_daemon.footing import Footing
from hostgw_daemon.kernel import Kernel
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.opening import LET_GO, PATIENCE, boottime, claims_as, moment, patience, present
from hostgw_daemon.outside import Outside
from hostgw_daemon.papers import Papers
from hostgw_daemon.routes.cluster import Cluster
from hostgw_daemon.routes.guard import Guard
from hostgw_daemon.routes.moves import Moves
from hostgw_daemon.routes.nodes import NodeAddresses
from hostgw_daemon.routes.report import RoutesState
from hostgw_daemon.routes.understanding import News, Understanding
from hostgw_daemon.routes.warden import Warden
from hostgw_daemon.rules.masquerade import MasqueradeState
from hostgw_daemon.settings import Settings
from hostgw_daemon.testimony import Testimony
from hostgw_daemon.told.account import Self
from hostgw_daemon.told.claimlog import news
from hostgw_daemon.told.overview import Parts


class Membership:
    """The parts of one network, wired. Nothing is opened before `join`.

    It begins to read once the one `after` which it comes has, or could not: so that of two networks
    that overlap, the same comes first on every node that starts anew.
    """

    def __init__(
        self,
        settings: Settings,
        papers: Papers,
        *,
        hears: Hears,
        log: logs.Logger,
        after: Membership | None = None,
    ) -> None:
        self._settings = settings
        self._keys = papers.keys
        self._hears, self._log, self._after = hears, log, after
        self._spoke, self._read = asyncio.Event(), asyncio.Event()
        self._renewal = papers.memory.renewal
        self._nodes = NodeAddresses() if settings.ip_masq and not settings.ip_masq_nodes else None
        self._moves = Moves()
        self._told = ClaimState()
        self.papers = papers

    def join(self, me: Self, out: Outside, *, link: Callable[[], int]) -> None:
        """Make the parts that stand on the outside; `link` gives the uplink's index, 0: down."""
        self._me = me
        settings, keys = self._settings, self._keys
        self._guard = Guard(keys, me.node_id, patience(settings), self.papers.history)
        self._cluster = Cluster(
            keys,
            me.node_id,
            guard=self._guard,
            told=self._understood,
            clock=time.monotonic,
            elsewhere=self._hears.elsewhere,
            via6=settings.ipv4_via_ipv6,
        )
        self.warden = Warden(
            self._cluster,
            self._guard,
            out.neighbours,
            link=link,
            alive=lambda: present(out.store, keys),
            clock=time.monotonic,
        )
        self._view = View(
            out.store,
            *keys.heard_by(me.node_id),
            seen=self._cluster.saw,
            clock=time.monotonic,
            history=self.papers.memory.history,
            told=self._store_came_or_went,
        )
        self.upkeep = Upkeep(out.store, keys.config, told=self._hears.changed)
        self._claimant = Claimant(
            out.store,
            keys,
            claims_as(settings, me, former=self.papers.memory.instance),
            ttl=settings.lease_ttl,
            told=self._claimed,
            clock=boottime,
            remembered=self.papers.remembered,
            said=Said(boot_id=me.boot_id, version=me.version),
            history=lambda: self._guard.history,
            network=lambda: self._cluster.network,
            elsewhere=self._hears.elsewhere,
            tried=self._renewed,
            patience=settings.removal_grace + LET_GO,
        )
        self.testimony = Testimony(
            self._claimant.announcement, now=lambda: self._cluster.now, clock=boottime
        )

    @property
    def loops(self) -> Mapping[str, Callable[[], Any]]:
        """Give the tasks, by name."""
        return {
            "view": self._see,
            "upkeep": self.upkeep.run,
            "warden": self.warden.run,
            "claim": self._claim,
            "lease": self._claimant.lease_session.run,
            "presence": self._claimant.presence_session.run,
            "status": self.testimony.run,
            **self.papers.loops,
        }

    @property
    def subnets(self) -> Subnets:
        """The subnets that this host's containers are in."""
        return inhabited(self._claimant.state, self._resting(), self.papers.remembered)

    @property
    def routed(self) -> Subnets:
        """Those of them to which the others have routes: none once this node leaves."""
        return Subnets() if self._claimant.state.leaving else self.subnets

    def remember(self, kernel: Kernel, *, alone: bool) -> None:
        """Begin with what was known before this process; while the store is away, go by it.

        `alone`: there is no other network. Raise OSError.
        """
        if self.papers.remind(self._cluster, kernel, alone=alone):
            if self._cluster.now is not None:
                self._moves.heard(self._cluster.now.roster, None)
                if self._nodes is not None:  # rules are written before anything is told
                    self._nodes.heard(self._cluster.now.roster, None)
            asyncio.get_running_loop().call_later(PATIENCE, self._cluster.go_headless)

    @property
    def understanding(self) -> Understanding | None:
        """How the network is understood, None before it is."""
        return self._cluster.now

    def room_came(self) -> None:
        """Look again at a configuration that was refused for another network's sake."""
        self._cluster.room_came()

    def leave(self, *, on: bool, wait: float) -> None:
        """Leave the network on purpose, or, if it was left, claim again."""
        self._guard.left = on
        self._claimant.leave(on=on, wait=wait)

    @property
    def left(self) -> bool:
        """Whether it was left on purpose, and nothing of ours stands in its store."""
        return self._claimant.state.drained

    def look(self) -> None:
        """Look at the store and the files anew."""
        self._claimant.look()
        self.papers.again()

    def stand_on(self, uplink: Uplink | NoUplink, stands: Footing) -> None:
        """Take note of the link to the other nodes, or that there is none, and of further ones."""
        if isinstance(uplink, Uplink):
            networks = (*uplink.networks, *(n for each in stands.further for n in each.networks))
            self._claimant.stand_at(uplink.addresses, networks, *stands.addresses)
            self._cluster.stand_at(uplink.addresses, networks)
            if self._nodes is not None:
                self._nodes.stand_at(uplink.networks)
        self.warden.link_moved()

    def perform(self, uplink: Uplink | NoUplink) -> Duties | None:
        """Have the files of our lease kept; give all that must be, None while there is no lease."""
        claimant, now = self._claimant, self._cluster.now
        held, session = claimant.state.lease, claimant.lease_session.state
        self._renewal = confirmed(session, self._renewal, moment(self._me.boot_id))
        if held is None and claimant.announcement.announced:
            self.papers.announced(self._me.instance)
        lease = held or self._resting()
        if lease is None or now is None or now.config is None:
            return None
        must = duties(
            self._settings,
            instance=self._me.instance,
            lease=lease,
            config=now.config,
            history=now.snapshot.header,
            renewal=self._renewal,
            uplink=uplink,
            nodes=self._nodes.now if self._nodes is not None else None,
        )
        if held is not None:
            self.papers.remember(must.memory)
        if must.containers is not None:
            self.papers.subnet_file.want(must.containers.subnet_file)
            if must.containers.conflist is not None:
                self.papers.conflist_file.want(must.containers.conflist)
        return must

    def parts(
        self, *, uplink: Uplink | NoUplink, routes: RoutesState, masquerade: MasqueradeState
    ) -> Parts:
        """Give the states of all parts at this moment, with those that the host has one of."""
        return Parts(
            view=self._view.state,
            guard=self._guard.state,
            resting=self._resting(),
            subnets=self.subnets,
            saved=self.papers.saved,
            subnet_file_written=self.papers.subnet_file_written,
            understanding=self._cluster.now,
            claim=self._claimant.state,
            lease=self._claimant.lease_session.state,
            uplink=uplink,
            routes=routes,
            masquerade=masquerade,
            upkeep=self.upkeep.state,
            boottime=boottime(),
        )

    # -- who hears what -----------------------------------------------------------------------

    def _understood(self, heard: News) -> None:
        now = heard.now
        self.testimony.understood(heard)
        self._hears.understood(heard)  # the routes go first
        if not now.headless:
            self._spoke.set()
            self._read.set()
            self._claimant.saw(now.snapshot)
            self.papers.recollect(now, self._guard.history)
        self._hears.moved(self._moves.heard(now.roster, heard.moved))
        others = self._nodes is not None and self._nodes.heard(now.roster, heard.moved)
        if heard.moved is None or others:
            self._hears.follows()
        self.warden.look()
        self._hears.changed()

    def _store_came_or_went(self) -> None:
        if self._view.state.error:
            self._spoke.set()
            self._cluster.go_headless()
        self._hears.changed()

    def _claimed(self, state: ClaimState) -> None:
        for line in news(self._told, state):
            (self._log.warning if line.warns else self._log.info)(line.event, **line.words)
        self._told = state
        self._hears.follows()  # first: it is the cause of what goes with the lease, or comes back
        if state.drained:
            self._cluster.hold(Subnets())  # it may be another node's now
        if state.lease is not None:
            self._cluster.hold(state.lease.subnets)
            if state.how == "adopted from flannel" or self.papers.after_flannel:
                self.papers.after_flannel = False
                self._hears.after_flannel()
        self._hears.changed()

    def _renewed(self, result: str, seconds: float) -> None:
        self._hears.renewed(result, seconds)
        self._hears.follows()
        self._hears.changed()

    async def _see(self) -> None:
        """Read the store, in our turn."""
        if self._after is not None:
            await self._after._spoke.wait()  # noqa: SLF001 - of our own kind
        await self._view.run()

    async def _claim(self) -> None:
        """Claim once the store was read for the routes: they go first, and memory holds it once."""
        await self._read.wait()
        await self._claimant.run()

    def _resting(self) -> Lease | None:
        """Give the lease that we go by before the claim has decided, while it is surely ours."""
        decided, at = self._claimant.state != ClaimState(), moment(self._me.boot_id)
        return resting(self._cluster.now, self._renewal, at, decided=decided)
