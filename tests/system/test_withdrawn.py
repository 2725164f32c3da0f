"""Routes to nodes that are out of reach are withdrawn where it is asked for, and put back.

Four nodes: of three others one may go (a floor of half of them, rounded up, stays).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.topology import LabSpec
from support.hostgwctl import on
from support.lab_fixtures import lab_name
from support.waiting import eventually

pytestmark = pytest.mark.root

CLOUD = (
    "add table ip cloud; add chain ip cloud in { type filter hook prerouting priority 0; };"
    " add rule ip cloud in ip saddr 10.244.0.0/16 udp dport 9746 drop;"
    " add rule ip cloud in ip saddr 10.244.0.0/16 icmp type echo-request drop"
)
WALL = (
    "add table ip wall; add chain ip wall in { type filter hook input priority 0; };"
    " add rule ip wall in udp dport 9746 drop; add rule ip wall in udp sport 9746 drop"
)
ASKED = ("--withdraw-states=unreachable,unresolved,path_filtered", "--withdraw-after=1s")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Four nodes that are asked to, with a container each."""
    spec = replace(LabSpec(name=lab_name()), nodes=4, containers=1, daemon_args=ASKED)
    with Lab.up(spec) as made:
        well(made)
        yield made


def document(lab: Lab, path: str) -> Any:
    """Read what the first node says."""
    status, body = lab.host("n1").http(path)
    assert status == 200, body
    return json.loads(body)


def conditions(lab: Lab) -> dict[str, str]:
    """Give the conditions that stand on the first node."""
    return {each["code"]: each["detail"] for each in document(lab, "/v1/status")["conditions"]}


def subnet(lab: Lab, name: str) -> IPv4Network:
    """Give the subnet of a node."""
    found = lab.host(name).subnets()[4]
    assert isinstance(found, IPv4Network)
    return found


def held(lab: Lab) -> set[str]:
    """Give the destinations of our routes in the first node's kernel."""
    found = lab.host("n1").ip_json("route", "show", "proto", "104")
    return {str(IPv4Network(route["dst"])) for route in found}


def whole(lab: Lab, *names: str) -> set[str]:
    """Give the subnets of nodes, as routes lead to them."""
    return {str(subnet(lab, name)) for name in names}


def witnesses(lab: Lab, name: str) -> set[str]:
    """Give the two addresses to which probes go: as a person would work it out."""
    of = subnet(lab, name)
    return {f"{of[1]}/32", f"{of[-2]}/32"}


def well(lab: Lab) -> None:
    """Wait until nothing is wrong, and every route is there."""

    def look() -> bool:
        assert {peer["state"] for peer in document(lab, "/v1/peers")} == {"ok"}
        assert not {"routes_withdrawn", "routes_spared"} & conditions(lab).keys()
        assert held(lab) == whole(lab, "n2", "n3", "n4")
        return True

    eventually(look, within=60)


def told(lab: Lab) -> set[tuple[str, str]]:
    """Give what the journal of the first node tells, and why; it gathers for a moment first."""
    events = document(lab, "/v1/events")["events"]
    return {(event["kind"], event["cause"]) for event in events}


def gone(lab: Lab, name: str) -> bool:
    """Tell whether the route to one node alone is withdrawn, and all say so."""
    others = {"n2", "n3", "n4"} - {name}
    assert held(lab) == whole(lab, *others) | witnesses(lab, name)
    assert conditions(lab)["routes_withdrawn"].startswith(f"{name}: ")
    return True


def test_who_filters_pods_loses_the_route_and_gets_it_back_by_the_pods_way(lab: Lab):
    """Its host answers all the while: that its pods do too is seen without the route."""
    lab.host("n3").namespace.run("nft", CLOUD)
    try:
        eventually(lambda: gone(lab, "n3"), within=20)
        (peer,) = (p for p in document(lab, "/v1/peers") if p["node"] == "n3")
        assert peer["state"] == "path_filtered"
        assert peer["reason"].startswith("its route is withdrawn (--withdraw-states): ")
        rows = {route["prefix"]: route for route in document(lab, "/v1/routes")}
        assert rows[str(subnet(lab, "n3"))]["state"] == "withdrawn"
        for each in witnesses(lab, "n3"):
            assert rows[each]["state"] == "installed"
            assert rows[each]["detail"] == "for probes to n3 alone"
        difference = on(lab, "n1", "routes", "--diff")
        assert (difference.returncode, difference.stderr) == (0, "")
        plan = document(lab, "/v1/plan")
        assert plan["changes"] == []
        (kept,) = plan["held_back"]
        assert (kept["cause"], kept["node"]) == ("withdrawn", "n3")
        explained = on(lab, "n1", "explain", str(subnet(lab, "n3")[7]))
        assert explained.returncode == 1
        assert "is withdrawn: n3 is out of reach" in explained.stdout
        assert explained.stdout.splitlines()[-1].startswith("the cause: path_filtered: its route")
        eventually(lambda: ("route_deleted", "withdrawn: n3 path_filtered") in told(lab))
        _, metrics = lab.host("n1").http("/metrics")
        assert 'hostgw_routes{family="ipv4",state="withdrawn"} 1.0' in metrics
        assert not lab.host("n1").container(0).ping(lab.host("n3").container(0))
    finally:
        lab.host("n3").namespace.run("nft", "delete table ip cloud")
    well(lab)
    eventually(lambda: ("route_created", "put back: n3 no longer so") in told(lab))
    eventually(lambda: lab.host("n1").container(0).ping(lab.host("n3").container(0)).received == 1)


def test_who_is_away_loses_the_route_and_gets_it_back_with_its_link(lab: Lab):
    """It does not answer on the link; when it does, its route is there at once."""
    lab.host("n2").unplug()
    try:
        eventually(lambda: gone(lab, "n2"), within=30)
        assert "n2: unresolved" in conditions(lab)["routes_withdrawn"]
    finally:
        lab.host("n2").plug()
    well(lab)


def test_a_node_that_is_cut_off_keeps_its_routes(lab: Lab):
    """More are out of reach than may go: so it may be this node, and it says so."""
    lab.host("n1").namespace.run("nft", WALL)
    try:
        eventually(lambda: "routes_spared" in conditions(lab), within=20)
        assert conditions(lab)["routes_spared"].startswith("IPv4: ")
        states = [peer["state"] for peer in document(lab, "/v1/peers")]
        assert "unreachable" in states
        assert held(lab) == whole(lab, "n2", "n3", "n4")
    finally:
        lab.host("n1").namespace.run("nft", "delete table ip wall")
    well(lab)


def test_a_daemon_that_starts_again_finds_out_anew(lab: Lab):
    """No memory of it: the route is there at first, then the peer is judged once more."""
    lab.host("n4").namespace.run("nft", CLOUD)
    try:
        eventually(lambda: gone(lab, "n4"), within=60)
        lab.host("n1").stop_daemon()
        assert held(lab) == whole(lab, "n2", "n3") | witnesses(lab, "n4")
        lab.host("n1").start_daemon()
        home = str(subnet(lab, "n4"))

        def both() -> bool:
            events = document(lab, "/v1/events")["events"]
            done = [event["kind"] for event in events if event["subject"] == home]
            assert done == ["route_created", "route_deleted"]
            return True

        eventually(both, within=60)
        assert gone(lab, "n4")
    finally:
        lab.host("n4").namespace.run("nft", "delete table ip cloud")
    well(lab)
