"""What real daemons write to a real etcd: its revision counts it, whatever happens around them."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest

from support.daemon import Daemon
from support.daemon_fixtures import Cluster
from support.site import GATEWAY, Site
from support.waiting import eventually

pytestmark = pytest.mark.root

START = 3  # writes: a presence, a lease, and the presence that names it
RESTART = 3  # writes: the former presence deposed, a presence, and the one that names the lease
WRITES = 'hostgw_etcd_requests_total{op="commit",result="ok"}'


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Make a cluster on an etcd of its own, into which nobody else writes."""
    folder = tmp_path_factory.mktemp("counted")
    with Site.build(folder) as site, ExitStack() as ends:
        made = Cluster(site, folder, ends)
        made.configure()
        yield made


def revision(cluster: Cluster) -> int:
    """Give the store's revision, as etcdctl sees it."""
    return int(cluster.ctl("get", "/")["header"]["revision"])


def written(nodes: Sequence[Daemon]) -> float:
    """Give how often the daemons say that they have written."""
    return sum(node.metric(WRITES) for node in nodes)


def all_well(nodes: Sequence[Daemon]) -> bool:
    """Tell whether every daemon is ready, without a condition, and routes to the two others."""
    for node in nodes:
        gateways = {other.subnet: other.host.address for other in nodes if other is not node}
        assert gateways.items() <= node.host.ours().items()
        assert node.well
    return True


def test_only_a_start_writes(cluster: Cluster):
    """Three a node; restarts of etcd, links that flap and peers: none; three at a restart."""
    before = revision(cluster)
    nodes = [cluster.daemon().start(wait=False) for _ in range(3)]
    for node in nodes:
        node.wait_ready()
    eventually(lambda: all_well(nodes))
    assert written(nodes) == START * len(nodes) == revision(cluster) - before
    before, theirs = revision(cluster), 0
    for turn, node in enumerate(nodes):
        cluster.site.etcd.kill()
        cluster.site.start_etcd()
        node.host.ip("link", "set", "eth0", "down")
        node.host.ip("link", "set", "eth0", "up")
        node.host.ip("route", "add", "default", "via", GATEWAY, "dev", "eth0")
        peer = f"10.77.{201 + turn}.0"
        cluster.lease(f"{peer}/24", f"192.168.51.{turn + 1}")
        eventually(lambda: all(f"{peer}/24" in each.host.ours() for each in nodes))  # noqa: B023 - awaited within the round
        if turn:
            cluster.delete(f"subnets/{peer}-24")
        theirs += 1 + bool(turn)
        eventually(lambda: all_well(nodes))
    assert revision(cluster) - before == theirs
    assert written(nodes) == START * len(nodes)
    before, (node, *_) = revision(cluster), nodes
    assert node.end() == 0
    node.start()
    eventually(lambda: all_well(nodes))
    # It is ready by the lease that it remembers, before it has written anything.
    eventually(lambda: node.metric(WRITES) >= RESTART)
    assert node.metric(WRITES) == revision(cluster) - before == RESTART
