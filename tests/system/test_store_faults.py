"""A store that is away, frozen, restarted, compacted, or wants to know who asks."""

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.certificates import Authority
from support.daemon import shows
from support.daemon_fixtures import Cluster, flannels, neighbours
from support.site import STORE, InsideCtl, Site
from support.waiting import eventually

pytestmark = pytest.mark.root

SOON = 5.0  # seconds
PATIENCE = 10.0  # seconds in which a member that says nothing is left
HOME = neighbours(3)

MakeCluster = Callable[..., Cluster]


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose one etcd may be stopped, frozen and killed."""
    with Site.build(tmp_path_factory.mktemp("faulty")) as made:
        yield made


@pytest.fixture
def make_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakeCluster]:
    """Make a cluster on a site, with its network and three peers."""
    with ExitStack() as ends:

        def make(site: Site) -> Cluster:
            made = Cluster(site, tmp_path_factory.mktemp("s"), ends)
            made.populate(HOME)
            return made

        yield make


@pytest.fixture
def cluster(faulty: Site, make_cluster: MakeCluster) -> Iterator[Cluster]:
    """Make a cluster on the faulty site, whose etcd serves when the test is over."""
    yield make_cluster(faulty)
    if faulty.etcd.process is not None:
        os.kill(faulty.etcd.pid, signal.SIGCONT)
    faulty.start_etcd()


def put_lease(ctl: InsideCtl, cluster: Cluster, subnet: str, gateway: str) -> str:
    """Write a lease through one member; an AssertionError when that takes more than a second."""
    key = f"{cluster.prefix}/subnets/{subnet.replace('/', '-')}"
    value = json.dumps(flannels(gateway)).encode()
    return ctl.run("--command-timeout=1s", "put", key, stdin=value)


def test_a_start_without_a_store_waits_and_says_so(cluster: Cluster, faulty: Site):
    """Alive, not ready with the reason, and the routes of the run before are not touched.

    When the store comes, everything goes on by itself, and still no route is touched.
    """
    node = cluster.daemon().start()
    assert node.host.ours() == HOME
    subnet, leases = node.subnet, cluster.leases()
    assert node.end() == 0
    (node.state_dir / "snapshot").unlink()  # with it the node would be ready, headless
    faulty.etcd.kill()
    with node.host.route_changes() as changes:
        node.start(wait=False)
        eventually(shows(node, "store_unavailable"))
        assert node.ask("/livez").status == 200
        assert node.ask("/startupz").status == 200
        refusal = node.ask("/readyz")
        assert refusal.status == 503
        assert "store_unavailable" in refusal.body
        assert faulty.etcd.url in node.conditions["store_unavailable"]
        assert node.status["store"]["connected"] is False
        faulty.start_etcd()
        eventually(lambda: node.ready, within=5)
    assert changes == []
    assert (node.subnet, cluster.leases()) == (subnet, leases)
    eventually(lambda: node.well, within=SOON)
    # Told once, however often it was tried.
    told = [line for line in node.lines() if line.get("condition") == "store_unavailable"]
    assert [line["event"] for line in told][1:] == ["Over"]


def test_an_etcd_that_crashes_and_comes_back_changes_nothing(cluster: Cluster, faulty: Site):
    """A condition while it is away; lease and routes untouched; what changes later is followed."""
    node = cluster.daemon().start()
    subnet, key = node.subnet, f"subnets/{node.subnet.replace('/', '-')}"
    before = cluster.key(key)
    with node.host.route_changes() as changes:
        faulty.etcd.kill()
        eventually(shows(node, "store_unavailable"))
        assert node.ready
        faulty.start_etcd()
        eventually(lambda: node.well, within=5)
    assert changes == []
    assert node.subnet == subnet
    assert cluster.key(key) == before
    cluster.lease("10.77.9.0/24", "192.168.51.9")
    eventually(lambda: "10.77.9.0/24" in node.host.ours(), within=SOON)
    cluster.delete(key)
    eventually(lambda: cluster.key(key), within=5, what="the own key again")


def test_a_frozen_etcd_is_told_and_does_not_hold_up_a_stop(cluster: Cluster, faulty: Site):
    """It answers nothing and closes nothing: told within seconds; SIGTERM ends the daemon."""
    node = cluster.daemon().start()
    with faulty.etcd.paused():
        eventually(shows(node, "store_unavailable"), within=PATIENCE)
        assert node.ready
        assert node.host.ours() == HOME
        assert node.end(within=5) == 0
        assert node.host.ours() == HOME


def test_a_compaction_while_the_daemon_was_frozen(cluster: Cluster, faulty: Site):
    """Its place in the history is gone: it lists anew, and removes only what is really gone."""
    node = cluster.daemon().start()
    relists = node.status["store"]["relists"]
    gone, new = "10.77.203.0/24", "10.77.9.0/24"
    node.send(signal.SIGSTOP)
    # The stream breaks while the daemon cannot see it, and what it missed is compacted away.
    faulty.etcd.kill()
    faulty.start_etcd()
    cluster.delete(f"subnets/{gone.replace('/', '-')}")
    cluster.lease(new, "192.168.51.9")
    revision = cluster.key(f"subnets/{new.replace('/', '-')}")["mod_revision"]
    cluster.ctl.run("compaction", "--physical", str(revision))
    with node.host.route_changes() as changes:
        node.send(signal.SIGCONT)
        now = {k: v for k, v in HOME.items() if k != gone} | {new: "192.168.51.9"}
        eventually(lambda: node.host.has(now))
    eventually(lambda: node.well, within=5)
    assert len(changes) == 2
    assert all(re.match(rf"(Deleted )?({gone}|{new}) ", line) for line in changes)
    assert node.status["store"]["relists"] > relists


# -- several members ----------------------------------------------------------------------------


def test_a_frozen_member_of_three_is_left_within_seconds(tmp_path: Path, make_cluster: MakeCluster):
    """The watch goes on at another member; the routes follow, and nothing is lost in between.

    Then two of three are gone: no quorum, nothing changes, and the daemon stays ready.
    """
    with Site.build(tmp_path, members=3) as site:
        cluster = make_cluster(site)
        node = cluster.daemon().start()
        used = node.status["store"]["endpoint"]
        (frozen,) = (server for server in site.servers if server.url == used)
        others = [server for server in site.servers if server is not frozen]
        with frozen.paused():
            ctl = site.ctl_on(others[0])
            # If the leader is frozen the others need a moment for another one.
            eventually(lambda: put_lease(ctl, cluster, "10.77.9.0/24", "192.168.51.9"))
            eventually(lambda: "10.77.9.0/24" in node.host.ours(), within=PATIENCE)
            assert node.status["store"]["endpoint"] != used
            assert node.ready
        eventually(lambda: node.well, within=PATIENCE)
        for server in others:
            server.kill()
        with node.host.route_changes() as changes:
            eventually(shows(node, "store_unavailable"), within=2 * PATIENCE)
            assert node.ready
        assert changes == []
        node.kill()


# -- who asks -----------------------------------------------------------------------------------


def test_user_and_password(tmp_path: Path, make_cluster: MakeCluster):
    """A wrong password is a condition that names itself; the right one in its place is used."""
    with Site.build(tmp_path) as site:
        cluster = make_cluster(site)
        for words in (
            "user add root:swordfish",
            "user grant-role root root",
            "role add nodes",
            f"role grant-permission nodes --prefix=true readwrite {cluster.prefix}/",
            "user add hostgw:mackerel",
            "user grant-role hostgw nodes",
            "auth enable",
        ):
            site.ctl.run(*words.split())
        site.user = "root:swordfish"
        node = cluster.daemon()
        node.folder.mkdir()
        password = node.folder / "password"
        password.write_text("herring\n")
        node.start("--etcd-username=hostgw", f"--etcd-password-file={password}", wait=False)
        eventually(shows(node, "store_denied"))
        assert node.ask("/readyz").status == 503
        assert "store_denied" in node.ask("/readyz").body
        assert cluster.leases().keys() == HOME.keys()
        assert node.metric('hostgw_etcd_watch_restarts_total{reason="denied"}') >= 1
        password.write_text("mackerel\n")
        node.wait_ready(PATIENCE)
        assert node.host.ours() == HOME
        assert "store_denied" not in node.conditions
        text = node.tail() + node.ask("/v1/status").body
        assert "mackerel" not in text
        assert "herring" not in text
        node.kill()


def test_tls_with_a_client_certificate(
    tmp_path: Path, make_cluster: MakeCluster, authority: Authority
):
    """With a certificate all works; without one the store is unavailable, and says why."""
    server = authority.issue("store", sans=f"IP:{STORE},IP:127.0.0.1")
    client = authority.issue("client")
    with Site.build(tmp_path, tls=server) as site:
        cluster = make_cluster(site)
        node = cluster.daemon().start(f"--etcd-cafile={client.ca}", wait=False)
        eventually(lambda: {"store_unavailable", "store_denied"} & node.conditions.keys())
        assert node.ask("/readyz").status == 503
        assert node.end() == 0
        node.start(
            f"--etcd-cafile={client.ca}",
            f"--etcd-certfile={client.cert}",
            f"--etcd-keyfile={client.key}",
        )
        assert node.host.ours() == HOME
        assert node.status["store"]["endpoint"].startswith("https://")
        cluster.lease("10.77.9.0/24", "192.168.51.9")
        eventually(lambda: "10.77.9.0/24" in node.host.ours(), within=SOON)
        node.kill()
