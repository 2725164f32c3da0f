"""The port to the kernel: the values that cross it, its verbs, and what each guarantees.

A `Route` is exactly what the kernel keys and compares: two routes are the same to us when they are
the same to the kernel. Ours are recognised by their protocol (104, `PROTOCOL`), which every verb
carries, so that the kernel itself refuses to let us touch somebody else's:

| verb | the kernel's answer | verdict |
|---|---|---|
| create (exclusive) | ok / EEXIST: its key is held, by anyone | created / conflict |
| append | ok: beside a route of the same key, nothing replaced, no gap | created |
| delete (our protocol, this very gateway) | ok / ESRCH: gone, or not ours | deleted / gone |
| create, append | ENETUNREACH: the gateway is not on the link | off_link |
| create, append | ENODEV, ENETDOWN: the link is gone or down | link_down |
| any | anything else | failed |

Reading is `routes()`: a strict dump by protocol, of all tables. All verbs are synchronous, as the
kernel's are. Facts behind this table: docs/kernel.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Interface, IPv6Interface, ip_address
from typing import NamedTuple, Protocol, TypeAlias

from hostgw_core.model import Family, IPAddress, IPNetwork

PROTOCOL = 104
GROUP = PROTOCOL
"""The link group that marks the links which we have made (`ip link show group 104`)."""
MAIN_TABLE = 254
UNICAST, BLACKHOLE, UNREACHABLE = 1, 6, 7  # rtm_type in linux/rtnetlink.h
KIND_WORDS = {BLACKHOLE: "blackhole", UNREACHABLE: "unreachable"}


class Leg(NamedTuple):
    """A way that a packet takes: one of several that a route has. No gateway: it is on the link."""

    gateway: bytes
    link: int


class Form(NamedTuple):
    """What a route may have besides a gateway. Nearly all have nothing of it, and are `PLAIN`.

    `kind`: one that leads nowhere (BLACKHOLE drops in silence, UNREACHABLE answers by ICMP) has
    neither gateway nor link. `source`: the packed address that this host's own packets get; `mtu`:
    in bytes, 0: the link's. `legs`: an IPv4 route of several ways has these instead of gateway and
    link; IPv6 keeps each way as a route of the same key.
    """

    kind: int = UNICAST
    source: bytes = b""
    mtu: int = 0
    legs: tuple[Leg, ...] = ()


PLAIN = Form()


class Route(NamedTuple):
    """A route of ours, in the kernel's own terms. Addresses are packed, network order.

    The kernel's key is (destination, length, metric, table); all else is content. `link` is an
    interface *index*: names may change. An IPv4 route may have an IPv6 gateway. A route of our
    protocol in a shape that we never write has an empty gateway, link 0 and the plain form: it can
    be seen and deleted.
    """

    destination: bytes
    length: int
    metric: int
    gateway: bytes
    link: int
    table: int = MAIN_TABLE
    form: Form = PLAIN

    @property
    def family(self) -> Family:
        """4 or 6, as the destination's length says."""
        return 4 if len(self.destination) == 4 else 6

    @property
    def key(self) -> tuple[bytes, int, int, int]:
        """What the kernel holds at most one of (IPv4: unless appended)."""
        return (self.destination, self.length, self.metric, self.table)

    @property
    def prefix(self) -> str:
        """The destination as people write it."""
        return f"{ip_address(self.destination)}/{self.length}"

    @property
    def gateways(self) -> tuple[IPAddress, ...]:
        """Where it leads: one address, several, or none."""
        packed = [leg.gateway for leg in self.form.legs] or [self.gateway]
        return tuple(ip_address(each) for each in packed if each)

    def __str__(self) -> str:
        kind = f"{KIND_WORDS[self.form.kind]} " if self.form.kind in KIND_WORDS else ""
        family = "inet6 " if len(self.gateway) > len(self.destination) else ""
        via = f" via {family}{' and '.join(map(str, self.gateways))}" if self.gateways else ""
        return f"{kind}{self.prefix}{via} metric {self.metric}"


Table: TypeAlias = frozenset[Route]


class Verb(StrEnum):
    """What may be asked of the kernel for one route."""

    CREATE = "create"
    APPEND = "append"
    DELETE = "delete"


class Write(NamedTuple):
    """One verb for one route."""

    verb: Verb
    route: Route


class Verdict(StrEnum):
    """What became of one write: the words of logs, metrics and documents."""

    CREATED = "created"
    DELETED = "deleted"
    GONE = "gone"
    CONFLICT = "conflict"
    OFF_LINK = "off_link"
    LINK_DOWN = "link_down"
    FAILED = "failed"


