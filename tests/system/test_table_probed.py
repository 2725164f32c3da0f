"""Probes where the routes are in a table of their own: what they cannot see they say nothing of."""

from __future__ import annotations

import json

import pytest

from hostgw_cli.lab.build import Lab
from support.lab_fixtures import MakeLab
from support.waiting import eventually

pytestmark = pytest.mark.root

NODES = ("n1", "n2")
FORWARDED = ("iif", "cni0", "lookup", "100")
EVERY = ("to", "10.244.0.0/16", "lookup", "100")


def verdicts(lab: Lab) -> set[tuple[str, bool]]:
    """Give what the nodes say of each other, and whether a rule is thought of."""
    found = set()
    for name in NODES:
        status, body = lab.host(name).http("/v1/peers")
        assert status == 200, body
        found |= {(peer["state"], "ip rule" in peer["reason"]) for peer in json.loads(body)}
    return found


def test_rules_that_know_pods_by_their_link_raise_no_false_alarm(make_lab: MakeLab):
    """Pods reach each other and this host's own packets do not go there: so nobody can tell."""
    lab = make_lab(nodes=2, containers=1, daemon_args=("--route-table=100",))
    one, two = (lab.host(name).container(0) for name in NODES)
    assert not one.ping(two)
    for name in NODES:
        lab.host(name).ip("rule", "add", *FORWARDED)
    eventually(lambda: one.ping(two), within=10)
    eventually(lambda: verdicts(lab) == {("unprobed", True)}, within=10)
    for name in NODES:
        lab.host(name).ip("rule", "add", *EVERY)
    eventually(lambda: verdicts(lab) == {("ok", False)}, within=10)
    for name in NODES:
        lab.host(name).ip("rule", "del", *EVERY)
    eventually(lambda: verdicts(lab) == {("unprobed", True)}, within=10)
