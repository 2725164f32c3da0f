import json
from pathlib import Path

import pytest

from hostgw_cli.cleanup.leftovers import files, links, neighbours, routes, rules, tables
from hostgw_cli.cleanup.stale import doubtful, ground, stale
from hostgw_core.keys import Keys
from hostgw_core.store import Entry

KEYS = Keys("/net")
FOUR = """[
{"type":"7","dst":"10.244.0.0/16","table":"77","scope":"0","flags":[]},
{"type":"1","dst":"10.244.1.0/24","gateway":"10.9.0.2","dev":"a1","table":"254","metric":1100},
{"type":"1","dst":"10.244.2.0/24","table":"254","metric":1200,"flags":[],
 "nexthops":[{"gateway":"10.9.0.2","dev":"a1"},{"gateway":"10.9.0.3","dev":"a1"}]},
{"type":"1","dst":"10.244.3.0/24","via":{"family":"inet6","host":"fd09::7"},"dev":"a1","table":"254"},
{"type":"6","dst":"default","table":"254","metric":3}
]"""
SIX = """[
{"type":"6","dst":"fd03::/64","dev":"lo","table":"77","metric":1024,"pref":"medium"},
{"type":"1","dst":"fd01::/64","gateway":"fd09::2","dev":"a1","table":"254","metric":2300}
]"""


def entry(key, value):
    """Give a record as the store lists it."""
    return Entry(f"/net/{key}".encode(), json.dumps(value).encode(), 1, 1, 1, 0)


CONFIG = entry("config", {"Network": "10.244.0.0/16", "Backend": {"Type": "host-gw"}})


def lease(subnet, gateway, **more):
    """Give a lease's record."""
    value = {"PublicIP": gateway, "PublicIPv6": None, "BackendType": "host-gw", **more}
    return entry(f"subnets/{subnet.replace('/', '-')}", value)


def test_each_form_of_route_has_the_words_that_delete_it():
    """A table, a kind and a metric are part of the words where `ip` would guess another one."""
    assert [" ".join(each.arguments) for each in routes(FOUR, 4)] == [
        "unreachable 10.244.0.0/16 table 77 proto 104",
        "10.244.1.0/24 via 10.9.0.2 dev a1 metric 1100 proto 104",
        "10.244.2.0/24 metric 1200 proto 104",
        "10.244.3.0/24 proto 104",
        "blackhole 0.0.0.0/0 metric 3 proto 104",
    ]
    assert [str(each.leftover()) for each in routes(SIX, 6)] == [
        "ip -6 route delete blackhole fd03::/64 metric 1024 table 77 proto 104",
        "ip -6 route delete fd01::/64 via fd09::2 dev a1 metric 2300 proto 104",
    ]
    assert routes("", 4) == routes("[]", 6) == []


def test_our_tables_are_those_of_our_name_in_either_family():
    """A table of the same name in another family is somebody else's."""
    listing = (
        "table ip nat\ntable ip hostgw\ntable ip6 hostgw\ntable inet hostgw\ntable ip hostgw2\n"
    )
    assert [str(each) for each in tables(listing)] == [
        "nft delete table ip hostgw",
        "nft delete table ip6 hostgw",
    ]


def test_our_rules_are_known_by_their_comment_in_whatever_chain():
    """A rule whose comment only mentions us, or that says it elsewhere, stays."""
    listing = """\
-P FORWARD DROP
-N DOCKER-USER
-A FORWARD -s 10.244.0.0/16 -m comment --comment "hostgw: from a pod" -j ACCEPT
-A FORWARD -m comment --comment "not hostgw: mine" -j ACCEPT
-A FORWARD -m comment --comment "unclosed -j ACCEPT
-A FORWARD -m string --string "hostgw: x" --algo bm -j ACCEPT
-A DOCKER-USER -d 10.244.0.0/16 -m comment --comment "hostgw: to a pod" -j ACCEPT
"""
    mark = "-m comment --comment"
    assert [str(each) for each in rules("iptables-nft", listing)] == [
        f"iptables-nft -w 5 -D FORWARD -s 10.244.0.0/16 {mark} 'hostgw: from a pod' -j ACCEPT",
        f"iptables-nft -w 5 -D DOCKER-USER -d 10.244.0.0/16 {mark} 'hostgw: to a pod' -j ACCEPT",
    ]


