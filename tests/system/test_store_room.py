"""An etcd that is full, or that nobody compacts: told with its cure, and no route is touched."""

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster, flannels, neighbours
from support.impatience import WATCHFUL
from support.site import Site
from support.waiting import eventually

pytestmark = pytest.mark.root

QUOTA = 4 << 20  # bytes
VALUE = b"x" * 200_000
HOME = neighbours(3)


@pytest.fixture
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Make a cluster with three peers on an etcd that holds four megabytes."""
    folder = tmp_path_factory.mktemp("small")
    quota = ("--quota-backend-bytes", str(QUOTA))
    with Site.build(folder, arguments=quota) as site, ExitStack() as ends:
        made = Cluster(site, folder, ends)
        made.populate(HOME)
        yield made


def start(cluster: Cluster, *, wait: bool = True) -> Daemon:
    """Start a daemon that looks at the store's upkeep often."""
    return cluster.daemon().start("--lease-ttl=60s", instead=WATCHFUL, wait=wait)


def fill(cluster: Cluster) -> None:
    """Write one large key over and over until etcd refuses it: its history fills the store."""
    for _ in range(2 * QUOTA // len(VALUE)):
        try:
            cluster.ctl.run("put", "/somebody/else", stdin=VALUE)
        except AssertionError as error:
            if "database space exceeded" in str(error):
                return
            raise
    raise AssertionError("etcd was never full")


def cure(cluster: Cluster) -> None:
    """Do what the condition says."""
    revision = cluster.ctl("get", "/")["header"]["revision"]
    cluster.ctl.run("compact", str(revision))
    cluster.ctl.run("defrag")
    cluster.ctl.run("alarm", "disarm")


def test_a_full_etcd_is_a_condition_and_changes_no_route(small: Cluster):
    """Leases are renewed, routes stay, who is new waits and says why; cured, all goes on."""
    node = start(small)
    subnet, key = node.subnet, f"subnets/{node.subnet.replace('/', '-')}"
    before = small.key(key)
    renewed = node.metric('hostgw_lease_renewals_total{result="ok"}')
    with node.host.route_changes() as changes:
        fill(small)
        eventually(shows(node, "store_full"))
        assert "NOSPACE is raised" in node.conditions["store_full"]
        assert node.ready
        late = start(small, wait=False)
        eventually(shows(late, "store_full"))
        eventually(lambda: late.metric('hostgw_etcd_requests_total{op="grant",result="full"}') > 0)
        assert late.ask("/readyz").status == 503
        eventually(lambda: late.host.has(HOME | {subnet: node.host.address}))
        eventually(
            lambda: node.metric('hostgw_lease_renewals_total{result="ok"}') > renewed, within=30
        )
        assert small.key(key) == before
        small.delete("subnets/10.77.203.0-24")  # that needs no room, and is followed
        eventually(lambda: "10.77.203.0/24" not in node.host.ours())
        cure(small)
        eventually(lambda: node.well, within=5)
        late.wait_ready()
        eventually(lambda: late.subnet in node.host.ours())
    assert {line.removeprefix("Deleted ").split()[0] for line in changes} == {
        "10.77.203.0/24",
        late.subnet,
    }
    eventually(lambda: late.well)
    assert (node.subnet, small.key(key)) == (subnet, before)


def test_a_node_that_starts_on_a_full_etcd_has_the_subnet_that_is_its_own(small: Cluster):
    """It can write nothing, not even that it is here; its lease stands, and it is ready."""
    node = start(small)
    subnet = node.subnet
    assert node.end() == 0
    fill(small)
    node.start("--lease-ttl=60s", instead=WATCHFUL)
    eventually(shows(node, "store_full"))
    assert node.ready
    assert (node.subnet, node.status["claim"]["phase"]) == (subnet, "claiming")
    cure(small)
    eventually(lambda: node.status["claim"]["held"])
    assert node.subnet == subnet


def test_an_etcd_that_nobody_compacts_is_a_condition(small: Cluster):
    """Its history is long and can all be read: told, with the revision, until it is compacted."""
    node = start(small)
    value = json.dumps(flannels("192.168.51.9")).encode()
    small.put_quickly((b"10.77.9.0-24", value) for _ in range(250))
    eventually(shows(node, "store_grows"))
    assert "revisions are kept that nobody has compacted" in node.conditions["store_grows"]
    assert node.metric("hostgw_etcd_kept_revisions") > 200
    assert node.metric('hostgw_etcd_db_bytes{part="allocated"}') > 0
    assert node.ready
    revision = small.ctl("get", "/")["header"]["revision"]
    small.ctl.run("compact", str(revision))
    eventually(lambda: node.well)
    assert node.metric("hostgw_etcd_kept_revisions") == 0
