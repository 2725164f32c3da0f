"""The claim, by real daemons on a real etcd: the same subnet again wherever it is still free."""

import shutil
import signal
import uuid

import pytest

from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster, flannels
from support.impatience import IMPATIENT
from support.waiting import eventually

pytestmark = pytest.mark.root

PEER = "10.77.9.0/24"
SOON = 5.0  # seconds: what "at once" means to a person who looks


def lease_id(cluster: Cluster, key: str) -> str:
    """Give the etcd lease of a key, as etcdctl takes it."""
    return f"{cluster.key(key)['lease']:x}"


def own_key(daemon: Daemon) -> str:
    """Give the daemon's lease key, without the prefix."""
    return f"subnets/{daemon.subnet.replace('/', '-')}"


def node_id(daemon: Daemon) -> str:
    """Give the id that the daemon keeps in its state directory."""
    return (daemon.state_dir / "node-id").read_text().split("\n")[0]


def presence(daemon: Daemon) -> str:
    """Give the daemon's presence key, without the prefix."""
    return f"hostgw/nodes/{node_id(daemon)}"


def expire(cluster: Cluster, key: str) -> None:
    """Do what etcd does when the time of a key's lease is over; somebody may make it anew."""
    before = cluster.key(key)
    cluster.ctl.run("lease", "revoke", f"{before['lease']:x}")
    assert cluster.key(key).get("create_revision") != before["create_revision"]


@pytest.fixture(scope="module")
def node(shared: Cluster) -> Daemon:
    """A daemon with a subnet that it would not choose if it forgot which it had."""
    shared.configure(SubnetMin="10.77.200.0", SubnetMax="10.77.203.0")
    shared.lease(PEER, "192.168.51.200")
    daemon = shared.daemon(node="kept").start()
    shared.configure(SubnetMin="10.77.1.0", SubnetMax="10.77.203.0")
    eventually(lambda: daemon.ask("/v1/config").json["ipv4"]["subnet_min"] == "10.77.1.0")
    return daemon


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_and_a_crash_write_nothing(shared: Cluster, node: Daemon, how: signal.Signals):
    """The lease's key and its etcd lease are untouched, and the routes stand all the time."""
    subnet, before = node.subnet, shared.key(own_key(node))
    routes = node.host.ours()
    with node.host.route_changes() as changes:
        assert node.end(how) == (0 if how == signal.SIGTERM else -how)
        assert node.host.ours() == routes
        node.start()
    assert changes == []
    assert node.subnet == subnet
    assert shared.key(own_key(node)) == before
    eventually(lambda: node.status["claim"]["how"] == "kept")  # ready it is before it has claimed
    assert shared.key(own_key(node)) == before


def test_another_name_is_the_same_node(shared: Cluster, node: Daemon):
    """A renamed host keeps its id and its subnet, and its lease tells the new name."""
    subnet, identity = node.subnet, node_id(node)
    for name in ("renamed", "kept"):
        node.end()
        node.start(f"--node-name={name}")
        assert (node.subnet, node_id(node)) == (subnet, identity)
        eventually(lambda: shared.leases()[subnet]["Node"] == name)  # noqa: B023 - at once


def test_a_lost_state_directory_is_no_new_node(shared: Cluster, node: Daemon):
    """With its machine-id and name the host finds its lease, and its former life gives way."""
    subnet, before, identity = node.subnet, shared.key(own_key(node)), node_id(node)
    node.end(signal.SIGKILL)
    shutil.rmtree(node.state_dir)
    node.subnet_file.unlink()
    node.start()
    assert (node.subnet, node_id(node)) == (subnet, identity)
    assert shared.key(own_key(node)) == before


