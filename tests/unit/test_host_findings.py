"""What is found wrong with a host: each fact that gives a finding, and one step away that does not.

The commands are written down here as an administrator would type them.
"""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from hostgw_daemon.host.facts import HostFacts
from hostgw_daemon.host.findings import findings
from hostgw_daemon.switches import ALL_LINKS, NeighbourTable
from support.host_facts import (
    CNI0,
    ETH0,
    ETH1,
    HEALTHY,
    LINUX,
    LOOSE,
    OFF,
    ON,
    POOL,
    POOL6,
    STRICT,
    UPLINK,
    facts,
    link,
    route,
    switched,
)

DUAL = {"pools": (POOL, POOL6), "own": (ip_network("10.5.1.0/24"), ip_network("fd05:0:0:1::/64"))}
V6 = {"pools": (POOL6,), "own": (ip_network("fd05:0:0:1::/64"),)}
OWN_ROUTES = HEALTHY.foreign
ELSEWHERE = (route("0.0.0.0/0", "198.51.100.254", link=ETH1),)
DOT = link(ETH0, "eth0.7")


def dotted(**around: object) -> HostFacts:
    """Give a host whose uplink has a dot in its name, and forwards nothing."""
    links = (DOT, *HEALTHY.links[1:])
    return facts(about={"link": DOT}, links=links, switches={4: switched(eth0=OFF)})


def table(entries: int, thresholds: tuple[int, int, int] = LINUX) -> dict[int, NeighbourTable]:
    """Give an IPv4 neighbour table."""
    return {4: NeighbourTable(entries, thresholds)}


WRONG = [
    # the facts, the code, the command, a part of the sentence
    (
        facts(switches={4: switched(all=OFF, eth0=OFF, cni0=OFF, eth1=OFF)}),
        "forwarding_off",
        "sysctl -w net.ipv4.ip_forward=1",
        "comes in by eth0 or cni0",
    ),
    (
        facts(switches={4: switched(eth0=OFF)}),
        "forwarding_off",
        "sysctl -w net.ipv4.conf.eth0.forwarding=1",
        "comes in by eth0:",
    ),
    (
        facts(switches={4: switched(cni0=OFF)}),
        "forwarding_off",
        "sysctl -w net.ipv4.conf.cni0.forwarding=1",
        "comes in by cni0:",
    ),
    (dotted(), "forwarding_off", "sysctl -w net/ipv4/conf/eth0.7/forwarding=1", "eth0.7"),
    (
        facts(about=DUAL, switches={**HEALTHY.switches, 6: {ALL_LINKS: OFF}}),
        "forwarding_off",
        "sysctl -w net.ipv6.conf.all.forwarding=1",
        "no IPv6 packet",
    ),
    (
        facts(about=V6, around={"accept_ra": 1}, switches={6: {ALL_LINKS: OFF, ETH0: ON}}),
        "forwarding_off",
        "sysctl -w net.ipv6.conf.eth0.accept_ra=2 net.ipv6.conf.all.forwarding=1",
        "no IPv6 packet",
    ),
    (
        facts(switches={4: switched(all=STRICT)}, foreign=ELSEWHERE),
        "rp_filter_strict",
        "sysctl -w net.ipv4.conf.eth0.rp_filter=2",
        "(all 1, eth0 0), and the default route leaves by eth1",
    ),
    (
        facts(switches={4: switched(eth0=STRICT)}, foreign=ELSEWHERE),
        "rp_filter_strict",
        "sysctl -w net.ipv4.conf.eth0.rp_filter=2",
        "(all 0, eth0 1)",
    ),
    (
        facts(around={"bridged": {4: False, 6: False}}),
        "bridge_filter_off",
        "sysctl -w net.bridge.bridge-nf-call-iptables=1",
        "bridge-nf-call-iptables is off: on cni0",
    ),
    (
        facts(around={"bridged": {4: None, 6: None}}),
        "bridge_filter_off",
        "modprobe br_netfilter && sysctl -w net.bridge.bridge-nf-call-iptables=1",
        "br_netfilter is not loaded",
    ),
    (
        facts(about=DUAL, around={"bridged": {4: True, 6: False}}),
        "bridge_filter_off",
        "sysctl -w net.bridge.bridge-nf-call-ip6tables=1",
        "bridge-nf-call-ip6tables is off",
    ),
    (
        facts(about={"peers": 1100}),
        "neighbour_table_small",
        (
            "sysctl -w net.ipv4.neigh.default.gc_thresh3=4096"
            " net.ipv4.neigh.default.gc_thresh2=2048 net.ipv4.neigh.default.gc_thresh1=1024"
        ),
        "takes 1024 entries, has 20, and there are 1100 other nodes",
    ),
    (
        facts(tables=table(820)),
        "neighbour_table_small",
        (
            "sysctl -w net.ipv4.neigh.default.gc_thresh3=2048"
            " net.ipv4.neigh.default.gc_thresh2=1024 net.ipv4.neigh.default.gc_thresh1=512"
        ),
        "has 820",
    ),
    (
        facts(about={"peers": 1100}, around={"first": False}),
        "neighbour_table_small",
        (
            "in the host's first network namespace, sysctl -w"
            " net.ipv4.neigh.default.gc_thresh3=4096 net.ipv4.neigh.default.gc_thresh2=2048"
            " net.ipv4.neigh.default.gc_thresh1=1024"
        ),
        "which all its network namespaces share",
    ),
    (
        facts(about={"peers": 1100}, tables=table(20, (4096, 8192, 1024))),
        "neighbour_table_small",
        "sysctl -w net.ipv4.neigh.default.gc_thresh3=4096",
        "takes 1024",
    ),
    (
        facts(around={"flushes": True}),
        "networkd_flushes",
        (
            "mkdir -p /etc/systemd/networkd.conf.d && printf '[Network]\\nManageForeignRoutes=no\\n"
            "ManageForeignRoutingPolicyRules=no\\n' > /etc/systemd/networkd.conf.d/hostgw.conf &&"
            " systemctl restart systemd-networkd"
        ),
        "configures eth0",
    ),
    (
        facts(around={"left_alone": ()}),
        "networkmanager_manages",
        (
            "printf '[keyfile]\\nunmanaged-devices+=interface-name:cni0\\n' >"
            " /etc/NetworkManager/conf.d/hostgw.conf && nmcli general reload"
        ),
        "looks after cni0",
    ),
    (
        facts(around={"left_alone": ("interface-name:docker*",)}),
        "networkmanager_manages",
        (
            "printf '[keyfile]\\nunmanaged-devices+=interface-name:cni0\\n' >"
            " /etc/NetworkManager/conf.d/hostgw.conf && nmcli general reload"
        ),
        "looks after cni0",
    ),
    (
        facts(around={"hidden": (4, 6)}),
        "host_unread",
        "iptables-legacy -S FORWARD",
        "may not know whether iptables-legacy drops",
    ),
    (
        facts(about=V6, switches={6: {ALL_LINKS: ON}}, around={"hidden": (4, 6)}),
        "host_unread",
        "ip6tables-legacy -S FORWARD",
        "may not know whether ip6tables-legacy drops",
    ),
]