def test_of_the_links_of_our_group_only_those_that_we_make_go():
    """Somebody may have put a link of another kind into that group."""
    listing = json.dumps(
        [
            {"ifname": "hostgw0", "linkinfo": {"info_kind": "macvlan"}},
            {"ifname": "veth7", "linkinfo": {"info_kind": "veth"}},
            {"ifname": "eth0"},
        ]
    )
    assert [str(each) for each in links(listing)] == ["ip link delete hostgw0"]
    assert list(links("")) == []
    entries = [
        {"dst": "10.9.0.2", "dev": "u0", "managed": None, "extern_learn": None, "protocol": "104"},
        {"dst": "10.9.0.3", "dev": "u0", "managed": None, "extern_learn": None, "protocol": "105"},
        {"dst": "10.9.0.4", "dev": "u0", "lladdr": "02:00:00:00:00:01", "protocol": "104"},
        {"dst": "fd09::2", "dev": "u0", "lladdr": "02:00:00:00:00:01"},
    ]
    found = [str(each) for each in neighbours(json.dumps(entries))]
    assert found == ["ip neigh delete 10.9.0.2 dev u0"]
    assert list(neighbours("")) == []
    assert [str(each) for each in files([Path("/a b")])] == ["rm '/a b'"]


def judged(*entries):
    """Give the stale ones among the IPv4 routes, in the words for a person."""
    return [str(each) for each in stale(routes(FOUR, 4), ground(KEYS, [CONFIG, *entries]))]


def test_a_route_is_stale_when_no_lease_has_its_subnet():
    """Routes of the living stay, and so does what lies outside this network."""
    words = judged(
        lease("10.244.1.0/24", "10.9.0.2"),
        lease("10.244.2.0/24", "10.9.0.2"),
        lease("10.244.3.0/24", "10.9.0.7"),
    )
    route = "unreachable 10.244.0.0/16 table 77 proto 104"
    assert words == [f"ip -4 route delete {route}  # no lease has this subnet"]
    assert len(judged()) == 4  # and the default route is outside


def test_a_route_is_stale_when_its_one_gateway_is_not_its_nodes():
    """Every address that the node is known by is right; several next hops are not compared."""
    far = lease("10.244.1.0/24", "10.9.0.8", NodeID="n")
    two = lease("10.244.2.0/24", "10.9.0.8")
    assert (
        "ip -4 route delete 10.244.1.0/24 via 10.9.0.2 dev a1 metric 1100 proto 104"
        "  # the lease's gateway is 10.9.0.8"
    ) in judged(far, two)
    presence = {"Node": "n", "Instance": "x", "Addresses": ["10.9.0.2"]}
    assert not [
        each for each in judged(far, two, entry("hostgw/nodes/n", presence)) if ".1.0" in each
    ]
    assert not [each for each in judged(far, two) if ".2.0" in each]


def test_a_lease_that_cannot_be_read_is_a_lease():
    """Its route stays: nothing is removed for what is not understood."""
    broken = Entry(b"/net/subnets/10.244.1.0-24", b"{", 1, 1, 1, 0)
    assert not [each for each in judged(broken) if "10.244.1.0" in each]


@pytest.mark.parametrize("entries", [[], [Entry(CONFIG.key, b"{}", 1, 1, 1, 0)]])
def test_without_a_configuration_nothing_is_judged(entries):
    """An empty store says nothing about any route."""
    with pytest.raises(ValueError, match=r"[a-z]"):
        ground(KEYS, entries)


def test_a_store_that_misses_half_of_the_routes_is_doubted():
    """Two may be gone of however few, of many half; and no lease at all is a wiped store."""
    now = ground(KEYS, [CONFIG, lease("10.244.1.0/24", "10.9.0.2")])
    assert not any(doubtful(now, found=f, of=of) for f, of in ((0, 0), (2, 2), (5, 11), (50, 100)))
    assert all(doubtful(now, found=f, of=of) for f, of in ((3, 3), (3, 5), (51, 100)))
    assert doubtful(ground(KEYS, [CONFIG]), found=1, of=100)
    assert not doubtful(ground(KEYS, [CONFIG]), found=0, of=100)
