"""Networks and routes of the host that lie in the cluster's network: which are told, which not."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from hostgw_daemon.host.facts import HostFacts
from hostgw_daemon.host.findings import findings
from support.host_facts import CNI0, ETH1, HEALTHY, POOL6, address, facts, route

V6 = {"pools": (POOL6,), "own": (ip_network("fd05:0:0:1::/64"),)}
OWN_ROUTES = HEALTHY.foreign


def net(*texts: str, on: int = ETH1) -> dict[str, object]:
    """Give a host with networks on a link, and the routes that the kernel makes for them."""
    return {
        "addresses": (*HEALTHY.addresses, *(address(on, text) for text in texts)),
        "foreign": (
            *OWN_ROUTES,
            *(route(str(address(on, t).network), link=on, protocol=2) for t in texts),
        ),
    }


WRONG = [
    # the facts, the cure, a part of the sentence
    (
        facts(**net("10.5.9.1/24")),
        "give that link another network, or set another Network in <prefix>/config",
        "the network 10.5.9.0/24 of eth1 lies in the cluster's network 10.5.0.0/16",
    ),
    (
        facts(**net("10.9.9.1/8")),
        "give that link another network, or set another Network in <prefix>/config",
        "the cluster's network 10.5.0.0/16 lies in the network 10.0.0.0/8 of eth1",
    ),
    (
        facts(**net("10.5.0.1/16", on=CNI0)),  # a bridge that was given the whole network
        "give that link another network, or set another Network in <prefix>/config",
        "the network 10.5.0.0/16 of cni0 lies in the cluster's network",
    ),
    (
        facts(foreign=(*OWN_ROUTES, route("10.5.2.128/25", "192.0.2.9", metric=50))),
        "ip route del 10.5.2.128/25 metric 50 proto 3",
        "the route to 10.5.2.128/25 via 192.0.2.9 (protocol 3) lies in the cluster's network",
    ),
    (
        facts(foreign=(*OWN_ROUTES, route("10.5.7.0/24", "192.0.2.9"))),  # that nobody holds yet
        "ip route del 10.5.7.0/24 proto 3",
        "the route to 10.5.7.0/24",
    ),
    (
        facts(about=V6, foreign=(route("fd05:0:0:2:1::/80", "fd00::9", protocol=4),)),
        "ip route del fd05:0:0:2:1::/80 proto 4",
        "the route to fd05:0:0:2:1::/80 via fd00::9",
    ),
]

WELL = [
    facts(**net("10.5.1.1/24", on=ETH1)),  # our own subnet, wherever it lies
    facts(**net("10.5.1.200/32", on=ETH1)),
    facts(**net("10.6.0.1/16")),
    facts(foreign=(*OWN_ROUTES, route("10.0.0.0/8", "192.0.2.9"))),  # shorter than any subnet
    facts(foreign=(*OWN_ROUTES, route("10.5.0.0/17", "192.0.2.9"))),
    facts(foreign=(*OWN_ROUTES, route("10.5.2.0/24", "192.0.2.9"))),  # told of as `shadowed`
    facts(foreign=(*OWN_ROUTES, route("10.5.1.64/26", "10.5.1.9", link=CNI0))),
]


@pytest.mark.parametrize(("given", "cure", "said"), WRONG)
def test_what_takes_packets_of_the_cluster_is_told(given: HostFacts, cure: str, said: str):
    """With what happens, and what to do; there is no sysctl for it."""
    (found,) = findings(given)
    assert (found.code, found.cure, found.sets) == ("network_overlap", cure, ())
    assert said in found.sentence


@pytest.mark.parametrize("given", WELL)
def test_what_takes_none_is_not_told(given: HostFacts):
    """One step away, no packet goes another way than it should."""
    assert findings(given) == ()


def test_of_many_overlaps_three_are_named():
    """A sentence names three of many, and says how many more there are."""
    routes = tuple(route(f"10.5.{n}.0/25", "192.0.2.9") for n in range(20, 27))
    (found,) = findings(facts(foreign=(*OWN_ROUTES, *routes)))
    assert [f"10.5.{n}.0/25" in found.sentence for n in range(20, 27)] == [True] * 3 + [False] * 4
    assert found.sentence.endswith("; and 4 more")
    assert found.cure.count("ip route del") == 3
