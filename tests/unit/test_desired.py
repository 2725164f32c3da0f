"""The routes there should be, for rosters that a person can read."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from hostgw_daemon.kernel import BLACKHOLE, UNREACHABLE, Form
from hostgw_daemon.routes.desired import RouteRule, desired, metric_of, routes_to
from hostgw_daemon.routes.judgement import accept
from hostgw_daemon.routes.peers import PeerState
from hostgw_daemon.routes.targets import Targets
from support.lease_world import config, entry, key, policy, route

RULES = policy()
RULE = RouteRule(link=2)


def wanted(*entries, rule=RULE, rules=RULES):
    """Give what is desired for these records."""
    return desired(accept(entries, rules), rule)


# Made once by another program: printf '\x0a\x05\x01\x00\x18' | gzip | tail -c8 | head -c4 | xxd -e
# Any version of this one must come to the same, for the metric is part of the kernel's key.
@pytest.mark.parametrize(
    ("prefix", "metric"),
    [
        ("10.5.1.0/24", 1024 + 0xA9E2EDEF % 1024),
        ("10.5.2.0/24", 1024 + 0xABA453B6 % 1024),
        ("10.5.2.0/25", 1024 + 0xDCA36320 % 1024),
        ("fd00:5:0:1::/64", 2048 + 0x18D413F7 % 1024),
    ],
)
def test_the_metric_is_a_function_of_the_prefix(prefix, metric):
    """The automatic metric is the base of its family and the CRC of address and length."""
    assert metric_of(ip_network(prefix)) == metric


def test_metrics_are_spread():
    """Of 10,000 subnets no metric has so many that the kernel's chain grows long."""
    metrics = [metric_of(subnet) for subnet in ip_network("10.0.0.0/10").subnets(new_prefix=24)]
    assert all(1024 <= metric < 2048 for metric in metrics)
    assert max(metrics.count(metric) for metric in set(metrics)) <= 3 * len(metrics) / 1024


def test_one_route_for_each_other_node():
    """Every believed lease of another node gets one route, through its own address."""
    assert wanted(
        entry("10.5.1.0-24", "172.16.0.4"),
        entry("10.5.2.0-24", "172.16.0.5"),
        entry("10.5.3.0-24", node="me"),
        entry("10.5.4.0-24", raw=b"?"),
    ) == {
        route("10.5.1.0/24", "172.16.0.4", metric=metric_of(ip_network("10.5.1.0/24"))),
        route("10.5.2.0/24", "172.16.0.5", metric=metric_of(ip_network("10.5.2.0/24"))),
    }


def test_a_node_may_hold_several_subnets():
    """Each of its leases has its own route."""
    found = wanted(entry("10.5.1.0-24", node="n1"), entry("10.5.2.0-24", node="n1"))
    assert {each.prefix for each in found} == {"10.5.1.0/24", "10.5.2.0/24"}


def test_two_families_two_routes():
    """A lease of both families has a route of each, each through the address of its family."""
    rules = policy(config(ipv6="fd00:5::/48"))
    one = entry("10.5.1.0-24&fd00:5:0:1::-64", "172.16.0.4", gateway6="fd00::4")
    assert {str(each) for each in wanted(one, rules=rules, rule=RouteRule(2, metric=7))} == {
        "10.5.1.0/24 via 172.16.0.4 metric 7",
        "fd00:5:0:1::/64 via fd00::4 metric 7",
    }


def test_the_rule_is_in_every_route():
    """Link, table and a fixed metric are the same for all."""
    found = wanted(
        entry("10.5.1.0-24", "172.16.0.4"),
        entry("10.5.2.0-24", "172.16.0.4"),
        rule=RouteRule(link=9, metric=500, table=1000),
    )
    assert found == {
        route("10.5.1.0/24", "172.16.0.4", metric=500, link=9, table=1000),
        route("10.5.2.0/24", "172.16.0.4", metric=500, link=9, table=1000),
    }


@pytest.mark.parametrize("state", [state for state in PeerState if state is not PeerState.SELF])
def test_every_state_of_a_peer_is_routed_to(state):
    """Somebody's containers are behind it, whatever is wrong with its record."""
    peer = accept([entry("10.5.1.0-24")], RULES).peers[key("10.5.1.0-24")]
    assert len(routes_to(replace(peer, state=state), RULE)) == 1


def test_nobody_and_ourselves_need_no_route():
    """There is no route to a key without a peer, and none to our own subnet."""
    ours = accept([entry("10.5.1.0-24", node="me")], RULES).peers[key("10.5.1.0-24")]
    assert routes_to(None, RULE) == routes_to(ours, RULE) == frozenset()


