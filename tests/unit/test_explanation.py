"""Why packets arrive or do not: each thing that can be wrong, and that it is what is said."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hostgw_cli.node.explanation import Facts, explain_address

KEY = "/coreos.com/network/subnets/10.5.2.0-24"
OWN = "/coreos.com/network/subnets/10.5.1.0-24"
POD, NODE = "10.5.2.7", "192.0.2.2"


def lease(key: str, subnet: str, gateway: str, node: str) -> dict[str, Any]:
    """Write a lease as `/v1/leases` does."""
    return {"key": key, "subnets": [subnet], "gateways": [gateway], "node": node, "node_id": "id"}


LEASES = [lease(OWN, "10.5.1.0/24", "192.0.2.1", "n1"), lease(KEY, "10.5.2.0/24", NODE, "n2")]
ROUTE = {
    "prefix": "10.5.2.0/24",
    "gateway": NODE,
    "metric": 1500,
    "state": "installed",
    "detail": "",
}
PEER = {**LEASES[1], "state": "ok", "reason": ""}
REFUSAL = {"key": "/coreos.com/network/subnets/10.5.9.0-24", "reason": "overlap", "detail": "so"}
WAY = {"dst": POD, "gateway": NODE, "dev": "eth0"}


def documents(**changes: Any) -> dict[str, Any]:
    """Write what a daemon says that is well."""
    return {
        "status": {"claim": {"key": OWN}, "uplink": {"interface": "eth0"}},
        "leases": LEASES,
        "peers": [PEER],
        "routes": [ROUTE],
        "refusals": [REFUSAL],
        "config": {"ipv4": {"network": "10.5.0.0/16"}},
        **changes,
    }


WELL = Facts(POD, documents(), WAY, "REACHABLE")

CASES = {
    "all is well": (WELL, "Nothing is wrong"),
    "a peer's cause": (
        replace(WELL, documents=documents(peers=[{**PEER, "state": "mtu", "reason": "too small"}])),
        "the cause: mtu: too small",
    ),
    "the daemon's cause before what it causes": (
        replace(
            WELL,
            documents=documents(peers=[{**PEER, "state": "shadowed", "reason": "ip route del"}]),
            way={**WAY, "gateway": "192.0.2.9"},
        ),
        "the cause: shadowed: ip route del",
    ),
    "a missing route": (
        replace(
            WELL,
            documents=documents(routes=[{**ROUTE, "state": "failed", "detail": "no memory"}]),
            way=None,
        ),
        "the route: 10.5.2.0/24 via 192.0.2.2 metric 1500 is missing: no memory",
    ),
    "no route at all": (
        replace(WELL, documents=documents(routes=[])),
        "the route: there is none to be",
    ),
    "another way": (
        replace(WELL, way={**WAY, "gateway": "192.0.2.9"}),
        "the kernel: sends it via 192.0.2.9 out of eth0 and not via 192.0.2.2",
    ),
    "no way": (replace(WELL, way=None), "the kernel: has no route there"),
    "a hole": (
        replace(WELL, way={"type": "blackhole", "dst": POD}),
        "the kernel: answers blackhole there",
    ),
    "a gateway that does not answer": (
        replace(WELL, neighbour="FAILED"),
        "the link: 192.0.2.2 does not answer",
    ),
    "nobody's subnet": (
        replace(WELL, address="10.5.77.1"),
        "whose: nobody's: no node has leased a subnet of 10.5.0.0/16",
    ),
    "a record that is not used": (
        replace(WELL, address="10.5.9.1"),
        "the record: overlap: so",
    ),
    "a node": (
        replace(WELL, address=NODE, way={"dst": NODE, "dev": "eth0"}),
        "Nothing is wrong",
    ),
    "an address of nobody here": (
        replace(WELL, address="198.51.100.7", way={"gateway": "192.0.2.254", "dev": "eth0"}),
        "Nothing is wrong",
    ),
    "our own pod": (
        replace(WELL, address="10.5.1.7", way={"dst": "10.5.1.7", "dev": "cni0"}),
        "Nothing is wrong",
    ),
    "our own gateway": (
        replace(WELL, address="10.5.1.1", way={"type": "local", "dev": "lo"}, neighbour=""),
        "Nothing is wrong",
    ),
    "our own subnet without containers": (
        replace(WELL, address="10.5.1.7", way={"gateway": "192.0.2.254", "dev": "eth0"}),
        "the kernel: would send it out of eth0",
    ),
    "our own pod that does not answer": (
        replace(WELL, address="10.5.1.7", way={"dev": "cni0"}, neighbour="FAILED"),
        "the link: the pod does not answer",
    ),
    "without the daemon": (
        Facts(POD, {"rows": LEASES}, WAY, "REACHABLE", {"daemon": "it is not there"}),
        "Nothing is wrong",
    ),
    "our own host": (
        replace(WELL, address="192.0.2.1", way={"type": "local", "dev": "lo"}, neighbour=""),
        "Nothing is wrong",
    ),
    "our own pod, without the daemon": (
        Facts(
            *("10.5.1.7", {"rows": LEASES}, {"dst": "10.5.1.7", "dev": "cni0"}, "REACHABLE"),
            {"daemon": "it is not there"},
            frozenset({"192.0.2.1"}),
        ),
        "Nothing is wrong",
    ),
    "our own subnet without containers, and without the daemon": (
        Facts(
            *("10.5.1.7", {"rows": LEASES}, {"gateway": "192.0.2.254", "dev": "eth0"}, ""),
            {"daemon": "it is not there"},
            frozenset({"192.0.2.1"}),
        ),
        "the kernel: would send it out of eth0",
    ),
    "without either": (
        Facts(POD, {}, WAY, "FAILED", {"daemon": "gone", "store": "gone"}),
        "the link: 192.0.2.2 does not answer",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_sentence(name: str):
    """It names the first thing that is wrong, and nothing that is right."""
    facts, words = CASES[name]
    found = explain_address(facts)
    assert found.sentence.startswith(words), found
    assert found.well == words.startswith("Nothing")


def test_who_could_not_be_asked_is_said_first():
    """And it is no fault of the packets' way."""
    facts, _ = CASES["without either"]
    first, second, *_ = explain_address(facts).steps
    assert (first.what, second.what) == ("the daemon", "the store")
    assert any("nobody could be asked" in step.says for step in explain_address(facts).steps)
    assert first.well is None