@pytest.mark.parametrize("lost", ["subnet_file", "state_dir"])
def test_a_lease_that_expired_while_the_host_was_off(shared: Cluster, node: Daemon, lost: str):
    """The same subnet again: the state directory remembers it, or else the subnet file."""
    subnet, key = node.subnet, own_key(node)
    node.end()
    expire(shared, key)
    if lost == "subnet_file":
        node.subnet_file.unlink()
    else:
        shutil.rmtree(node.state_dir)
    node.start()
    assert node.subnet == subnet
    eventually(lambda: node.status["claim"]["how"] == "the same again")
    assert shared.leases()[subnet]["PublicIP"] == node.host.address
    assert "subnet_moved" not in node.conditions


def test_a_host_that_was_imaged_again_adopts_its_former_lease(shared: Cluster, node: Daemon):
    """Another machine-id is another node; at the same address it takes the dead one's subnet."""
    subnet, identity = node.subnet, node_id(node)
    node.end()
    expire(shared, presence(node))
    shutil.rmtree(node.state_dir)
    node.subnet_file.unlink()
    node.start(machine_id=uuid.uuid4().hex)
    assert node.subnet == subnet
    eventually(lambda: node.status["claim"]["how"] == "adopted from a former life")
    assert shared.leases()[subnet]["NodeID"] == node_id(node) != identity
    assert [*shared.leases()].count(subnet) == 1


@pytest.mark.parametrize("how", ["deleted", "revoked"])
def test_a_lease_lost_under_the_daemon_is_back_within_a_second(
    shared: Cluster, node: Daemon, how: str
):
    """Key deleted or etcd lease revoked: the same subnet again, no route touched, ready."""
    subnet, key, before = node.subnet, own_key(node), shared.key(own_key(node))
    routes = node.host.ours()
    with node.host.route_changes() as changes:
        if how == "deleted":
            shared.delete(key)
        else:
            shared.ctl.run("lease", "revoke", lease_id(shared, key))
        eventually(lambda: shared.key(key), within=SOON, what="the same key again")
        eventually(lambda: node.ready, within=SOON)
    assert changes == []
    again = shared.key(key)
    assert again["create_revision"] > before["create_revision"]
    assert (again["lease"] == before["lease"]) == (how == "deleted")
    assert shared.ctl("lease", "timetolive", f"{again['lease']:x}")["ttl"] > 3600
    assert (node.subnet, node.host.ours()) == (subnet, routes)
    assert node.running


def test_nonsense_over_our_own_key_is_put_right(shared: Cluster, node: Daemon):
    """What nobody can read is nobody's: the same subnet, the same key, our value in it again."""
    subnet, key, before = node.subnet, own_key(node), shared.leases()
    version = int(shared.key(key)["version"])
    # What flannel's page on reservations tells people to type, without the quotes it lacks:
    # etcdctl takes the key's name for the value.
    shared.put(key, f"{shared.prefix}/{key}")
    eventually(lambda: shared.key(key)["version"] == version + 2, within=SOON)
    eventually(lambda: node.ready and not node.conditions, within=SOON)
    assert shared.leases() == before
    assert node.subnet == subnet
    assert shared.key(key)["lease"] != 0


def test_a_key_that_somebody_else_took_is_given_up_loudly(cluster: Cluster):
    """A new subnet, told in the log, as a condition and in the subnet file; no lease is shared."""
    node = cluster.daemon().start()
    subnet = node.subnet
    cluster.put(own_key(node), flannels("192.168.51.201"))
    eventually(lambda: node.subnet not in ("", subnet), within=2, what="another subnet")
    eventually(shows(node, "subnet_moved"))
    assert subnet in node.conditions["subnet_moved"]
    assert {subnet: "192.168.51.201"} == node.host.ours()
    leases = {subnet: each["PublicIP"] for subnet, each in cluster.leases().items()}
    assert leases == {subnet: "192.168.51.201", node.subnet: node.host.address}
    gateway = node.subnet.replace(".0/24", ".1/24")
    eventually(lambda: node.subnet_env()["FLANNEL_SUBNET"] == gateway, within=5)
    warned = [line for line in node.lines() if line.get("condition") == "subnet_moved"]
    assert [line["level"] for line in warned] == ["warning"]


