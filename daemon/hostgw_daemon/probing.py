"""The probes of this host: opened, aimed at the other nodes of every network, and read.

A port that is taken is a condition, tried again for ever, and nothing else: no route waits for a
probe. With --probe=false nothing is opened, and nobody is answered.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress

from hostgw_core.backoff import Backoff
from hostgw_core.model import FAMILIES, Family, IPAddress, IPNetwork, Subnets
from hostgw_core.supervise import persistent
from hostgw_daemon.host.sysctls import Sysctls
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.netlink.neighbour_watch import NeighbourWatch
from hostgw_daemon.netlink.neighbour_watch import News as Told
from hostgw_daemon.netlink.neighbours import Neighbours
from hostgw_daemon.outside import Outside
from hostgw_daemon.probe.aims import Aims
from hostgw_daemon.probe.echo import Echo
from hostgw_daemon.probe.evidence import Diagnosis
from hostgw_daemon.probe.port import Neighbour
from hostgw_daemon.probe.posture import Posture
from hostgw_daemon.probe.prober import Prober
from hostgw_daemon.probe.rounds import Round
from hostgw_daemon.probe.target import Ground, Key, Target
from hostgw_daemon.routes.understanding import News
from hostgw_daemon.settings import Settings


class OnLink:
    """Implements `port.Link` on the link to the others, which `uplink` gives while there is one."""

    def __init__(self, neighbours: Neighbours, uplink: Callable[[], Uplink | None]) -> None:
        self._neighbours = neighbours
        self._uplink = uplink

    def confirm(self, address: IPAddress) -> bool:
        """Do as the port says."""
        link = self._uplink()
        try:
            return link is not None and self._neighbours.confirm(link.link.index, address)
        except OSError:
            return False  # nothing is known then; it is asked again with the next loss

    def look(self, address: IPAddress) -> bytes:
        """Do as the port says."""
        link = self._uplink()
        try:
            return self._neighbours.look(link.link.index, address) if link is not None else b""
        except OSError:
            return b""


class Probing:
    """`told` is called when a peer's diagnosis is another; `trouble` gets what is wrong, or "".

    `uplink` gives the link to the others, `dropped` the networks whose pods' packets a firewall of
    this host drops; `round_trip` hears the seconds that an answer took.
    """

    def __init__(
        self,
        out: Outside,
        settings: Settings,
        *,
        node_id: str,
        uplink: Callable[[], Uplink | NoUplink],
        dropped: Callable[[], Iterable[IPNetwork]],
        told: Callable[[], None],
        trouble: Callable[[str], None],
        round_trip: Callable[[float], None],
    ) -> None:
        self._out = out
        self._settings = settings
        self._node_id = node_id
        self._uplink = uplink
        self._dropped = dropped
        self._told = told
        self._trouble = trouble
        self._round_trip = round_trip
        self._aims = Aims()
        self._ground = Ground()
        self._prober: Prober | None = None
        self.rate = settings.probe_rate
        self._counted: Counter[str] = Counter()
        self._missed = 0

    @property
    def diagnoses(self) -> Mapping[Key, Diagnosis] | None:
        """What was found out of each peer in each family; None where nobody is asked."""
        if not self._settings.probe:
            return None
        return self._prober.diagnoses if self._prober is not None else {}

    @property
    def peers(self) -> Collection[Key]:
        """Who is asked by all ways, so that it would be seen if it was well again."""
        return {key for key, each in self._aims.targets.items() if each.unused is not None}

    @property
    def reached(self) -> Mapping[Family, float]:
        """When the pods' way to anybody was last seen to be free, by family; time.monotonic."""
        return self._prober.reached if self._prober is not None else {}

    @property
    def counts(self) -> Counter[str]:
        """How many questions were asked, answered, lost, replied to, and how many were strange."""
        return self._counted + (self._prober.counts if self._prober is not None else Counter())

    def order(self, leases: Iterable[bytes]) -> tuple[Round, float] | str:
        """Ask the peers with these keys now; give the round and its seconds, or why not."""
        if not self._settings.probe:
            return (
                "this daemon asks nobody, for its setting is --probe=false: start it with"
                " --probe=true (and the other nodes', for otherwise their kernels alone answer)"
            )
        keys = [
            key for lease in leases for f in FAMILIES if (key := (lease, f)) in self._aims.targets
        ]
        if self._prober is None:
            return "nobody can be asked now: see the condition probe_failing in `hostgwctl status`"
        if not keys:
            return (
                "there is nobody to ask: no other node has a lease in a family in which this node"
                " holds a subnet, see `hostgwctl status`"
            )
        return self._prober.order(keys)

    def round(self, number: int) -> Round | None:
        """Give a round by its number, None for one that is not remembered."""
        return self._prober.round(number) if self._prober is not None else None

    def understood(self, network: str, news: News) -> None:
        """Take what is known of the peers of a network."""
        if self._settings.probe and (roster := news.now.roster) is not None:
            self._amend(self._aims.understood(network, roster, news.moved))

    def hold(self, network: str, ours: Subnets) -> None:
        """Take the subnets that our containers are in, of a network."""
        if self._settings.probe:
            self._amend(self._aims.hold(network, ours))

    def _amend(self, changes: Mapping[Key, Target | None]) -> None:
        if self._prober is not None and changes:
            self._prober.amend(changes)

    def stand_on(self, uplink: Uplink | NoUplink, mtu: int) -> None:
        """Take note of our addresses, and of the MTU of pods' packets in bytes."""
        if not isinstance(uplink, Uplink):
            return
        ground = Ground(uplink.addresses, mtu, self._settings.route_table, up=uplink.carries)
        if ground != self._ground:
            self._ground = ground
            if self._prober is not None:
                self._prober.stand_on(ground)
                self._read_table()

    async def run(self) -> None:
        """Probe for ever. Nothing is done, for ever, where nobody asked for it."""
        if not self._settings.probe:
            await asyncio.Event().wait()

        def failed(error: Exception, pause: float) -> None:
            port = self._settings.probe_port
            self._trouble(
                f"UDP port {port} cannot be used: {error}; set another --probe-port on every node,"
                " or --probe=false"
                if isinstance(error, OSError)
                else f"it failed, and begins anew in {pause:.1f} s: {error!r}"
            )

        await persistent(self._probe, backoff=Backoff(0.5, 30.0), failed=failed)

    async def _probe(self) -> None:
        with Echo.open(self._settings.probe_port) as echo, NeighbourWatch.open() as watch:
            self._trouble("")
            posture = Posture(
                self._out.host,
                uplink=self._link,
                dropped=self._dropped,
                sysctl=Sysctls().read,
                clock=time.monotonic,
                table=self._settings.route_table,
            )
            prober = Prober(
                echo,
                node_id=self._node_id,
                posture=posture,
                leads=posture.leads,
                link=OnLink(self._out.neighbours, self._link),
                told=self._told,
                clock=time.monotonic,
                rate=self._settings.probe_rate,
            )
            prober.round_trip = self._round_trip
            prober.stand_on(self._ground)
            prober.amend(self._aims.targets)
            self._prober = prober
            self._read_table()
            watch.start(lambda told: self._neighbours(told, watch))
            try:
                await prober.run()
            finally:
                self._counted += prober.counts
                self._prober = None
                self._told()

    def _neighbours(self, told: Told, watch: NeighbourWatch) -> None:
        link = self._link()
        if self._prober is not None and link is not None:
            here = link.link.index
            self._prober.neighbours([Neighbour(*each[1:]) for each in told if each[0] == here])
        if watch.missed != self._missed:
            self._missed = watch.missed
            self._read_table()

    def _read_table(self) -> None:
        """Look which entries the kernel has: not heard before the start, or missed since."""
        link = self._link()
        if self._prober is not None and link is not None:
            with suppress(OSError):  # then each that answers is one
                self._prober.entries(self._out.neighbours.answering(link.link.index))

    def _link(self) -> Uplink | None:
        uplink = self._uplink()
        return uplink if isinstance(uplink, Uplink) else None