def test_the_form_is_that_of_the_family():
    """Source and MTU are the rule's, one form a family."""
    rules = policy(config(ipv6="fd00:5::/48"))
    one = entry("10.5.1.0-24&fd00:5:0:1::-64", "172.16.0.4", gateway6="fd00::4")
    rule = RouteRule(2, ipv4=Form(mtu=1400), ipv6=Form(mtu=1300))
    found = wanted(one, rules=rules, rule=rule)
    assert {(each.family, each.form) for each in found} == {
        (4, Form(mtu=1400)),
        (6, Form(mtu=1300)),
    }


def test_ipv4_over_ipv6():
    """A peer's IPv6 address leads to both its subnets; one without it is reached by IPv4."""
    rules = replace(policy(config(ipv6="fd00:5::/48")), via6=True)
    found = wanted(
        entry("10.5.1.0-24", "172.16.0.4", gateway6="fd00::4"),
        entry("10.5.2.0-24", "172.16.0.5"),
        entry("10.5.3.0-24", None, gateway6="fd00::6"),
        entry("10.5.4.0-24&fd00:5:0:4::-64", "172.16.0.7", gateway6="fd00::7"),
        rules=rules,
        rule=RouteRule(2, metric=7, via6=True),
    )
    assert {str(each) for each in found} == {
        "10.5.1.0/24 via inet6 fd00::4 metric 7",
        "10.5.2.0/24 via 172.16.0.5 metric 7",
        "10.5.3.0/24 via inet6 fd00::6 metric 7",
        "10.5.4.0/24 via inet6 fd00::7 metric 7",
        "fd00:5:0:4::/64 via fd00::7 metric 7",
    }


def test_without_the_option_an_ipv6_address_leads_to_no_ipv4():
    """Such a lease is refused, with the address that it lacks."""
    roster = accept([entry("10.5.3.0-24", None, gateway6="fd00::6")], RULES)
    assert desired(roster, RULE) == frozenset()
    (refusal,) = roster.refusals.values()
    assert refusal.reason == "bad_address"
    assert "no address of a family that it has a subnet of" in refusal.detail


@pytest.mark.parametrize(("kind", "word"), [(BLACKHOLE, "blackhole"), (UNREACHABLE, "unreachable")])
def test_our_own_subnet_leads_nowhere(kind, word):
    """Both its families, under a metric that everybody else's route is better than."""
    rules = policy(config(ipv6="fd00:5::/48"))
    ours = entry("10.5.1.0-24&fd00:5:0:1::-64", "172.16.0.1", gateway6="fd00::1", node="me")
    found = wanted(ours, rules=rules, rule=RouteRule(2, own=kind, table=7))
    assert {str(each) for each in found} == {
        f"{word} 10.5.1.0/24 metric {4_000_000_000 + kind}",
        f"{word} fd00:5:0:1::/64 metric {4_000_000_000 + kind}",
    }
    assert {(each.gateway, each.link, each.table) for each in found} == {(b"", 0, 7)}


def test_what_nobody_has_leads_nowhere():
    """One route for the whole network of each family, beside those to the peers."""
    rules = policy(config(ipv6="fd00:5::/48"))
    found = wanted(
        entry("10.5.1.0-24", "172.16.0.4"),
        entry("10.5.2.0-24", node="me"),
        rules=rules,
        rule=RouteRule(2, metric=9, unassigned=UNREACHABLE),
    )
    assert {str(each) for each in found} == {
        "10.5.1.0/24 via 172.16.0.4 metric 9",
        "unreachable 10.5.0.0/16 metric 4000000007",
        "unreachable fd00:5::/48 metric 4000000007",
    }


def test_who_has_a_better_route_to_nowhere_is_no_stranger():
    """Only peers' destinations are looked up: the bridge's route to our own subnet is welcome."""
    roster = accept([entry("10.5.1.0-24", "172.16.0.4"), entry("10.5.2.0-24", node="me")], RULES)
    targets = Targets()
    targets.aim((roster,), RouteRule(2, own=BLACKHOLE, unassigned=BLACKHOLE))
    assert {route.prefix for route in targets.wanted} == {
        "10.5.0.0/16",
        "10.5.1.0/24",
        "10.5.2.0/24",
    }
    assert {route.prefix for route in targets.prefixes.values()} == {"10.5.1.0/24"}


def test_a_target_moves_from_one_key_to_another():
    """A subnet that changes its key in one change is a route that moves, not one that goes."""
    rules = policy(config(ipv6="fd00:5::/48"))
    old = entry("10.5.1.0-24", "172.16.0.4", created=5)
    before = accept([old], rules)
    targets = Targets()
    targets.aim([before], RULE)
    new = entry("10.5.1.0-24&fd00:5:0:1::-64", "172.16.0.4", gateway6="fd00::4", created=9)
    after = accept([new], rules)
    gone, come = targets.amend([after], RULE, [old.key, new.key])
    assert {each.prefix for each in gone} == {"10.5.1.0/24"}
    assert {each.prefix for each in come} == {"10.5.1.0/24", "fd00:5:0:1::/64"}
    assert targets.wanted == desired(after, RULE)
    assert len(targets.prefixes) == 2
