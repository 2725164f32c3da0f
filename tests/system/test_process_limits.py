"""What the system does to the daemon's process: its clock, its time, its descriptors, its memory.

Whatever it is, the process lives, the routes stand, and with the cause every condition goes.
"""

import resource
import signal
import subprocess
from pathlib import Path

import pytest

from support.daemon import Daemon
from support.daemon_fixtures import Cluster, neighbours
from support.waiting import eventually

pytestmark = pytest.mark.root

SOON = 2.0  # seconds
DAY = 86_400  # seconds
HOME = neighbours(3)
FAKETIME = "/usr/$LIB/faketime/libfaketime.so.1"  # ld.so(8) knows the folder of the architecture


@pytest.fixture
def node(cluster: Cluster) -> Daemon:
    """A daemon with three peers, not started."""
    for subnet, gateway in HOME.items():
        cluster.lease(subnet, gateway)
    return cluster.daemon()


def key_of(subnet: str) -> str:
    """Give the key of a subnet's lease, below the prefix."""
    return f"subnets/{subnet.replace('/', '-')}"


def node_id(node: Daemon) -> str:
    """Give its node id, as it lies on its disk."""
    return (node.state_dir / "node-id").read_text().split("\n")[0]


def raised(node: Daemon) -> set[str]:
    """Give the conditions that its log has named."""
    return {line["condition"] for line in node.lines() if "condition" in line}


def rules(node: Daemon) -> str:
    """Give the tables of the packet filter on its host."""
    return node.host.namespace.run("nft", "list", "tables").stdout


def limit(node: Daemon, which: str) -> None:
    """Set a resource limit of the running process, as prlimit(1) spells it."""
    assert node.process is not None
    subprocess.run(["prlimit", "--pid", str(node.process.pid), f"--{which}"], check=True)


