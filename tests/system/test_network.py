"""The network's configuration: waited for, followed while it fits, and never a reason to end."""

import json

import pytest

from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster
from support.waiting import eventually

pytestmark = pytest.mark.root

PEER, GATEWAY = "10.77.9.0/24", "192.168.51.200"
SOON = 5.0  # seconds


def network(daemon: Daemon) -> str:
    """Give the network that is in force."""
    return daemon.ask("/v1/config").json["ipv4"]["network"]


def reconfigure(cluster: Cluster, daemon: Daemon, **changes: object) -> None:
    """Write a configuration and wait until it is in force and nothing is amiss."""
    cluster.configure(**changes)
    revision = cluster.key("config")["mod_revision"]
    eventually(lambda: daemon.ask("/v1/config").json["revision"] == revision, within=SOON)


@pytest.fixture(scope="module")
def node(shared: Cluster) -> Daemon:
    """A daemon that masquerades, with one peer, in the upper half of its network."""
    shared.configure(Network="10.77.0.0/17", SubnetMin="10.77.64.0")
    shared.lease(PEER, GATEWAY)
    daemon = shared.daemon().start("--ip-masq")
    eventually(lambda: daemon.host.ours() == {PEER: GATEWAY})
    return daemon


@pytest.fixture
def steady(shared: Cluster, node: Daemon) -> Daemon:
    """The same, in the state in which a test may begin, and in which it leaves it."""
    reconfigure(shared, node, Network="10.77.0.0/17", SubnetMin="10.77.64.0")
    eventually(lambda: node.ready and not node.conditions)
    eventually(lambda: node.subnet_env()["FLANNEL_NETWORK"] == "10.77.0.0/17")
    return node


def test_no_configuration_yet_is_waited_for(cluster: Cluster):
    """Alive, not ready, and it says what is missing; as soon as it is there all goes its way."""
    cluster.delete("config")
    cluster.lease(PEER, GATEWAY)
    node = cluster.daemon().start(wait=False)
    eventually(shows(node, "no_config"))
    refusal = node.ask("/readyz")
    assert refusal.status == 503
    assert "no_config" in refusal.body
    assert f"{cluster.prefix}/config" in node.conditions["no_config"]
    assert node.ask("/livez").status == 200
    assert node.ask("/startupz").status == 200
    assert node.host.ours() == {}
    assert not node.subnet_file.exists()
    cluster.configure()
    eventually(lambda: node.ready, within=SOON)
    assert node.conditions == {}
    assert node.host.ours() == {PEER: GATEWAY}
    eventually(lambda: node.subnet_env()["FLANNEL_NETWORK"] == "10.77.0.0/16", within=SOON)


def test_a_wider_network_is_applied_live(shared: Cluster, steady: Daemon):
    """Subnet file and masquerade follow; the lease and the routes are not touched."""
    subnet, key = steady.subnet, f"subnets/{steady.subnet.replace('/', '-')}"
    before = shared.key(key)
    with steady.host.route_changes() as changes:
        reconfigure(shared, steady, Network="10.77.0.0/16", SubnetMin="10.77.64.0")
        eventually(lambda: steady.subnet_env()["FLANNEL_NETWORK"] == "10.77.0.0/16", within=SOON)
        rules = steady.host.namespace.run
        eventually(lambda: "10.77.0.0/16" in rules("nft", "list", "ruleset").stdout, within=5)
        assert "10.77.0.0/17" not in rules("nft", "list", "ruleset").stdout
        # A lease that was outside the old network and is inside the new one.
        shared.lease("10.77.200.0/24", "192.168.51.201")
        eventually(lambda: "10.77.200.0/24" in steady.host.ours(), within=SOON)
        shared.delete("subnets/10.77.200.0-24")
        eventually(lambda: "10.77.200.0/24" not in steady.host.ours(), within=SOON)
    assert [line for line in changes if "10.77.200.0" not in line] == []
    assert steady.subnet == subnet
    assert shared.key(key) == before


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("deleted", "there is no network configuration"),
        ("{not json", "JSON"),
        ('{"Network": "10.77.0.0/17", "Backend": {"Type": "vxlan"}}', "vxlan"),
        ('{"Network": "10.77.0.0/33", "Backend": {"Type": "host-gw"}}', "10.77.0.0/33"),
        ('{"Network": "224.0.0.0/8", "Backend": {"Type": "host-gw"}}', "224.0.0.0"),
    ],
)
def test_a_configuration_that_cannot_be_used_leaves_the_last_good_one(
    shared: Cluster, steady: Daemon, spoil: str, said: str
):
    """A condition names what is wrong; ready, held, routed, and new peers still get routes."""
    subnet = steady.subnet
    if spoil == "deleted":
        shared.delete("config")
    else:
        shared.put("config", spoil)
    eventually(shows(steady, "bad_config"), within=SOON)
    assert said in steady.conditions["bad_config"]
    assert steady.ready
    assert (steady.subnet, network(steady)) == (subnet, "10.77.0.0/17")
    assert steady.subnet_env()["FLANNEL_NETWORK"] == "10.77.0.0/17"
    shared.lease("10.77.10.0/24", "192.168.51.201")
    eventually(
        lambda: steady.host.ours() == {PEER: GATEWAY, "10.77.10.0/24": "192.168.51.201"},
        within=SOON,
    )
    shared.delete("subnets/10.77.10.0-24")
    eventually(lambda: steady.host.ours() == {PEER: GATEWAY}, within=SOON)
    shared.configure(Network="10.77.0.0/17", SubnetMin="10.77.64.0")
    eventually(lambda: not steady.conditions, within=SOON)