class Outcome(NamedTuple):
    """The kernel's answer to one write; `errno` 0 is success, `message` the kernel's own words."""

    write: Write
    verdict: Verdict
    errno: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """A network interface as it stands. `master`: the index of the bridge, bond or VRF it is in.

    `vrf_table`: the table of a VRF device, 0 for any other.
    """

    index: int
    name: str
    mtu: int
    up: bool
    carrier: bool
    loopback: bool = False
    master: int = 0
    vrf_table: int = 0


IPInterface: TypeAlias = IPv4Interface | IPv6Interface


@dataclass(frozen=True, slots=True)
class Child:
    """A macvlan or ipvlan link of ours on another link, as it must be and as it is.

    `kind` is the kernel's word, `parent` the index of the other link, `mtu` in bytes; `addresses`
    are those that stay until somebody removes them, with the length of their networks, but for
    link-local ones. Its own `index` is the kernel's choice and says nothing about what it is.
    """

    kind: str
    parent: int
    mtu: int
    addresses: frozenset[IPInterface]
    up: bool = True
    index: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class LinkAddress:
    """An address on a link. `stable`: not temporary, deprecated, tentative, and of global scope."""

    link: int
    address: IPAddress
    network: IPNetwork
    stable: bool = True


@dataclass(frozen=True, slots=True)
class DefaultRoute:
    """A default route: its link and metric; the lowest metric is the one in force."""

    family: Family
    link: int
    metric: int


@dataclass(frozen=True, slots=True)
class HostPicture:
    """The host's links, addresses and default routes at one moment: what the uplink is chosen from.

    `reached_by` maps the address of --iface-can-reach to the link that the kernel would use.
    """

    links: tuple[Link, ...] = ()
    addresses: tuple[LinkAddress, ...] = ()
    defaults: tuple[DefaultRoute, ...] = ()
    reached_by: tuple[tuple[IPAddress, int], ...] = ()


class ForeignRoute(NamedTuple):
    """A route of another protocol to one destination: what may shadow or hold ours."""

    destination: bytes
    length: int
    metric: int
    protocol: int
    gateway: bytes
    link: int
    table: int = MAIN_TABLE


# What the monitor saw. None of these is believed: each only says where to look. `port` is the id of
# the netlink socket that asked for the change, 0 for the kernel; what happened is the same anyway.
@dataclass(frozen=True, slots=True)
class RouteLost:
    """A route of our protocol was deleted, and not by us."""

    route: Route
    port: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class RouteForeign:
    """Somebody else's route came (`added`) or went; `took`: it replaced one of that key."""

    route: ForeignRoute
    added: bool
    took: bool = False
    port: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class HostChanged:
    """A link (its index; `name` if told) or an `address` changed; `what` is for the log."""

    link: int
    what: str
    name: str = ""
    address: IPAddress | None = None


@dataclass(frozen=True, slots=True)
class SwitchesChanged:
    """The sysctls of a link changed (forwarding, rp_filter); `link` may be that of `all` (-1)."""

    link: int


@dataclass(frozen=True, slots=True)
class Overrun:
    """The kernel dropped notifications (ENOBUFS): anything may have happened."""


KernelEvent: TypeAlias = RouteLost | RouteForeign | HostChanged | SwitchesChanged | Overrun


class Kernel(Protocol):
    """What the reconciler asks of the kernel's routing tables. OSError: the socket failed."""

    def routes(self, family: Family) -> Table:
        """Give every route of our protocol, in all tables; an interrupted dump is read again."""
        ...

    def write(self, writes: Sequence[Write]) -> list[Outcome]:
        """Do every write, in order, each by itself: one refusal stops nothing. One outcome each."""
        ...

    def foreign(
        self, destinations: Iterable[tuple[bytes, int]], table: int = MAIN_TABLE
    ) -> list[ForeignRoute]:
        """Give the routes of other protocols, in one table, to exactly these destinations."""
        ...

    def leftovers(self, link: int, family: Family) -> list[ForeignRoute]:
        """Give what flannel may have left on a link: boot, unicast, main, metric 0 (IPv6: 1024)."""
        ...

    def take_over(self, leftovers: Iterable[ForeignRoute]) -> list[Outcome]:
        """Delete flannel's leftovers (protocol boot, metric 0, this very gateway and link).

        The only verb that touches a route which is not ours. Outcomes carry the route as a `Route`.
        """
        ...
