"""What others see of a real daemon: files, answers, logs, its end."""

from __future__ import annotations

import http.client
import json
import re
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from support.daemon import Daemon, get, shows
from support.daemon_fixtures import Cluster
from support.waiting import eventually

pytestmark = pytest.mark.root

PEER, GATEWAY = "10.77.9.0/24", "192.168.51.9"
SOON = 5.0  # seconds
HEALTH_PORT = 18081


@pytest.fixture(scope="module")
def node(shared: Cluster) -> Daemon:
    """A daemon with one peer, as strict with files as a strict administrator's shell."""
    shared.configure(SubnetMin="10.77.100.0")
    shared.lease(PEER, GATEWAY)
    daemon = shared.daemon()
    daemon.subnet_file = daemon.folder / "run" / "flannel" / "subnet.env"
    return daemon.start(
        "--ip-masq",
        "--healthz-ip=127.0.0.1",
        f"--healthz-port={HEALTH_PORT}",
        wrapper=["sh", "-c", 'umask 077; exec "$@"', "sh"],
    )


# -- files ----------------------------------------------------------------------------------------


def test_the_subnet_file_is_flannels_to_the_byte(node: Daemon):
    """Names, order, first address, final newline; readable by all, whatever the umask."""
    gateway = node.subnet.replace(".0/24", ".1/24")
    assert node.subnet_file.read_bytes() == (
        b"FLANNEL_NETWORK=10.77.0.0/16\n"
        b"FLANNEL_SUBNET=" + gateway.encode() + b"\n"
        b"FLANNEL_MTU=1500\n"
        b"FLANNEL_IPMASQ=true\n"
    )
    assert stat.S_IMODE(node.subnet_file.stat().st_mode) == 0o644
    assert stat.S_IMODE(node.subnet_file.parent.stat().st_mode) == 0o755
    assert [each.name for each in node.subnet_file.parent.iterdir()] == ["subnet.env"]
    assert stat.S_IMODE((node.run_dir / "hostgwd.sock").stat().st_mode) == 0o660


# -- answers --------------------------------------------------------------------------------------


def test_the_socket_and_loopback_say_the_same(node: Daemon):
    """Status, lists, health and metrics, in both places."""
    for path in ("/v1/status", "/v1/routes", "/v1/peers", "/v1/leases", "/v1/config"):
        by_socket, by_tcp = node.ask(path), node.http(path)
        assert by_socket.status == by_tcp.status == 200
        assert by_socket.json == by_tcp.json
    for path in ("/livez", "/readyz", "/startupz", "/healthz"):
        assert node.ask(path) == node.http(path) == (200, "ok")
    assert node.http("/readyz?verbose").body.count("[+]") == 4
    assert node.ask("/nowhere").status == 404
    status = node.status
    assert status["claim"]["subnets"] == [node.subnet]
    assert status["node"] == node.node
    assert status["pid"] == node.process.pid
    assert status["uplink"]["interface"] == "eth0"
    assert status["routes"]["complete"] is True
    assert node.ask("/v1/routes").json == [
        {
            "prefix": PEER,
            "gateway": GATEWAY,
            "metric": node.host.metric(PEER),
            "link": status["uplink"]["index"],
            "table": 254,
            "state": "installed",
            "detail": "",
        }
    ]


def test_strangers_see_health_and_metrics_and_no_more(shared: Cluster, node: Daemon):
    """From another machine, and from this one by its address: no status, nothing secret."""
    for place in (shared.site.switch, node.host.namespace):
        for path, expected in (
            ("/livez", 200),
            ("/readyz", 200),
            ("/metrics", 200),
            ("/v1/status", 403),
            ("/v1/leases", 403),
            ("/v1/config", 403),
        ):
            with place.enter():
                connection = http.client.HTTPConnection(node.host.address, 9745, timeout=5)
                assert get(connection, path).status == expected, path


def test_flannels_health_port(node: Daemon):
    """Where flannel's probes look there is flannel's answer, and nothing else."""
    assert node.http("/healthz", port=HEALTH_PORT).status == 200
    assert node.http("/readyz", port=HEALTH_PORT).status == 200
    assert node.http("/metrics", port=HEALTH_PORT).status == 404
    assert node.http("/v1/status", port=HEALTH_PORT).status == 404


def test_the_metrics_pass_prometheus_own_check(node: Daemon):
    """`promtool check metrics` finds nothing to complain of in what a real daemon exposes."""
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=node.http("/metrics").body,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_change_is_measured_and_logged_once(shared: Cluster, node: Daemon):
    """A lease is one observation of the convergence and one line; a quiet time is none."""

    def passes() -> list[dict]:
        return [line for line in node.lines() if "pass changed the routes" in line["event"]]

    eventually(lambda: node.well)
    before, lines = node.metric("hostgw_convergence_seconds_count"), len(passes())
    for number in (21, 22, 23):
        shared.lease(f"10.77.{number}.0/24", f"192.168.51.{number}")
        eventually(lambda number=number: f"10.77.{number}.0/24" in node.host.ours(), within=SOON)
    eventually(lambda: len(passes()) == lines + 3, within=SOON)
    assert node.metric("hostgw_convergence_seconds_count") == before + 3
    assert node.metric("hostgw_convergence_seconds_sum") < 3 * SOON
    assert [line["created"] for line in passes()[-3:]] == [1, 1, 1]
    # The same value written again is a revision without a change.
    shared.lease("10.77.23.0/24", "192.168.51.23")
    shared.lease("10.77.24.0/24", "192.168.51.24")
    eventually(lambda: "10.77.24.0/24" in node.host.ours(), within=SOON)
    eventually(lambda: len(passes()) == lines + 4, within=SOON)
    shared.delete(*(f"subnets/10.77.{number}.0-24" for number in (21, 22, 23, 24)))
    eventually(lambda: node.host.has({PEER: GATEWAY}), within=SOON)
    for line in node.lines():
        assert {"time", "level", "event", "program"} <= line.keys()


