"""`hostgwctl leases` as a process, on a real etcd, judged by etcdctl."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from support.etcd_server import EtcdCtl, EtcdServer, free_port
from support.hostgwctl import Ctl
from support.lease_entries import lease, presence
from support.waiting import eventually

NETWORK = '{"Network":"10.5.0.0/16","Backend":{"Type":"host-gw"}}'


class Cluster:
    """A few records of nodes that are not there, under a prefix."""

    def __init__(self, etcdctl: EtcdCtl, prefix: str) -> None:
        self.etcdctl = etcdctl
        self.prefix = prefix
        self.put("config", NETWORK)

    def put(self, key: str, value: str | bytes) -> None:
        """Write a key below the prefix."""
        text = value.encode() if isinstance(value, str) else value
        self.etcdctl.run("put", f"{self.prefix}/{key}", stdin=text)

    def node(self, number: int, *, alive: bool) -> None:
        """Write what a node would."""
        self.put(f"subnets/10.5.{number}.0-24", lease(number).value)
        if alive:
            self.put(f"hostgw/nodes/id{number}", presence(number).value)

    def stored(self) -> set[str]:
        """Give what is there, as etcdctl has it."""
        return {key.removeprefix(f"{self.prefix}/") for key in self.etcdctl.values(self.prefix)}


@pytest.fixture
def cluster(etcdctl: EtcdCtl, etcd_prefix: str) -> Cluster:
    """Two nodes: the first is silent, the second lives."""
    made = Cluster(etcdctl, etcd_prefix)
    made.node(1, alive=False)
    made.node(2, alive=True)
    return made


def test_the_word_alone_lists(ctl: Ctl, cluster: Cluster):
    """With options and without, as it always did."""
    listed = ctl("leases")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == [
        "SUBNET",
        "10.5.1.0/24",
        "10.5.2.0/24",
    ]
    assert ctl("leases", "list").stdout == listed.stdout
    assert [each["alive"] for each in json.loads(ctl("leases", "-o", "json").stdout)["leases"]] == [
        False,
        True,
    ]
    assert "release" in ctl("leases", "--help").stdout


def test_one_is_shown_whole(ctl: Ctl, cluster: Cluster):
    """By a node's name here; what is in no lease is refused."""
    shown = ctl("leases", "show", "n2")
    assert shown.returncode == 0
    assert "alive     yes: hostgwd 0.1.0 at 192.0.2.2, instance i2" in shown.stdout
    document = json.loads(ctl("leases", "show", "10.5.1.7", "-o", "json").stdout)
    assert [each["node"] for each in document["leases"]] == ["n1"]
    stranger = ctl("leases", "show", "n3")
    assert stranger.returncode == 1
    assert "n3 is in no lease" in stranger.stderr


def test_a_lease_is_released_only_from_a_silent_node(ctl: Ctl, cluster: Cluster):
    """The living one keeps it, and a dry run writes nothing."""
    before = cluster.stored()
    refused = ctl("leases", "release", "10.5.2.0/24")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "n2 is alive" in refused.stderr
    dry = ctl("leases", "release", "10.5.1.0/24", "--dry-run")
    assert dry.returncode == 0
    assert "1 other living node will take the route to 10.5.1.0/24" in dry.stdout
    assert cluster.stored() == before
    done = ctl("leases", "release", "10.5.1.0/24", "--reserve")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("released 10.5.1.0/24\n")
    gone, kept = "subnets/10.5.1.0-24", "hostgw/reservations/10.5.1.0-24"
    assert cluster.stored() == (before - {gone}) | {kept}
    again = ctl("leases", "release", "10.5.1.0/24")
    assert again.returncode == 1
    assert "nobody has leased 10.5.1.0/24" in again.stderr
    by_name = ctl("leases", "release", "n2")
    assert by_name.returncode == 1
    assert "n2 is a node, and has leased 10.5.2.0/24" in by_name.stderr
    forced = ctl("leases", "release", "10.5.2.0/24", "--force")
    assert forced.returncode == 0
    assert "subnets/10.5.2.0-24" not in cluster.stored()


@contextmanager
def watching(ctl: Ctl, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Follow the leases in a process, and end it as Ctrl-C does: status 0."""
    argv = ctl.argv("leases", "watch", *words)
    with subprocess.Popen(argv, env=ctl.environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            try:
                assert process.wait(10) == 0
            finally:
                process.kill()  # or leaving this block would wait for ever


def told(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Give the next event and its subnet."""
    assert process.stdout is not None
    event = json.loads(process.stdout.readline())
    return event["event"], event["lease"]["subnets"][0] if event["lease"] else ""


def test_changes_are_followed_while_the_store_goes_and_comes(
    make_etcd: Callable[..., EtcdServer], etcd_prefix: str
):
    """An outage is said, and so is its end; what changes before and after it is told."""
    server = make_etcd().start()
    witness = EtcdCtl((server.url,))
    cluster = Cluster(witness, etcd_prefix)
    with watching(Ctl(server.url, etcd_prefix), "-o", "json") as process:
        assert told(process) == ("watching", "")
        cluster.node(1, alive=False)
        assert told(process) == ("leased", "10.5.1.0/24")
        server.kill()
        assert told(process) == ("store_away", "")
        server.start()
        assert told(process) == ("store_back", "")
        witness.run("del", f"{etcd_prefix}/subnets/10.5.1.0-24")
        assert told(process) == ("gone", "10.5.1.0/24")


def test_a_person_sees_a_line_for_each(ctl: Ctl, cluster: Cluster):
    """A moment, a word, the subnet and the rest."""
    with watching(ctl) as process:
        assert process.stdout is not None
        assert "watching    2 leases from here on" in process.stdout.readline()
        cluster.node(3, alive=True)
        line = eventually(process.stdout.readline)
        assert "leased      10.5.3.0/24  n3 via 192.0.2.3" in line


def test_without_a_store_every_one_of_them_says_so(etcd_prefix: str):
    """Status 3, and where it was looked for."""
    url = f"http://127.0.0.1:{free_port()}"
    away = Ctl(url, etcd_prefix)
    for words in (["list"], ["show", "n1"], ["watch"], ["release", "10.5.1.0/24"]):
        done = away("leases", *words, "--etcd-request-timeout=1s")
        assert (done.returncode, done.stdout) == (3, ""), words
        assert f"the store at {url}" in done.stderr
