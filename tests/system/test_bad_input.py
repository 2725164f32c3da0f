"""Bad input: wrong flags, hostile records, files that cannot be read or written."""

import json
import random
import signal
import subprocess
import sys

import pytest

from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster, flannels, neighbours
from support.waiting import eventually

pytestmark = pytest.mark.root

SOON = 5.0  # seconds
HOME = neighbours(5)


@pytest.fixture(scope="module")
def node(shared: Cluster) -> Daemon:
    """A daemon with five peers."""
    shared.populate(HOME, SubnetMin="10.77.100.0", SubnetMax="10.77.199.0")
    return shared.daemon().start()


@pytest.fixture
def steady(node: Daemon) -> Daemon:
    """The same, in the state in which a test may begin."""
    eventually(lambda: node.host.has(HOME) and node.well, within=3)
    return node


# -- settings -----------------------------------------------------------------------------------


def test_every_wrong_setting_is_named_at_once_and_nothing_is_touched(cluster: Cluster):
    """Flag, environment and file: each with its origin; status 2; no folder, key or route."""
    before = cluster.ctl.values(cluster.prefix)
    node = cluster.daemon()
    node.folder.mkdir()
    file = node.folder / "settings.toml"
    file.write_text('audit-interval = "soon"\nno-such-setting = 1\n')
    node.start(
        f"--config={file}",
        "--bogus",
        "--lease-ttl=5",
        "--iface-regex=(",
        "--public-ip=fd00::1",
        "--etcd-endpoints=ftp://example.org",
        "--http-address=:99999",
        "--kube-subnet-mgr",
        wait=False,
        environment={"HOSTGW_LOG_LEVEL": "loud", "FLANNELD_IP_MASQ": "perhaps"},
    )
    assert node.exit_status() == 2
    said = node.tail()
    for setting, origin in (
        ("bogus", "flag"),
        ("lease-ttl", "flag"),
        ("iface-regex", "flag"),
        ("public-ip", "flag"),
        ("etcd-endpoints", "flag"),
        ("http-address", "flag"),
        ("kube-subnet-mgr", "flag"),
        ("log-level", "HOSTGW_LOG_LEVEL"),
        ("ip-masq", "FLANNELD_IP_MASQ"),
        ("audit-interval", str(file)),
        ("no-such-setting", str(file)),
    ):
        lines = [line for line in said.splitlines() if setting in line and origin in line]
        assert len(lines) == 1, (setting, origin, said)
    assert "Traceback" not in said
    assert [each.name for each in sorted(node.folder.iterdir())] == ["log", "settings.toml"]
    assert cluster.ctl.values(cluster.prefix) == before


def test_files_that_are_not_there_are_named_at_once(cluster: Cluster):
    """Every file that a setting names and nobody can read; status 2."""
    node = cluster.daemon()
    node.start(
        "--etcd-cafile=/nowhere/ca.pem",
        "--etcd-certfile=/nowhere/cert.pem",
        "--etcd-keyfile=/nowhere/key.pem",
        "--etcd-username=somebody",
        "--etcd-password-file=/nowhere/password",
        wait=False,
    )
    assert node.exit_status() == 2
    for name in ("ca.pem", "cert.pem", "key.pem", "password"):
        assert f"/nowhere/{name} cannot be read: No such file or directory" in node.tail()
    assert not node.state_dir.exists()


def test_check_answers_and_touches_nothing(cluster: Cluster):
    """`--check` shows the settings with their origin; with a wrong one it fails like a start."""
    node = cluster.daemon()
    for more, right in (((), True), (("--lease-ttl=5",), False)):
        words = node.argv("--check", "--etcd-password=swordfish", "--etcd-username=u", *more)
        done = node.host.namespace.run(*words, check=False, timeout=60)
        assert (done.returncode == 2) != right
        assert "swordfish" not in done.stdout + done.stderr
        assert ("settings are right" in done.stdout) == right
    assert not node.folder.exists()
    assert cluster.leases() == {}


def test_the_version_is_told(cluster: Cluster):
    """`--version` answers at once, whatever else was given."""
    argv = [sys.executable, "-P", "-m", "hostgw_daemon", "--version", "--lease-ttl=5"]
    done = cluster.host().namespace.run(*argv, check=False, timeout=10)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("hostgwd 0.")


