"""A node of several networks that leaves: each by itself, the host when all are left."""

from __future__ import annotations

import pytest

from support.daemon_fixtures import Cluster
from support.hostgwctl import hostgwctl
from support.networks_fixtures import Three, blue_env, leases, routed
from support.waiting import eventually

pytestmark = pytest.mark.root


def test_all_networks_are_left_and_both_come_back(twofold: Cluster, three: Three):
    """Nobody is waited for in a network that he is no member of; both files are gone, and back."""
    leaving = three.one
    before = leases(twofold), leases(twofold, "/blue")
    done = hostgwctl(leaving, "drain")
    assert (done.returncode, done.stderr) == (0, "")
    said = done.stdout.splitlines()
    assert "blue: 1 of 1 nodes have let go" in said
    assert any(line.endswith("2 of 2 nodes have let go") for line in said)
    assert leaving.host.address not in {*leases(twofold).values()}
    assert leaving.host.address not in {*leases(twofold, "/blue").values()}
    assert leaving.host.ours() == {}
    assert not leaving.subnet_file.exists()
    assert not (leaving.subnet_file.parent / "networks" / "blue.env").exists()
    assert hostgwctl(leaving, "resume").returncode == 0
    eventually(lambda: routed(leaving, three))
    eventually(lambda: blue_env(leaving)["FLANNEL_NETWORK"] == "10.78.0.0/16")
    eventually(lambda: (leases(twofold), leases(twofold, "/blue")) == before)
    eventually(leaving.subnet_file.exists)
