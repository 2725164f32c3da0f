"""What the check of the host looks at: values, and nothing else. Pure."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, field

from hostgw_core.model import Family, IPNetwork, Pool
from hostgw_daemon.kernel import MAIN_TABLE, ForeignRoute, Link, LinkAddress
from hostgw_daemon.switches import NeighbourTable, Switches


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the host is wanted for: what its state is held against.

    `link` is the uplink, None while there is none; `own` are the subnets of this node, `peers` how
    many other nodes there are, `routed` the subnets that they hold, `table` where our routes are.
    `several`: the links by which peers are reached, where it is more than one.
    """

    link: Link | None = None
    pools: tuple[Pool, ...] = ()
    own: tuple[IPNetwork, ...] = ()
    peers: int = 0
    table: int = MAIN_TABLE
    several: tuple[int, ...] = ()
    routed: Container[IPNetwork] = field(default=frozenset[IPNetwork](), compare=False)

    @property
    def families(self) -> tuple[Family, ...]:
        """The families in use."""
        return tuple(dict.fromkeys(pool.network.version for pool in self.pools))


@dataclass(frozen=True, slots=True)
class Around:
    """What runs on this host beside us, as far as its files tell. Nothing where they do not.

    `bridged`: whether bridged packets pass iptables, by family (bridge-nf-call-iptables); None:
    br_netfilter is not loaded. `accept_ra` is that of the uplink. `first`: this is the first
    network namespace, where the thresholds of the neighbour table can be set. `flushes`:
    systemd-networkd configures the uplink, and takes routes that it did not make for its own.
    `left_alone` is what NetworkManager leaves alone, as it is written in its configuration
    (`interface-name:cni0`); None: it does not run. `hidden` are the families in which
    iptables-legacy may have tables that this process may not know of.
    """

    bridged: Mapping[Family, bool | None] = field(default_factory=dict)
    accept_ra: int | None = None
    first: bool = False
    kubernetes: bool = False
    flushes: bool = False
    left_alone: tuple[str, ...] | None = None
    hidden: tuple[Family, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """The host at one moment. `foreign` are routes of others that meet the cluster's networks."""

    about: Circumstances
    around: Around = Around()
    links: tuple[Link, ...] = ()
    addresses: tuple[LinkAddress, ...] = ()
    switches: Mapping[Family, Mapping[int, Switches]] = field(default_factory=dict)
    tables: Mapping[Family, NeighbourTable] = field(default_factory=dict)
    foreign: tuple[ForeignRoute, ...] = ()

    @property
    def doors(self) -> tuple[Link, ...]:
        """The links that lead to the containers of this host: they have an address in our subnet.

        The bridge, or the host's end of each container's cable.
        """
        inside = {
            each.link
            for each in self.addresses
            if any(each.address in subnet for subnet in self.about.own)
        }
        return tuple(link for link in self.links if link.index in inside)

    @property
    def bridges(self) -> tuple[Link, ...]:
        """Those of the doors that have ports."""
        masters = {link.master for link in self.links}
        return tuple(link for link in self.doors if link.index in masters)

    def name_of(self, index: int) -> str:
        """Give the name of a link."""
        return next((link.name for link in self.links if link.index == index), f"link {index}")
