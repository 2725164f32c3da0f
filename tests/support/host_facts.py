"""The facts of a healthy host, made of values, for tests of what is found wrong with them.

uplink  eth0 (2)   192.0.2.1/24, the default route     the cluster's network 10.5.0.0/16,
bridge  cni0 (3)   10.5.1.1/24, one port (5)           ours is 10.5.1.0/24, another 10.5.2.0/24
other   eth1 (4)   198.51.100.1/24
"""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface, ip_network
from typing import Any

from hostgw_core.model import Pool
from hostgw_daemon.host.facts import Around, Circumstances, HostFacts
from hostgw_daemon.kernel import ForeignRoute, Link, LinkAddress
from hostgw_daemon.switches import ALL_LINKS, NeighbourTable, Switches

ETH0, CNI0, ETH1 = 2, 3, 4
POOL = Pool(ip_network("10.5.0.0/16"), 24, IPv4Address("10.5.0.0"), IPv4Address("10.5.255.0"))
POOL6 = Pool(ip_network("fd05::/48"), 64, IPv6Address("fd05::"), IPv6Address("fd05:0:0:ffff::"))
ON, STRICT = Switches(forwarding=True), Switches(forwarding=True, rp_filter=1)
LOOSE, OFF = Switches(forwarding=True, rp_filter=2), Switches(forwarding=False)
LINUX = (128, 512, 1024)  # its default thresholds


def link(index: int, name: str, *, master: int = 0) -> Link:
    """Make a link that is up."""
    return Link(index, name, 1500, up=True, carrier=True, master=master)


def address(at: int, text: str) -> LinkAddress:
    """Give an address of a link, as `ip address` writes it."""
    found = ip_interface(text)
    return LinkAddress(at, found.ip, found.network)


def route(
    prefix: str, via: str = "", *, link: int = ETH0, metric: int = 0, protocol: int = 3
) -> ForeignRoute:
    """Make a route of somebody else; without a gateway it is as the kernel makes it: on a link."""
    network, gateway = ip_network(prefix), ip_address(via).packed if via else b""
    packed = network.network_address.packed
    return ForeignRoute(packed, network.prefixlen, metric, protocol, gateway, link)


UPLINK = link(ETH0, "eth0")
DEFAULT = route("0.0.0.0/0", "192.0.2.254")
ABOUT = Circumstances(
    link=UPLINK,
    pools=(POOL,),
    own=(ip_network("10.5.1.0/24"),),
    peers=3,
    routed=frozenset({ip_network("10.5.2.0/24")}),
)
HEALTHY = HostFacts(
    about=ABOUT,
    around=Around({4: True, 6: True}, first=True, kubernetes=True),
    links=(UPLINK, link(CNI0, "cni0"), link(ETH1, "eth1"), link(5, "veth5", master=CNI0)),
    addresses=(
        address(ETH0, "192.0.2.1/24"),
        address(CNI0, "10.5.1.1/24"),
        address(ETH1, "198.51.100.1/24"),
    ),
    switches={4: dict.fromkeys((ALL_LINKS, ETH0, CNI0, ETH1, 5), ON), 6: {ALL_LINKS: ON}},
    tables={4: NeighbourTable(20, LINUX), 6: NeighbourTable(30, LINUX)},
    foreign=(DEFAULT, route("10.5.1.0/24", link=CNI0, protocol=2)),
)


def facts(**changes: Any) -> HostFacts:
    """Make the facts of a healthy host, but for the changes; `about` and `around` take some too."""
    about = replace(ABOUT, **changes.pop("about", {}))
    around = replace(HEALTHY.around, **changes.pop("around", {}))
    return replace(HEALTHY, about=about, around=around, **changes)


def switched(**links: Switches) -> dict[int, Switches]:
    """Give the IPv4 switches, but for these: `all`, `eth0`, `cni0`, `eth1`."""
    indexes = {"all": ALL_LINKS, "eth0": ETH0, "cni0": CNI0, "eth1": ETH1}
    return {**HEALTHY.switches[4], **{indexes[name]: value for name, value in links.items()}}