# -- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["state.json", "node-id"])
def test_a_torn_file_is_set_aside(shared: Cluster, steady: Daemon, name: str):
    """It is kept for a person to look at, told, and nothing is lost with it: lease, routes, id."""
    leases, identity = shared.leases(), (steady.state_dir / "node-id").read_text()
    assert steady.end(signal.SIGTERM) == 0
    whole = (steady.state_dir / name).read_bytes()
    (steady.state_dir / name).write_bytes(whole[: len(whole) // 2])
    with steady.host.route_changes() as changes:
        steady.start()
    assert changes == []
    assert (steady.state_dir / f"{name}.bad").read_bytes() == whole[: len(whole) // 2]
    assert shared.leases() == leases
    assert (steady.state_dir / "node-id").read_text() == identity
    told = [line for line in steady.lines() if line.get("condition") == "state_dir_failing"]
    assert any(f"{name}.bad" in line.get("detail", "") for line in told)
    eventually((steady.state_dir / "state.json").exists, within=SOON)


def test_folders_that_may_not_be_used_stop_no_route(cluster: Cluster):
    """State directory and subnet file forbidden: two conditions, all routes; cured, both are gone.

    The daemon runs as root without the capability to pass over file modes, as its unit has it.
    """
    for subnet, gateway in HOME.items():
        cluster.lease(subnet, gateway)
    node = cluster.daemon()
    node.state_dir.mkdir(parents=True)
    flannel = node.folder / "flannel"
    flannel.mkdir()
    node.subnet_file = flannel / "subnet.env"
    node.state_dir.chmod(0)
    flannel.chmod(0o500)
    plain = "--bounding-set=-dac_override,-dac_read_search"
    node.start(wait=False, wrapper=["setpriv", plain])
    eventually(lambda: node.host.has(HOME))
    eventually(shows(node, "state_dir_failing"))
    eventually(shows(node, "subnet_file_failing"))
    assert "Permission denied" in node.conditions["state_dir_failing"]
    assert str(flannel) in node.conditions["subnet_file_failing"]
    assert node.ready
    node.state_dir.chmod(0o755)
    flannel.chmod(0o755)
    eventually(lambda: node.well, within=5)
    assert node.subnet_file.exists()
    assert (node.state_dir / "state.json").exists()


def test_a_full_disk_stops_no_route(shared: Cluster, steady: Daemon):
    """Nothing can be written, not even the log: two conditions, new routes; then all is written."""
    before = steady.subnet_file.read_bytes()
    pid = str(steady.process.pid)
    subprocess.run(["prlimit", "--pid", pid, "--fsize=0:unlimited"], check=True)
    steady.host.ip("link", "set", "eth0", "mtu", "1400")
    eventually(shows(steady, "subnet_file_failing"), within=3)
    shared.configure(SubnetMin="10.77.100.0", SubnetMax="10.77.198.0")
    eventually(shows(steady, "state_dir_failing"), within=3)
    assert steady.subnet_file.read_bytes() == before
    shared.lease("10.77.9.0/24", "192.168.51.9")
    eventually(lambda: steady.host.has({**HOME, "10.77.9.0/24": "192.168.51.9"}), within=SOON)
    assert steady.ready
    subprocess.run(["prlimit", "--pid", pid, "--fsize=unlimited:unlimited"], check=True)
    eventually(lambda: steady.well, within=10)
    assert steady.subnet_env()["FLANNEL_MTU"] == "1400"
    shared.delete("subnets/10.77.9.0-24")
    steady.host.ip("link", "set", "eth0", "mtu", "1500")


# -- records ------------------------------------------------------------------------------------


def hostile(own: str) -> list[tuple[str, str]]:
    """Give well-formed leases that would take packets where nobody meant them to go."""
    mine = own.split(".")[2]
    return [
        *((subnet, "192.168.51.66") for subnet in ("0.0.0.0/0", "8.8.8.0/24", "10.0.0.0/8")),
        ("10.77.0.0/16", "192.168.51.66"),  # the whole network
        ("10.77.201.0/25", "192.168.51.66"),  # half of a peer's
        ("10.77.200.0/22", "192.168.51.66"),  # four peers'
        (f"10.77.{mine}.128/25", "192.168.51.66"),  # half of our own
        ("192.168.48.0/21", "192.168.51.66"),  # half of the host's own network
        ("127.0.0.0/8", "192.168.51.66"),
        ("224.0.0.0/4", "192.168.51.66"),
        ("10.77.20.0/24", "127.0.0.1"),
        ("10.77.21.0/24", "0.0.0.0"),
        ("10.77.22.0/24", "224.0.0.9"),
        ("10.77.23.0/24", "255.255.255.255"),
        ("10.77.24.0/24", "10.77.24.7"),  # behind itself
        ("10.77.25.0/24", "1.2.3"),
    ]


def garbage(chance: random.Random, count: int) -> list[tuple[bytes, bytes]]:
    """Give records of which no key is another's, all of them nonsense in key or value or both."""
    good = json.dumps(flannels("192.168.51.66")).encode()
    records = {}
    while len(records) < count:
        number = len(records)
        key, value = chance.choice(
            [
                (chance.randbytes(chance.randrange(1, 40)), good),
                (f"10.77.{number % 90}.{number // 90}-32".encode(), chance.randbytes(50)),
                (f"10.77.{number % 90}.{number // 90}-33".encode(), good),
                (f"010.77.{number % 90}.{number // 90}-32".encode(), good),
                (f"10.77.{number % 90}.0/{number}".encode(), good),
                (f"10.77.{number % 90}.{number // 90}-32".encode(), b"[" * 2000),
                (f"10.77.{number % 90}.{number // 90}-32".encode(), b""),
                (f"10.77.{number % 90}.{number // 90}-32".encode(), b'{"PublicIP": 7}'),
                (f"10.77.{number % 90}.{number // 90}-32".encode(), good[:-3]),
            ]
        )
        records[key] = value
    return list(records.items())


def test_a_thousand_bad_records_beside_five_good_ones(shared: Cluster, steady: Daemon):
    """Five routes before, during and after, also over a restart; all counted, some shown."""
    bad = [
        *garbage(random.Random(7), 1000),
        *(
            (subnet.replace("/", "-").encode(), json.dumps(flannels(gateway)).encode())
            for subnet, gateway in hostile(steady.subnet)
        ),
        (b"10.77.26.0-24", b"x" * 1_000_000),
        # Our own address: somebody else's lease, by its NodeID.
        (
            b"10.77.27.0-24",
            json.dumps(flannels(steady.host.address, NodeID="somebody", Node="else")).encode(),
        ),
    ]
    with steady.host.route_changes() as changes:
        shared.put_quickly(bad)
        eventually(lambda: steady.status["refusals"]["count"] == len(bad), within=5)
        eventually(shows(steady, "records_refused"), within=SOON)
        status = steady.status
        assert len(status["refusals"]["first"]) == 100
        assert len(steady.ask("/v1/refusals").json) == len(bad)
        assert all(len(each["detail"]) < 1000 for each in steady.ask("/v1/refusals").json)
        assert len(steady.conditions["records_refused"]) < 500
        reasons = [
            line
            for line in steady.ask("/metrics").body.splitlines()
            if line.startswith("hostgw_") and "reason=" in line and "refus" in line
        ]
        assert sum(float(line.rpartition(" ")[2]) for line in reasons) == len(bad)
        assert len(reasons) <= 16
        peers = steady.peers()
        rejected = {subnet for subnet, state in peers.items() if state == "rejected"}
        assert 0 < len(rejected) <= 100
        assert {subnet: peers[subnet] for subnet in peers.keys() - rejected} == {
            **dict.fromkeys(HOME, "ok"),
            "10.77.27.0/24": "duplicate_address",
        }
        assert steady.ready
        assert steady.end() == 0
        steady.start()
        eventually(lambda: steady.status["refusals"]["count"] == len(bad), within=5)
        assert steady.host.ours() == HOME
    assert changes == []
    shared.delete_quickly(key for key, _ in bad)
    eventually(lambda: steady.well, within=5)


def test_a_peer_that_spoils_its_record_keeps_its_route(shared: Cluster, steady: Daemon):
    """What was believed once stays so while the key is there; deleted is deleted."""
    key, subnet = "subnets/10.77.30.0-24", "10.77.30.0/24"
    shared.lease(subnet, "192.168.51.30")
    eventually(lambda: subnet in steady.host.ours(), within=SOON)
    with steady.host.route_changes() as changes:
        shared.put(key, f"{shared.prefix}/{key}")
        eventually(lambda: steady.peers()[subnet] == "rejected_kept", within=SOON)
        shared.lease(subnet, "192.168.51.30")
        eventually(lambda: steady.peers()[subnet] == "ok", within=SOON)
    assert changes == []
    shared.put(key, "nonsense")
    shared.delete(key)
    eventually(lambda: steady.host.has(HOME), within=SOON)