def test_nobody_says_that_all_is_well_who_could_ask_nobody():
    """Where the kernel sees nothing wrong, it is not known how things stand."""
    found = explain_address(replace(CASES["without either"][0], neighbour="REACHABLE"))
    assert found.well is None
    assert found.sentence.startswith(f"It is not known whose {POD} is")


def test_an_address_of_this_host_is_nobody_elses():
    """Neither a pod nor somebody on the link is looked for behind it."""
    for address in ("192.0.2.1", "127.0.0.1"):
        way = {"type": "local", "dst": address, "dev": "lo"}
        found = explain_address(Facts(address, documents(), way))
        assert [(step.what, step.well) for step in found.steps] == [("whose", True)], found
        assert "this host" in found.steps[0].says


def test_everybody_is_no_neighbour():
    """What goes to a group, or to all, is answered by nobody on the link."""
    way = {"type": "multicast", "dst": "224.0.0.1", "dev": "eth0"}
    found = explain_address(Facts("224.0.0.1", documents(), way))
    assert "multicast" in found.steps[-1].says
    assert "the link" not in {step.what for step in found.steps}


def test_the_store_knows_the_nodes_too():
    """Without the daemon an address of a node is no stranger's."""
    away = {"daemon": "it is not there"}
    found = explain_address(Facts(NODE, {"rows": LEASES}, {"dst": NODE, "dev": "eth0"}, "", away))
    assert any("the address of the node n2 itself" in step.says for step in found.steps), found


def test_a_held_record_is_told_and_is_no_fault():
    """Its route stands."""
    peer = {**PEER, "state": "held", "reason": "many went"}
    found = explain_address(replace(WELL, documents=documents(peers=[peer])))
    assert found.well
    assert any("kept in force: many went" in step.says for step in found.steps)


def test_a_withdrawn_route_is_told_and_no_other_way_is_a_fault():
    """Whatever carries the packets meanwhile is what the operator wanted."""
    route = {**documents()["routes"][0], "state": "withdrawn", "detail": "n2 is out of reach"}
    peer = {**PEER, "state": "unreachable", "reason": "its route is withdrawn: see its firewall"}
    elsewhere = {"gateway": "192.0.2.254", "dev": "eth0"}
    facts = replace(WELL, documents=documents(routes=[route], peers=[peer]), way=elsewhere)
    found = explain_address(facts)
    assert found.sentence.startswith("the cause: unreachable: its route is withdrawn")
    bad = {step.what: step.says for step in found.steps if step.well is False}
    assert set(bad) == {"the route", "the cause"}
    assert bad["the route"].endswith("is withdrawn: n2 is out of reach")


def test_an_ipv4_subnet_may_be_reached_by_an_ipv6_address():
    """The route says by which; a lease may have no other."""
    lone = {**LEASES[1], "gateways": ["fd50::2"]}
    facts = Facts(
        POD,
        documents(
            leases=[lone], peers=[{**PEER, **lone}], routes=[{**ROUTE, "gateway": "fd50::2"}]
        ),
        {"via": {"family": "inet6", "host": "fd50::2"}, "dev": "eth0"},
        "REACHABLE",
    )
    found = explain_address(facts)
    assert found.well, found
    assert any("fd50::2, the address of n2" in step.says for step in found.steps)


def test_every_network_of_the_daemon_is_looked_through():
    """Our subnet in another one is ours as well, and nobody's address of it is nobody's."""
    key = "/blue/subnets/10.6.1.0-24"
    ours = lease(key, "10.6.1.0/24", "192.0.2.1", "n1")
    status = {
        **documents()["status"],
        "networks": [{"name": "", "claim": {"key": OWN}}, {"name": "blue", "claim": {"key": key}}],
    }
    known = documents(
        leases=[*LEASES, ours], status=status, configs=[{"ipv4": {"network": "10.6.0.0/16"}}]
    )
    pod = explain_address(
        Facts("10.6.1.7", known, {"dst": "10.6.1.7", "dev": "blue0"}, "REACHABLE")
    )
    assert pod.well
    assert any("this host's own" in step.says for step in pod.steps)
    nobody = explain_address(Facts("10.6.9.7", known, {"dst": "10.6.9.7", "dev": "eth0"}))
    assert "no node has leased a subnet of 10.6.0.0/16" in nobody.sentence


def test_the_other_family_of_a_lease_has_its_own_gateway():
    """An IPv6 pod is reached through the node's IPv6 address."""
    dual = {
        **LEASES[1],
        "subnets": ["10.5.2.0/24", "fd00:5:0:2::/64"],
        "gateways": [NODE, "fd50::2"],
    }
    route = {**ROUTE, "prefix": "fd00:5:0:2::/64", "gateway": "fd50::2"}
    facts = Facts(
        "fd00:5:0:2::7",
        documents(leases=[dual], peers=[{**dual, "state": "ok", "reason": ""}], routes=[route]),
        {"gateway": "fd50::2", "dev": "eth0"},
        "REACHABLE",
    )
    found = explain_address(facts)
    assert found.well, found
    assert any("fd50::2, the address of n2" in step.says for step in found.steps)
