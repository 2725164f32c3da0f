"""What the tables must hold, judged by a small evaluator of rules written from the documents."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

import pytest

from hostgw_core.model import ClusterConfig, Pool, Subnets
from hostgw_daemon.rules.ruleset import RulesetSpec, desired
from support.rule_specs import DUAL, HOST, HOST6, NODES, SPEC

POD, POD_ELSEWHERE = "10.5.1.7", "10.5.2.7"
OUTSIDE, GROUP = "198.51.100.9", "224.0.0.251"
POD6, POD6_ELSEWHERE, OUTSIDE6, GROUP6 = "fd00:5:0:1::7", "fd00:5:0:2::7", "2001:db8::9", "ff02::1"


@dataclass(frozen=True)
class Packet:
    """What the rules look at."""

    source: str
    destination: str
    mark: int = 0


def value(left, packet):
    """Give what a rule's left side is in a packet."""
    if "payload" in left:
        field = {"saddr": packet.source, "daddr": packet.destination}[left["payload"]["field"]]
        address = ip_address(field)
        assert left["payload"]["protocol"] == ("ip" if address.version == 4 else "ip6")
        return address
    key, mask = left["&"]
    assert key == {"meta": {"key": "mark"}}
    return packet.mark & mask


def among(found, right, nodes):
    """Tell whether a value is, or lies in, a rule's right side."""
    if isinstance(right, int):
        return found == right
    if right == "@nodes":
        return str(found) in nodes
    members = right.get("set", [right])
    nets = [ip_network(f"{m['prefix']['addr']}/{m['prefix']['len']}") for m in members]
    return any(found in net for net in nets)


def verdict(spec, packet, chain="postrouting"):
    """Walk the chain as the kernel does: the first rule whose matches all hold gives the end."""
    family = ip_address(packet.source).version
    ruleset = desired(spec)
    found, nodes = ruleset.tables.get(family, ()), ruleset.elements.get(family, ())
    for rule in next((c.rules for c in found if c.name == chain), ()):
        *matches, end = rule.statements
        if all(
            among(value(m["match"]["left"], packet), m["match"]["right"], nodes)
            == (m["match"]["op"] == "==")
            for m in matches
        ):
            return next(iter(end))
    return "accept"  # the policy


@pytest.mark.parametrize(
    ("source", "destination", "end"),
    [
        (POD, POD_ELSEWHERE, "return"),
        (POD_ELSEWHERE, POD, "return"),
        (POD_ELSEWHERE, "10.5.3.7", "return"),
        (POD, OUTSIDE, "masquerade"),
        (POD, HOST, "masquerade"),
        (POD, GROUP, "accept"),
        (OUTSIDE, POD, "return"),
        (OUTSIDE, POD_ELSEWHERE, "masquerade"),
        (HOST, POD_ELSEWHERE, "masquerade"),
        (HOST, OUTSIDE, "accept"),
        (POD6, POD6_ELSEWHERE, "return"),
        (POD6, OUTSIDE6, "masquerade"),
        (POD6, GROUP6, "accept"),
        (OUTSIDE6, POD6, "return"),
        (OUTSIDE6, POD6_ELSEWHERE, "masquerade"),
    ],
)
def test_each_packet_meets_its_rule(source, destination, end):
    """Pod to pod keeps its address, pod to outside takes the host's, a client here stays."""
    assert verdict(DUAL, Packet(source, destination)) == end


@pytest.mark.parametrize(
    ("source", "destination", "end"),
    [
        (POD, HOST, "return"),
        (POD, "192.0.2.2", "return"),
        (POD, "192.0.2.3", "masquerade"),
        (POD_ELSEWHERE, HOST, "return"),
        (HOST, POD_ELSEWHERE, "masquerade"),
        (POD6, HOST6, "return"),
        (POD6, OUTSIDE6, "masquerade"),
    ],
)
def test_a_pod_meets_the_nodes_with_its_own_address(source, destination, end):
    """An exact set: a neighbour of the nodes on their link knows no way back to a pod."""
    assert verdict(replace(DUAL, nodes=NODES), Packet(source, destination)) == end


def test_without_masquerade_there_is_no_set():
    """Nor where nodes are no exception; an empty set is one all the same."""
    assert not desired(replace(DUAL, nodes=NODES, masquerade=False)).elements
    assert not desired(DUAL).elements
    assert desired(replace(SPEC, nodes=NODES)).elements == {4: NODES[4]}
    assert desired(replace(DUAL, nodes={4: NODES[4]})).elements == {4: NODES[4], 6: frozenset()}


@pytest.mark.parametrize(
    ("source", "destination", "end"),
    [
        (POD, "198.51.100.9", "return"),
        (POD, "203.0.113.9", "masquerade"),
        ("198.51.100.9", POD_ELSEWHERE, "masquerade"),
        (POD6, "2001:db8::9", "return"),
        (POD6, "2001:db9::9", "masquerade"),
    ],
)
def test_networks_that_are_not_masqueraded(source, destination, end):
    """What pods send there keeps their address; what comes from there is as everything else."""
    named = ("198.51.100.0/24", "198.51.100.8/29", "2001:db8::/32")
    spec = replace(DUAL, unmasqueraded=tuple(map(ip_network, named)))
    assert verdict(spec, Packet(source, destination)) == end