def test_nothing_is_left_over_after_two_hundred_changes(shared: Cluster, node: Daemon):
    """Descriptors and threads are as many as before."""

    def used() -> tuple[int, int]:
        process = Path(f"/proc/{node.process.pid}")
        return len(list((process / "fd").iterdir())), len(list((process / "task").iterdir()))

    def churn(moves: int) -> None:
        leases = [
            (f"10.77.{21 + number % 20}.0/24", f"192.168.51.{1 + number}")
            for number in range(moves)
        ]
        shared.burst(leases)
        now = {PEER: GATEWAY, **dict(leases)}
        eventually(lambda: node.host.has(now), within=5)

    churn(20)
    before = used()
    churn(200)
    assert used()[1] <= before[1] + 1  # one more of the pool of threads that writes files
    eventually(lambda: used()[0] <= before[0], within=3)
    shared.ctl.run("del", f"{shared.prefix}/subnets/10.77.2", f"{shared.prefix}/subnets/10.77.5")
    eventually(lambda: node.host.has({PEER: GATEWAY}), within=5)


def test_a_second_daemon_in_one_namespace_is_turned_away(shared: Cluster, node: Daemon):
    """Exit status 75 and a sentence with the first one's process id; the first one goes on."""
    second = shared.daemon(node.host, node="second").start(wait=False)
    assert second.exit_status() == 75
    assert f"process {node.process.pid}" in second.tail()
    assert not second.run_dir.exists()
    assert node.well
    assert second.node not in {each["Node"] for each in shared.leases().values() if "Node" in each}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_is_quick_and_leaves_routes_lease_and_file(
    shared: Cluster, node: Daemon, number: signal.Signals
):
    """Exit status 0 within two seconds; what containers need goes on without the daemon."""
    leases, content = shared.leases(), node.subnet_file.read_bytes()
    assert node.end(number, within=5) == 0
    assert node.host.ours() == {PEER: GATEWAY}
    assert shared.leases() == leases
    assert node.subnet_file.read_bytes() == content
    assert not (node.run_dir / "hostgwd.sock").exists()
    assert "the routes stay" in node.lines()[-1]["event"]
    node.start("--ip-masq", "--healthz-ip=127.0.0.1", f"--healthz-port={HEALTH_PORT}")


def test_a_hangup_asks_for_a_look_and_ends_nothing(node: Daemon):
    """SIGHUP, as `systemctl reload` sends it: a full pass, which finds nothing to do.

    What others removed or wrote over it cannot hear of: such files are put right.
    """
    eventually(lambda: node.well)
    content = node.subnet_file.read_bytes()
    node.subnet_file.unlink()
    (node.state_dir / "state.json").write_text("{")
    before = node.status["routes"]["last_full_pass"]["ended"]
    with node.host.route_changes() as changes:
        node.send(signal.SIGHUP)
        eventually(lambda: node.status["routes"]["last_full_pass"]["ended"] > before, within=SOON)
    eventually(node.subnet_file.exists, within=SOON)
    assert node.subnet_file.read_bytes() == content
    eventually(lambda: len((node.state_dir / "state.json").read_text()) > 1, within=SOON)
    assert node.well
    assert changes == []


def test_the_log_is_lines_of_keys_and_values_as_many_as_are_asked_for(cluster: Cluster):
    """Logfmt by default; of a level that SIGUSR1 lowers and SIGUSR2 puts back."""

    def lines_after(lease: int) -> list[str]:
        cluster.lease(f"10.77.{lease}.0/24", f"192.168.51.{lease}")
        eventually(lambda: f"10.77.{lease}.0/24" in node.host.ours(), within=SOON)
        return node.log.read_text().splitlines()

    node = cluster.daemon().start("--log-format=key=value", "--log-level=warning")
    assert lines_after(11) == []
    node.send(signal.SIGUSR1)
    assert len(lines_after(12)) == 1
    node.send(signal.SIGUSR2)
    assert len(lines_after(13)) == 1
    node.send(signal.SIGUSR1)
    node.end()
    lines = node.log.read_text().splitlines()
    assert len(lines) >= 2
    for line in lines:
        assert re.fullmatch(r'time=\S+ level=info event="[^"]+"( \w+=("[^"]*"|\S*))*', line), line


def test_a_place_that_is_taken_is_a_condition_and_taken_when_it_is_free(cluster: Cluster):
    """A busy port stops nothing else, and is served as soon as it can be."""
    host = cluster.host()
    with host.namespace.enter():
        occupant = socket.create_server(("", 9745))
    node = cluster.daemon(host).start()
    eventually(shows(node, "listener_failing"))
    assert "9745" in node.conditions["listener_failing"]
    assert node.ready
    occupant.close()
    eventually(lambda: "listener_failing" not in node.conditions, within=5)
    assert node.http("/livez").status == 200


def test_json_of_health(node: Daemon):
    """Whoever asks for JSON gets the checks one by one."""
    answer = node.ask("/readyz", accept="application/json").json
    assert answer["ok"] is True
    names = [check["name"] for check in answer["checks"]]
    assert names == ["lease_held", "first_pass", "last_pass", "conditions"]
    assert json.loads(node.ask("/livez", accept="application/json").body)["question"] == "livez"
