"""A prober on a wire of values, in the loop's own time: what it sends is kept, and may be answered.

The prober is node 1 at 192.0.2.1 with pods in 10.5.1.0/24; node n is at 192.0.2.n with 10.5.n.0/24.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from hostgw_core.model import Addresses, IPAddress
from hostgw_daemon.probe.datagram import Ends, Report, Way, answer, asked
from hostgw_daemon.probe.port import Arrival, Heard, Returned, Said
from hostgw_daemon.probe.prober import Prober
from hostgw_daemon.probe.target import Ground, Key, Target
from support.loops import now, running

WELL = Report.FORWARDS | Report.WAY_BACK | Report.GATEWAY
EVERY_WAY = frozenset(Way)
AWAY = 0.001  # seconds there and back
BURST = 6.0  # answers that a kernel gives at once


def host(number: int) -> IPv4Address:
    """Give a node's address."""
    return IPv4Address(f"192.0.2.{number}")


def pods(number: int, network: int = 5) -> IPv4Network:
    """Give a node's subnet in one of several networks."""
    return IPv4Network(f"10.{network}.{number}.0/24")


def gateway(number: int, network: int = 5) -> IPv4Address:
    """Give the address of its pods' gateway."""
    return pods(number, network)[1]


def key(number: int, network: int = 5) -> Key:
    """Give the key of a node's lease."""
    return b"/%d/subnets/%d" % (network, number), 4


def target(number: int, network: int = 5) -> Target:
    """Give a node as node 1 aims at it."""
    theirs, ours = pods(number, network), pods(1, network)
    return Target(f"id-{number}", host(number), theirs[1], ours[1], theirs[-2])


@dataclass(frozen=True)
class Sent:
    """A datagram that has gone: the moment, and between whom."""

    at: float
    data: bytes
    source: IPAddress
    to: IPAddress
    number: int

    @property
    def way(self) -> Way:
        """The way that it takes."""
        return Way(self.data[5])


@dataclass
class Wire:
    """Implements `port.Sockets`. A node answers by all ways, or by those of `answers`.

    `reports` is what it says of itself. Those `without` a daemon have a kernel, which rations its
    answers; `refusals` are the errno with which our own refuses to send to one.
    """

    port: int = 9746
    sent: list[Sent] = field(default_factory=list)
    answers: dict[int, frozenset[Way]] = field(default_factory=dict)
    reports: dict[int, Report] = field(default_factory=dict)
    without: frozenset[int] = frozenset()
    refusals: dict[int, int] = field(default_factory=dict)
    hear: Callable[[list[Arrival]], None] = lambda _arrivals: None
    _tokens: dict[tuple[int, IPAddress], tuple[float, float]] = field(default_factory=dict)

    def start(self, hear: Callable[[list[Arrival]], None]) -> None:
        """Do as the port says."""
        self.hear = hear

    def send(
        self, data: bytes, *, source: IPAddress, to: IPAddress, port: int = 0, hops: int = 0
    ) -> int:
        """Do as the port says."""
        number = to.packed[2] if to.packed[0] == 10 else to.packed[3]
        sent = Sent(now(), data, source, to, number)
        self.sent.append(sent)
        assert port in (0, self.port)
        assert (hops == 1) == (sent.way is Way.FORWARD)
        if refused := self.refusals.get(number, 0):
            return refused
        if (back := self._answer(sent)) is not None:
            asyncio.get_running_loop().call_later(AWAY, self.hear, [back])
        return 0

    def to(self, number: int) -> list[Sent]:
        """Give what went to one node."""
        return [each for each in self.sent if each.number == number]

    def _answer(self, sent: Sent) -> Arrival | None:
        number = sent.number
        if sent.data[4] != 1 or sent.way not in self.answers.get(number, EVERY_WAY):
            return None  # nobody answers an answer
        if sent.way is Way.FORWARD:
            return Returned(sent.data, Said.EXPIRED)
        if number in self.without:
            return Returned(sent.data, Said.CLOSED) if self._allowed(sent) else None
        ends = Ends(sent.source, sent.to)
        question = asked(sent.data, ends, node_id=f"id-{number}")
        assert question is not None
        report = self.reports.get(number, WELL)
        data = answer(question, report, ends, node_id=f"id-{number}")
        return Heard(data, sent.to, self.port, sent.source)

    def _allowed(self, sent: Sent) -> bool:
        """Do as the kernel does: net/ipv4/inetpeer.c, inet_peer_xrlim_allow."""
        kept, at = self._tokens.get((sent.number, sent.source), (BURST, now()))
        kept = min(BURST, kept + now() - at)
        self._tokens[(sent.number, sent.source)] = (kept - (kept >= 1), now())
        return kept >= 1


@dataclass
class Site:
    """The prober, its wire, and what it told of itself."""

    wire: Wire = field(default_factory=Wire)
    told: list[float] = field(default_factory=list)
    confirmed: list[tuple[float, IPAddress]] = field(default_factory=list)
    ours: set[IPAddress] = field(default_factory=lambda: {pods(1)[1], pods(1, 6)[1]})
    asked_about: list[Target | None] = field(default_factory=list)
    table: dict[IPAddress, bytes] = field(default_factory=dict)
    permanent: set[IPAddress] = field(default_factory=set)
    listeners: list[Callable[[], None]] = field(default_factory=list)
    clock: Callable[[], float] = now
    prober: Prober = field(init=False)

    def __post_init__(self) -> None:
        """Make it."""
        self.prober = Prober(
            self.wire,
            node_id="id-1",
            posture=self._posture,
            leads=lambda target: target.ours in self.ours,
            link=self,
            told=self._tell,
            clock=self.clock,
            rate=8.0,
        )
        self.prober.stand_on(Ground(Addresses(host(1)), 1500))

    def aim(self, *numbers: int, network: int = 5) -> None:
        """Let there be these nodes."""
        self.prober.aim({key(n, network): target(n, network) for n in numbers})

    def says(self, number: int, network: int = 5) -> str:
        """Give the cause that is named, "" for none yet."""
        found = self.prober.diagnoses.get(key(number, network))
        return str(found.cause) if found is not None else ""

    def follow(self, number: int) -> list[str]:
        """Give what will be told of a node from now on, as it comes."""
        before, said = self.says(number), list[str]()

        def look() -> None:
            if (said or [before])[-1] != (found := self.says(number)):
                said.append(found)

        self.listeners.append(look)
        return said

    def _tell(self) -> None:
        self.told.append(now())
        for look in self.listeners:
            look()

    def _posture(self, asker: Target | None, about: IPAddress) -> Report:
        assert about in {pods(1)[1], pods(1, 6)[1]}
        self.asked_about.append(asker)
        return WELL if asker is not None else Report.FORWARDS

    def look(self, address: IPAddress) -> bytes:
        """Give what a test has put into the kernel's table."""
        return self.table.get(address, b"")

    def confirm(self, address: IPAddress) -> bool:
        """Ask nobody: a test says what the link answers."""
        self.confirmed.append((now(), address))
        return address in self.permanent


@asynccontextmanager
async def probing(*numbers: int) -> AsyncIterator[Site]:
    """Probe these nodes, until all that can be said has been said, and go on beside the body."""
    site = Site()
    site.aim(*numbers)
    async with running(site.prober.run):
        await asyncio.sleep(2.5)
        site.told.clear()
        yield site
