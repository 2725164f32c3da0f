"""`hostgwctl peers --probe` in a lab: real answers of real daemons, and a node that is bad."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.topology import LabSpec
from support.hostgwctl import on
from support.lab_fixtures import lab_name
from support.waiting import eventually

pytestmark = pytest.mark.root

NAMES = ("n2", "n3")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Three nodes, with a container each."""
    with Lab.up(LabSpec(name=lab_name(), nodes=3, containers=1)) as made:
        eventually(lambda: on(made, "n1", "peers", "--bad").returncode == 0, within=20)
        eventually(lambda: len(asked(made)) == len(NAMES), within=20)
        eventually(lambda: {p["state"] for p in asked(made).values()} == {"ok"}, within=20)
        yield made


def asked(lab: Lab, *names: str) -> dict[str, dict[str, Any]]:
    """Have nodes asked by the first; give what came of it, by name."""
    done = on(lab, "n1", "peers", "--probe", *names, "-o", "json")
    assert done.returncode in {0, 1}, done.stderr
    found = {peer["node"]: peer for peer in json.loads(done.stdout)}
    troubled = any(peer["state"] not in {"ok", "unprobed"} for peer in found.values())
    assert done.returncode == troubled
    return found


def ways(peer: dict[str, Any]) -> dict[str, tuple[bool, bool]]:
    """Tell of each way whether any question was answered, and any lost."""
    (family,) = peer["families"]
    return {way["way"]: (way["answered"] > 0, way["lost"] > 0) for way in family["ways"]}


def test_everybody_answers_by_every_way(lab: Lab):
    """With the time that it took."""
    found = asked(lab)
    assert {*found} == {*NAMES}
    for peer in found.values():
        assert ways(peer) == dict.fromkeys(("host", "pod", "forward", "big"), (True, False))
        trips = [trip for way in peer["families"][0]["ways"] for trip in way["round_trips"]]
        assert all(0 < trip < 1 for trip in trips)


def test_one_alone_is_asked(lab: Lab):
    """By its name or its address."""
    assert {*asked(lab, "n3")} == {"n3"}
    assert {*asked(lab, str(lab.host("n2").plan.address.ip))} == {"n2"}


def test_a_node_that_has_gone_bad_is_named_at_once(lab: Lab):
    """The first round after it, with no waiting before, says what is so; and when it is over."""
    host = lab.host("n3")
    host.namespace.run("nft", "add table ip cloud")
    host.namespace.run(
        "nft",
        "add chain ip cloud in { type filter hook prerouting priority 0; };"
        " add rule ip cloud in udp dport 9746 ip saddr 10.244.0.0/16 drop",
    )
    try:
        found = asked(lab)
        assert found["n2"]["state"] == "ok"
        assert found["n3"]["state"] == found["n3"]["families"][0]["cause"] == "path_filtered"
        assert ways(found["n3"])["host"] == (True, False)
        assert ways(found["n3"])["pod"][0] is False
    finally:
        host.namespace.run("nft", "delete table ip cloud")
    assert asked(lab, "n3")["n3"]["state"] == "ok"


def test_forwarding_is_seen_and_not_only_told(lab: Lab):
    """A node that does not forward is silent by that way alone; it says so itself, too."""
    lab.host("n2").namespace.run("sysctl", "-qw", "net.ipv4.ip_forward=0")
    try:

        def named() -> bool:
            found = asked(lab, "n2")["n2"]
            return found["state"] == "not_forwarding" and ways(found)["forward"] == (False, True)

        eventually(named, within=5)  # it reads its own sysctl once a second
    finally:
        lab.host("n2").namespace.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    eventually(lambda: asked(lab, "n2")["n2"]["state"] == "ok", within=5)


def test_a_forward_policy_of_another_node_is_named_by_what_that_node_says(lab: Lab):
    """Probes go to its own address, and never meet that chain: it looks itself, and tells."""
    host, bad = lab.host("n3"), "add chain inet mine f { policy drop; }"
    host.namespace.run(
        *("nft", "add table inet mine;"),
        "add chain inet mine f { type filter hook forward priority 0; policy accept; }",
    )
    host.stop_daemon()
    host.namespace.run("nft", bad)
    host.start_daemon()  # it looks at its start, and then once a minute
    try:

        def named() -> bool:
            found = asked(lab, "n3")["n3"]
            assert found["state"] == "not_forwarding", found
            assert "its firewall drops what it forwards" in found["reason"]
            return True

        eventually(named, within=20)
        assert not lab.host("n1").container(0).ping(host.container(0))
        assert asked(lab, "n2")["n2"]["state"] == "ok"
    finally:
        host.namespace.run("nft", "delete table inet mine")
    eventually(lambda: asked(lab, "n3")["n3"]["state"] == "ok", within=20)


def test_a_daemon_that_does_not_probe_and_one_that_is_gone(lab: Lab):
    """One sentence with the cure; and which status it is."""
    host = lab.host("n1")
    host.stop_daemon()
    away = on(lab, "n1", "peers", "--probe")
    assert (away.returncode, away.stdout) == (3, "")
    assert "Only a daemon that runs can ask" in away.stderr
    host.start_daemon("--probe=false")
    refused = on(lab, "n1", "peers", "--probe")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "--probe=true" in refused.stderr
    assert refused.stderr.count("\n") == 1
