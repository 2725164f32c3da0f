"""The leases of others, as a real daemon follows them: many at once, moved, and what is none."""

import json

import pytest

from support.daemon import Daemon
from support.daemon_fixtures import Cluster, flannels, neighbours
from support.waiting import eventually

pytestmark = pytest.mark.root

SOON = 5.0  # seconds
HOME = neighbours(3)


@pytest.fixture(scope="module")
def node(shared: Cluster) -> Daemon:
    """A daemon with three peers."""
    shared.populate(HOME, SubnetMin="10.77.100.0")
    return shared.daemon().start()


@pytest.fixture
def steady(node: Daemon) -> Daemon:
    """The same, in the state in which a test may begin."""
    eventually(lambda: node.host.has(HOME) and node.well, within=3)
    return node


def test_a_node_that_moves_to_another_subnet_adds_it_before_it_leaves(
    shared: Cluster, steady: Daemon
):
    """Its new key comes, then the old one goes: both routes stand between, and no other moves."""
    peer, new, gateway = "10.77.41.0/24", "10.77.99.0/24", "192.168.51.41"
    shared.lease(peer, gateway)
    eventually(lambda: steady.host.has({**HOME, peer: gateway}), within=SOON)
    with steady.host.route_changes() as changes:
        shared.lease(new, gateway)
        both = dict.fromkeys((peer, new), gateway)
        eventually(lambda: steady.host.has({**HOME, **both}), within=SOON)
        shared.delete(f"subnets/{peer.replace('/', '-')}")
        del both[peer]
        eventually(lambda: steady.host.has({**HOME, **both}), within=SOON)
    assert [line.split()[:2] for line in changes] == [[new, "via"], ["Deleted", peer]]
    shared.delete(f"subnets/{new.replace('/', '-')}")


def test_many_leases_in_one_transaction(shared: Cluster, steady: Daemon):
    """Each of 120 keys of one revision becomes a route, and each is gone with its key."""
    many = {f"10.77.0.{4 * number}/30": f"192.168.51.{number + 1}" for number in range(60)}
    many |= {f"10.77.1.{4 * number}/30": f"192.168.51.{number + 1}" for number in range(60)}
    keys = {
        f"{shared.prefix}/subnets/{subnet.replace('/', '-')}": json.dumps(flannels(gateway))
        for subnet, gateway in many.items()
    }
    shared.ctl.put_all(keys)
    eventually(lambda: steady.host.has({**HOME, **many}), within=5)
    for third in ("10.77.0.", "10.77.1."):
        shared.ctl.run("del", "--prefix", f"{shared.prefix}/subnets/{third}")
    eventually(lambda: steady.host.has(HOME), within=5)
    assert set(shared.leases()) == {*HOME, steady.subnet}


def test_keys_beside_the_prefix_are_nobodys_leases(shared: Cluster, steady: Daemon):
    """A prefix that begins with ours, and another cluster's, mean nothing here."""
    value = json.dumps(flannels("192.168.51.90"))
    beside = [
        f"{shared.prefix}/subnets-backup/10.77.7.0-24",
        f"{shared.prefix}/subnets10.77.7.0-24",
        f"{shared.prefix}-b/subnets/10.77.7.0-24",
        f"{shared.prefix}/hostgw/elsewhere/10.77.7.0-24",
    ]
    with steady.host.route_changes() as changes:
        for key in beside:
            shared.ctl.run("put", key, stdin=value.encode())
        # The daemon has seen all that came before this one.
        shared.lease("10.77.8.0/24", "192.168.51.91")
        eventually(lambda: "10.77.8.0/24" in steady.host.ours(), within=SOON)
        shared.delete("subnets/10.77.8.0-24")
        eventually(lambda: steady.host.has(HOME), within=SOON)
    for key in beside:
        shared.ctl.run("del", key)
    assert len(changes) == 2
    assert steady.status["refusals"]["count"] == 0