@pytest.mark.parametrize("mark", [0x4000, 0xC000, 0x14000])
def test_a_packet_with_kube_proxys_bit_is_left_to_kube_proxy(mark):
    """The bit counts, whatever other bits of the mark are set."""
    assert verdict(SPEC, Packet(POD, OUTSIDE, mark)) == "return"


def test_other_marks_mean_nothing():
    """Only kube-proxy's bit is looked at."""
    assert verdict(SPEC, Packet(POD, OUTSIDE, 0x8000)) == "masquerade"


def test_forwarding_is_accepted_from_and_to_pods_only():
    """The forward chain names packets with a pod at either end."""
    assert verdict(SPEC, Packet(POD, OUTSIDE), "forward") == "accept"
    assert [len(c.rules) for c in desired(SPEC).tables[4] if c.name == "forward"] == [2]


def test_without_a_lease_clients_of_the_overlay_still_take_the_hosts_address():
    """No own subnet: the rule for pods of this host is left out, the others stand."""
    spec = replace(SPEC, own=())
    assert verdict(spec, Packet(OUTSIDE, POD)) == "masquerade"
    assert verdict(spec, Packet(POD, OUTSIDE)) == "masquerade"


def test_to_each_of_several_networks_the_others_are_outside():
    """A node need not be a member of both: the answer comes to the host that sent, or is lost.

    Between pods of one host no answer can be lost, and each sees who speaks.
    """
    networks = (ip_network("10.5.0.0/16"), ip_network("10.8.0.0/16"))
    own = (ip_network("10.5.1.0/24"), ip_network("10.8.1.0/24"))
    spec = replace(SPEC, networks=networks, own=own)
    assert verdict(spec, Packet(POD, "10.8.3.3")) == "masquerade"
    assert verdict(spec, Packet("10.8.1.3", POD_ELSEWHERE)) == "masquerade"
    assert verdict(spec, Packet(POD, "10.8.1.3")) == "return"
    assert verdict(spec, Packet("10.8.1.3", POD)) == "return"
    for pod, elsewhere in ((POD, POD_ELSEWHERE), ("10.8.1.3", "10.8.2.3")):
        assert verdict(spec, Packet(pod, elsewhere)) == "return"
        assert verdict(spec, Packet(pod, OUTSIDE)) == "masquerade"
        assert verdict(spec, Packet(OUTSIDE, pod)) == "return"
        assert verdict(spec, Packet(OUTSIDE, elsewhere)) == "masquerade"
        assert verdict(spec, Packet(pod, GROUP)) == "accept"
        assert verdict(spec, Packet(pod, OUTSIDE), "forward") == "accept"


def test_nothing_asked_for_is_no_table():
    """Without masquerade and forward rules, the ruleset is empty; so it is without a network."""
    assert not desired(replace(SPEC, masquerade=False, forward_rules=False))
    assert not desired(replace(SPEC, networks=()))


def test_each_kind_of_rule_has_its_own_switch():
    """Each flag alone gives its own chain alone."""
    only = desired(replace(SPEC, masquerade=False)).tables[4]
    assert [chain.name for chain in only] == ["forward"]
    only = desired(replace(SPEC, forward_rules=False)).tables[4]
    assert [chain.name for chain in only] == ["postrouting"]


def test_a_family_without_a_network_has_no_table():
    """An IPv4 cluster leaves the IPv6 packets of its hosts alone."""
    assert set(desired(SPEC).tables) == {4}
    assert set(desired(DUAL).tables) == {4, 6}


@pytest.mark.parametrize(
    ("random_fully", "flags"), [(True, {"flags": "fully-random"}), (False, None)]
)
def test_ports_are_chosen_at_random_unless_told_otherwise(random_fully, flags):
    """Both masquerade rules follow the setting."""
    chains = desired(replace(SPEC, random_fully=random_fully)).tables[4]
    ends = [rule.statements[-1] for rule in chains[0].rules if "masquerade" in rule.statements[-1]]
    assert ends == [{"masquerade": flags}] * 2


def test_the_spec_comes_from_the_cluster_and_the_lease():
    """Networks are the configuration's, own subnets the lease's."""
    pool = Pool(ip_network("10.5.0.0/16"), 24, ip_address("10.5.1.0"), ip_address("10.5.255.0"))
    config, own = ClusterConfig(pool, None), Subnets(ip_network("10.5.1.0/24"))
    assert RulesetSpec.of(config, own, masquerade=True, forward_rules=True) == SPEC


def test_comments_are_short_enough_for_the_kernel():
    """Nftables keeps at most 128 bytes of a rule's comment, its end included."""
    comments = [r.comment for cs in desired(DUAL).tables.values() for c in cs for r in c.rules]
    assert comments
    assert all(len(comment.encode()) < 128 for comment in comments)