def test_a_clock_that_jumps_a_day_moves_nothing(cluster: Cluster, node: Daemon, tmp_path: Path):
    """Forward and back, and over a restart: no deadline of ours hangs on the time of day."""
    clock = tmp_path / "clock"

    def jump(seconds: int) -> None:
        new = tmp_path / "clock.new"
        new.write_text(f"{seconds:+d}\n")
        new.rename(clock)

    def change() -> str:
        """Let a peer come and go; give the day on which the daemon says that it did."""
        before = len(node.lines())
        cluster.lease("10.77.9.0/24", "192.168.51.9")
        eventually(lambda: node.host.has({**HOME, "10.77.9.0/24": "192.168.51.9"}), within=SOON)
        cluster.delete("subnets/10.77.9.0-24")
        eventually(lambda: node.host.has(HOME), within=SOON)
        said = eventually(lambda: node.lines()[before + 1 :], within=SOON)
        return str(said[0]["time"])[:10]

    jump(0)
    environment = {
        "LD_PRELOAD": FAKETIME,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
    node.start("--lease-ttl=60", environment=environment)
    key, days = cluster.key(key_of(node.subnet)), {change()}
    for seconds in (DAY, -DAY):
        with node.host.route_changes() as changes:
            jump(seconds)
            days.add(change())
            assert node.well
        assert len(changes) == 2
    assert len(days) == 3
    node.end()
    jump(DAY)
    with node.host.route_changes() as changes:
        node.start("--lease-ttl=60", environment=environment)
    assert changes == []
    assert node.well
    assert cluster.key(key_of(node.subnet)) == key


def test_no_descriptor_left(cluster: Cluster, node: Daemon):
    """Nobody is answered, nothing can be opened: said once, and the routes follow all the same.

    Also when the store goes and another way to it cannot be opened.
    """
    now = {**HOME, "10.77.9.0/24": "192.168.51.9"}
    node.start()
    limit(node, "nofile=3:4096")
    with pytest.raises(OSError, match="timed out"):
        node.ask("/v1/status")
    cluster.lease("10.77.9.0/24", "192.168.51.9")
    eventually(lambda: node.host.has(now), within=SOON)
    node.host.ip("route", "flush", "proto", "104")
    eventually(lambda: node.host.has(now), within=SOON)
    node.host.ip("link", "set", "eth0", "mtu", "1400")
    with cluster.site.etcd.paused():
        eventually(lambda: "store_unavailable" in node.tail(), within=15)
    eventually(lambda: {"subnet_file_failing", "listener_failing"} <= raised(node), within=SOON)
    assert node.running
    assert node.host.ours() == now
    limit(node, "nofile=1024:4096")
    eventually(lambda: node.well, within=15)
    assert node.subnet_env()["FLANNEL_MTU"] == "1400"
    assert len(node.lines()) < 40


def test_no_memory_left(cluster: Cluster, node: Daemon):
    """No thread can be begun, and nothing waits for one: not the routes, the rules or the files."""
    cluster.configure(SubnetMin="10.77.100.0")
    node.start("--ip-masq")
    eventually(lambda: "hostgw" in rules(node), within=SOON)
    assert node.process is not None
    pages = int(Path(f"/proc/{node.process.pid}/statm").read_text().split()[0])
    # Room for what a hundred peers are, and for no stack of a thread (8 MiB).
    limit(node, f"as={pages * resource.getpagesize() + (4 << 20)}:unlimited")
    node.host.namespace.run("nft", "delete", "table", "ip", "hostgw")
    node.host.ip("link", "set", "eth0", "mtu", "1400")
    gateways = {f"10.77.{n}.0/24": f"192.168.52.{n}" for n in range(1, 100)}
    cluster.burst(gateways.items())
    eventually(lambda: node.host.has({**HOME, **gateways}), within=5)
    eventually(lambda: "hostgw" in rules(node), within=5)
    eventually(lambda: node.subnet_env()["FLANNEL_MTU"] == "1400", within=5)
    limit(node, "as=unlimited:unlimited")
    eventually(lambda: node.well, within=15)


def test_a_frozen_process_finds_everything_made_right(cluster: Cluster, node: Daemon):
    """Longer than its leases live: the subnet is its own again, the routes are those of now."""
    node.start("--lease-ttl=60")
    subnet = node.subnet
    node.send(signal.SIGSTOP)
    for key in (key_of(subnet), f"hostgw/nodes/{node_id(node)}"):
        cluster.ctl.run("lease", "revoke", f"{cluster.key(key)['lease']:x}")
    cluster.lease("10.77.202.0/24", "192.168.51.99")
    cluster.lease("10.77.204.0/24", "192.168.51.204")
    node.host.ip("route", "flush", "proto", "104")
    node.send(signal.SIGCONT)
    now = {**HOME, "10.77.202.0/24": "192.168.51.99", "10.77.204.0/24": "192.168.51.204"}
    eventually(lambda: node.host.has(now), within=8)
    # It may be well for a moment before it has heard that its leases have gone.
    eventually(lambda: node.well and node.subnet == subnet, within=8)


def test_more_notifications_than_fit(node: Daemon):
    """A hundred thousand while it stands still: the lost ones are made up for by one look."""
    node.start()
    node.host.ip("route", "add", "198.51.100.7", "dev", "store0", "proto", "static")
    foreign = node.host.foreign()
    node.send(signal.SIGSTOP)
    churn = "route add 198.51.100.9 dev store0\nroute del 198.51.100.9 dev store0\n" * 50_000
    subprocess.run(
        ["ip", "-n", node.host.namespace.name, "-batch", "-"],
        input=churn.encode(),
        check=True,
        timeout=60,
    )
    node.host.ip("route", "flush", "proto", "104")
    node.send(signal.SIGCONT)
    eventually(lambda: node.host.has(HOME), within=SOON)
    assert node.metric('hostgw_netlink_events_total{type="overrun"}') >= 1
    eventually(lambda: node.well, within=SOON)
    assert node.host.foreign() == foreign
