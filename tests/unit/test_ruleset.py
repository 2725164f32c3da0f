"""What the tables must hold, judged by a small evaluator of rules written from the documents."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

import pytest

from hostgw_core.model import ClusterConfig, Pool, Subnets
from hostgw_daemon.rules.nftables import UNREADABLE, Listing, holds, listed, standing, transaction
from hostgw_daemon.rules.ruleset import RulesetSpec, desired

SPEC = RulesetSpec(
    networks=(ip_network("10.5.0.0/16"),),
    own=(ip_network("10.5.1.0/24"),),
    masquerade=True,
    forward_rules=True,
)
DUAL = replace(
    SPEC,
    networks=(*SPEC.networks, ip_network("fd00:5::/48")),
    own=(*SPEC.own, ip_network("fd00:5:0:1::/64")),
)

POD, POD_ELSEWHERE = "10.5.1.7", "10.5.2.7"
OUTSIDE, HOST, GROUP = "198.51.100.9", "192.0.2.1", "224.0.0.251"
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


def among(found, right):
    """Tell whether a value is, or lies in, a rule's right side."""
    if isinstance(right, int):
        return found == right
    members = right.get("set", [right])
    nets = [ip_network(f"{m['prefix']['addr']}/{m['prefix']['len']}") for m in members]
    return any(found in net for net in nets)


def verdict(spec, packet, chain="postrouting"):
    """Walk the chain as the kernel does: the first rule whose matches all hold gives the end."""
    family = ip_address(packet.source).version
    found = desired(spec).tables.get(family, ())
    for rule in next((c.rules for c in found if c.name == chain), ()):
        *matches, end = rule.statements
        if all(
            among(value(m["match"]["left"], packet), m["match"]["right"])
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


def test_several_networks_of_a_family_are_one_set():
    """A pod of one network reaches a pod of another with its own address."""
    spec = replace(SPEC, networks=(ip_network("10.5.0.0/16"), ip_network("10.8.0.0/16")))
    assert verdict(spec, Packet(POD, "10.8.3.3")) == "return"
    assert verdict(spec, Packet("10.8.3.3", OUTSIDE)) == "masquerade"


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


def words(text):
    """Give a transaction's commands in three words each."""
    return [
        (verb, kind, body["family"])
        for command in json.loads(text)["nftables"]
        for verb, objects in command.items()
        for kind, body in objects.items()
    ]


def test_a_transaction_begins_by_removing_what_was_there():
    """Add, delete, add: right whether the table was there or not."""
    table = [("add", "table", "ip"), ("delete", "table", "ip"), ("add", "table", "ip")]
    done = words(transaction(desired(SPEC)))
    assert done[:3] == table
    assert {(verb, kind) for verb, kind, _ in done[3:]} == {("add", "chain"), ("add", "rule")}


def test_a_transaction_removes_a_table_that_is_no_longer_wanted():
    """Only where it stands: an unused family is not even mentioned."""
    gone = [("add", "table", "ip6"), ("delete", "table", "ip6")]
    assert words(transaction(desired(SPEC), present=(4, 6)))[-2:] == gone
    assert {family for _, _, family in words(transaction(desired(SPEC)))} == {"ip"}
    assert words(transaction(desired(replace(SPEC, networks=())))) == []


def listing_of(spec):
    """Give the listing as nft 1.0 prints it, made by hand from the transaction's own objects."""
    tables = {}
    for command in json.loads(transaction(desired(spec)))["nftables"]:
        for kind, body in command.get("add", {}).items():
            family = 4 if body["family"] == "ip" else 6
            if kind == "table":
                tables[family] = []
            tables[family].append({kind: {**body, "handle": len(tables[family])}})
    return Listing({family: tuple(objects) for family, objects in tables.items()})


def test_a_listing_of_what_was_written_is_recognised():
    """Tables, hooks, policies and comments are compared, in both families."""
    assert holds(listing_of(DUAL), desired(DUAL))
    assert not holds(listing_of(SPEC), desired(DUAL))
    assert not holds(listing_of(DUAL), desired(SPEC))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda objects: objects[:-1],
        lambda objects: (*objects, objects[-1]),
        lambda objects: (*objects[:-2], objects[-1], objects[-2]),
        lambda objects: ({"table": {**objects[0]["table"], "flags": "dormant"}}, *objects[1:]),
        lambda objects: (
            objects[0],
            {"chain": {**objects[1]["chain"], "policy": "drop"}},
            *objects[2:],
        ),
        lambda objects: (*objects, {"set": {"name": "strange"}}),
    ],
    ids=["rule gone", "rule twice", "order", "dormant", "policy", "foreign object"],
)
def test_a_listing_that_was_tampered_with_is_not(spoil):
    """A missing, doubled or moved rule, a dormant table, another policy, another object."""
    good = listing_of(SPEC).tables[4]
    assert not holds(Listing({4: spoil(good)}), desired(SPEC))


def test_only_the_objects_of_a_listing_are_kept():
    """The first object names nft's version, and an upgrade of nft is no drift."""
    answer = json.dumps({"nftables": [{"metainfo": {"version": "1.0.6"}}, {"table": {"a": 1}}]})
    assert listed(answer) == ({"table": {"a": 1}},)


@pytest.mark.parametrize("answer", ["", "table ip hostgw {}", "{}", '{"nftables": 3}', "{", "[]"])
def test_a_listing_that_cannot_be_read_is_not_what_we_wrote(answer):
    """Nft 1.0.6 cuts the listing of a table with flags short; that is no reason to stop."""
    assert listed(answer) == UNREADABLE
    assert not holds(Listing({4: listed(answer)}), desired(SPEC))


def test_our_tables_are_told_from_others_by_family_and_whole_name():
    """A table of the same name in another family, or with a longer name, is not ours."""
    text = "table ip hostgw\ntable inet hostgw\ntable ip6 hostgw-other\ntable ip filter\n"
    assert standing(text) == {4}
    assert standing("table ip6 hostgw\n") == {6}
    assert standing("") == frozenset()