def test_two_copies_of_one_machine(cluster: Cluster):
    """The second is unready and says why; when the first is gone for good it takes its place."""
    machine = uuid.uuid4().hex
    first = cluster.daemon(node="copy").start(machine_id=machine)
    subnet, lease = first.subnet, cluster.leases()
    second = cluster.daemon(node="copy").start(machine_id=machine, instead=IMPATIENT, wait=False)
    eventually(shows(second, "duplicate_identity"))
    assert first.host.address in second.conditions["duplicate_identity"]
    refusal = second.ask("/readyz")
    assert refusal.status == 503
    assert "duplicate_identity" in refusal.body
    assert cluster.leases() == lease
    assert first.ready
    first.kill()
    expire(cluster, presence(first))
    second.wait_ready()
    assert second.subnet == subnet
    assert {k: v["PublicIP"] for k, v in cluster.leases().items()} == {subnet: second.host.address}


def test_two_hosts_with_one_address(cluster: Cluster):
    """The newcomer is unready and both name the other; the incumbent's work goes on."""
    first = cluster.daemon(node="first").start()
    lease, key = cluster.leases(), own_key(first)
    before = cluster.key(key)
    twin = cluster.host(address=first.host.address)
    second = cluster.daemon(twin, node="second").start(instead=IMPATIENT, wait=False)
    eventually(shows(second, "duplicate_address"))
    assert "first" in second.conditions["duplicate_address"]
    assert "duplicate_address" in second.ask("/readyz").body
    eventually(shows(first, "address_claimed"))
    assert node_id(second) in first.conditions["address_claimed"]
    assert first.ready
    assert cluster.leases() == lease
    assert cluster.key(key) == before
    assert not second.subnet_file.exists()


def test_a_full_network_and_then_a_free_subnet(cluster: Cluster):
    """The daemon waits, says so, and takes the first subnet that comes free."""
    cluster.configure(Network="10.77.0.0/22", SubnetLen=24)
    for number in (1, 2, 3):
        cluster.lease(f"10.77.{number}.0/24", f"192.168.51.20{number}")
    node = cluster.daemon().start(wait=False)
    eventually(shows(node, "subnets_exhausted"))
    refusal = node.ask("/readyz")
    assert refusal.status == 503
    assert "subnets_exhausted" in refusal.body
    assert node.ask("/livez").status == 200
    # What it can do it does: the routes to the others do not wait for a subnet of its own.
    assert len(node.host.ours()) == 3
    cluster.delete("subnets/10.77.2.0-24")
    eventually(lambda: node.ready, within=SOON)
    assert node.subnet == "10.77.2.0/24"
    assert "subnets_exhausted" not in node.conditions


def test_a_daemon_frozen_past_its_leases_gives_way_to_who_took_its_subnet(cluster: Cluster):
    """Whatever it was about to do, it writes nothing over the other's lease, and moves loudly."""
    node = cluster.daemon().start()
    subnet, key = node.subnet, own_key(node)
    node.send(signal.SIGSTOP)
    expire(cluster, presence(node))
    expire(cluster, key)
    cluster.put(key, flannels("192.168.51.201"))
    taken = cluster.key(key)
    node.send(signal.SIGCONT)
    eventually(lambda: node.subnet not in ("", subnet))
    eventually(shows(node, "subnet_moved"))
    assert cluster.key(key) == taken
    assert node.host.ours() == {subnet: "192.168.51.201"}
    eventually(lambda: cluster.key(presence(node)))
    eventually(lambda: node.ready)


def test_a_daemon_frozen_past_its_presence_alone_goes_on(cluster: Cluster):
    """Nobody took anything: the presence is announced again and the lease was never touched."""
    node = cluster.daemon().start()
    before = cluster.key(own_key(node))
    node.send(signal.SIGSTOP)
    expire(cluster, presence(node))
    node.send(signal.SIGCONT)
    eventually(lambda: cluster.key(presence(node)), within=5, what="the presence again")
    assert cluster.key(own_key(node)) == before
    eventually(lambda: node.well, within=SOON)