WELL = [
    HEALTHY,
    facts(about={"link": None}),
    facts(about={"pools": ()}, switches={4: switched(all=OFF, eth0=OFF)}),  # nothing is known yet
    facts(switches={4: switched(eth1=OFF)}),  # no packet of ours comes in there
    facts(switches={4: switched(all=OFF)}),  # of a packet the link that it came by is asked
    facts(switches={**HEALTHY.switches, 6: {ALL_LINKS: OFF}}),  # IPv6 is not used
    facts(switches={4: switched(all=STRICT)}),  # the default route is the uplink's: it fits
    facts(switches={4: switched(all=STRICT)}, foreign=()),  # loose would drop the same
    facts(switches={4: switched(all=STRICT, eth0=LOOSE)}, foreign=ELSEWHERE),  # the greater counts
    facts(switches={4: switched(eth1=STRICT)}, foreign=ELSEWHERE),
    facts(
        switches={4: switched(all=STRICT)},
        foreign=(*OWN_ROUTES, route("0.0.0.0/0", "198.51.100.254", link=ETH1, metric=100)),
    ),  # the other default route is not in force
    facts(
        switches={4: switched(all=STRICT)},
        foreign=(*OWN_ROUTES, route("0.0.0.0/0", "198.51.100.254", link=ETH1)),
    ),  # one default route with two ways
    facts(around={"bridged": {4: False, 6: False}, "kubernetes": False}),
    facts(around={"bridged": {4: True, 6: False}}),  # IPv6 is not used
    facts(around={"bridged": {4: False}}, links=(UPLINK, link(CNI0, "cni0"))),  # no bridge
    facts(about={"peers": 819}),
    facts(tables=table(819)),
    facts(about={"peers": 1100}, tables={}),  # the table cannot be seen
    facts(about={"peers": 1100}, tables=table(20, (512, 1024, 2048))),
    facts(about={"link": None}, around={"flushes": True}),
    facts(around={"left_alone": ("interface-name:cni*",)}),
    facts(around={"left_alone": ()}, links=(UPLINK, link(CNI0, "cni0"))),
    facts(around={"hidden": (6,)}),  # IPv6 is not used
]


@pytest.mark.parametrize(("given", "code", "cure", "said"), WRONG)
def test_each_fact_that_is_wrong_is_one_finding(given: HostFacts, code: str, cure: str, said: str):
    """Its code, its sentence and its command."""
    (found,) = findings(given)
    assert found.code == code
    assert found.cure == cure
    assert said in found.sentence
    assert found.detail == f"{found.sentence}: {cure}"


@pytest.mark.parametrize("given", WELL)
def test_one_step_away_nothing_is_found(given: HostFacts):
    """No alarm where no packet is lost."""
    assert findings(given) == ()


@pytest.mark.parametrize(("given", "code", "cure", "said"), WRONG)
def test_what_a_setting_may_fix_is_what_the_command_writes(
    given: HostFacts, code: str, cure: str, said: str
):
    """The sysctls are those of the command, word for word; of another command there are none."""
    (found,) = findings(given)
    written = f"sysctl -w {' '.join(f'{each.name}={each.value}' for each in found.sets)}"
    assert written == cure if cure.startswith("sysctl") else found.sets == ()


def test_both_families_are_told_of():
    """Two findings of one code."""
    off = facts(about=DUAL, switches={4: switched(eth0=OFF, all=OFF), 6: {ALL_LINKS: OFF}})
    assert [found.cure for found in findings(off)] == [
        "sysctl -w net.ipv4.ip_forward=1",
        "sysctl -w net.ipv6.conf.all.forwarding=1",
    ]