@pytest.mark.parametrize(
    "change", [{"Network": "10.88.0.0/16", "SubnetMin": None}, {"SubnetLen": 25}]
)
def test_a_network_without_our_subnet_is_a_condition(
    shared: Cluster, steady: Daemon, change: dict[str, object]
):
    """The daemon keeps its subnet and all its routes, and says that the two do not agree."""
    subnet = steady.subnet
    leases = shared.leases()
    with steady.host.route_changes() as changes:
        shared.configure(**{"Network": "10.77.0.0/17", "SubnetMin": "10.77.64.0", **change})
        eventually(shows(steady, "outside_config"), within=SOON)
        assert subnet in steady.conditions["outside_config"]
        assert steady.running
        assert steady.subnet == subnet
        assert shared.leases() == leases
        if "Network" in change:
            assert steady.peers() == {PEER: "outside_config"}
        assert steady.subnet_env()["FLANNEL_SUBNET"] == subnet.replace(".0/", ".1/")
        reconfigure(shared, steady, Network="10.77.0.0/17", SubnetMin="10.77.64.0")
        eventually(lambda: "outside_config" not in steady.conditions, within=SOON)
        assert steady.peers() == {PEER: "ok"}
    assert changes == []


def test_a_wiped_prefix_ends_nobody(shared: Cluster, steady: Daemon):
    """Without configuration and leases the daemon lives and says so; then it has its subnet again.

    Nobody can hold a subnet of a network that is not there: the lease is lost until it is.
    """
    subnet = steady.subnet
    shared.ctl.run("del", "--prefix", f"{shared.prefix}/")
    eventually(lambda: not steady.ready, within=SOON)
    assert steady.ask("/livez").status == 200
    assert steady.running
    eventually(lambda: {"bad_config", "no_config"} <= steady.conditions.keys(), within=SOON)
    assert not steady.status["claim"]["held"]
    shared.configure(Network="10.77.0.0/17", SubnetMin="10.77.64.0")
    shared.lease(PEER, GATEWAY)
    eventually(lambda: steady.ready, within=SOON)
    assert steady.subnet == subnet
    assert shared.leases()[subnet]["PublicIP"] == steady.host.address
    eventually(lambda: steady.host.ours() == {PEER: GATEWAY}, within=SOON)


def test_a_start_with_an_unusable_configuration_touches_no_route(shared: Cluster, steady: Daemon):
    """The network of the former run stays in force, and with it the lease and the routes."""
    subnet, routes = steady.subnet, steady.host.ours()
    steady.end()
    shared.put("config", json.dumps({"Network": "10.77.0.0/17", "Backend": {"Type": "vxlan"}}))
    with steady.host.route_changes() as changes:
        steady.start("--ip-masq")
        eventually(shows(steady, "bad_config"))
        assert "vxlan" in steady.conditions["bad_config"]
        assert steady.host.ours() == routes
        shared.configure(Network="10.77.0.0/17", SubnetMin="10.77.64.0")
        eventually(lambda: steady.well, within=SOON)
    assert changes == []
    assert steady.subnet == subnet


def test_a_network_learnt_just_before_a_stop_is_the_one_after_it(shared: Cluster, steady: Daemon):
    """The snapshot on the disk is as new as the daemon's end, however much was still gathered."""
    reconfigure(shared, steady, Network="10.77.0.0/18", SubnetMin="10.77.0.0")
    reconfigure(shared, steady, Network="10.77.0.0/16", SubnetMin="10.77.64.0")
    steady.end()
    shared.put("config", "{not json")
    steady.start("--ip-masq")
    eventually(shows(steady, "bad_config"))
    assert network(steady) == "10.77.0.0/16"
    assert steady.host.ours() == {PEER: GATEWAY}
