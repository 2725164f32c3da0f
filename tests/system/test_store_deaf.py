"""A watch that goes deaf: streams that break, and streams that do not though nothing comes."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from support.daemon import Daemon, shows
from support.daemon_fixtures import Cluster, neighbours
from support.site import STORE, Site
from support.waiting import eventually

pytestmark = pytest.mark.root

PATIENCE = 10.0  # seconds in which a member that says nothing is left
HOME = neighbours(3)
GONE, NEW = "10.77.203.0/24", {"10.77.9.0/24": "192.168.51.9"}
LATER = {k: v for k, v in HOME.items() if k != GONE} | NEW


@contextmanager
def clusters(folder: Path, *, members: int = 1) -> Iterator[Cluster]:
    """Make a cluster with three peers, on an etcd of its own."""
    with Site.build(folder, members=members) as site, ExitStack() as ends:
        made = Cluster(site, folder, ends)
        made.populate(HOME)
        yield made


@contextmanager
def cut(node: Daemon, *chains: str) -> Iterator[None]:
    """Let these nftables chains stand on a node for a while."""
    table = "".join(f"chain {chain};" for chain in chains)
    node.host.namespace.run("nft", f"table ip cut {{ {table} }}")
    try:
        yield
    finally:
        node.host.namespace.run("nft", "delete table ip cut")


def of(hook: str, rule: str) -> str:
    """Give a chain that does this to each packet from or to the store."""
    end = {"output": "daddr", "input": "saddr"}[hook]
    return f"{hook} {{ type filter hook {hook} priority -10; ip {end} {STORE} {rule}; }}"


def change(cluster: Cluster) -> None:
    """Let one peer come and one go."""
    for subnet, gateway in NEW.items():
        cluster.lease(subnet, gateway)
    cluster.delete(f"subnets/{GONE.replace('/', '-')}")


def only_the_changed(changes: list[str]) -> bool:
    """Tell whether nothing but the route that came and the one that went was ever touched."""
    (new,) = NEW
    return len(changes) == 2 and all(re.match(rf"{new} |Deleted {GONE} ", line) for line in changes)


def made_up_for(node: Daemon) -> bool:
    """Tell whether everything that was missed is there, with nothing wrong any more."""
    return node.host.has(LATER) and node.well


def test_a_half_open_connection_is_left_and_what_it_hid_is_made_up_for(tmp_path: Path):
    """Nothing comes through and nothing breaks: said within seconds, with every route kept.

    The watch is resumed where it was, without a new list.
    """
    with clusters(tmp_path) as cluster:
        node = cluster.daemon().start()
        relists = node.status["store"]["relists"]
        with node.host.route_changes() as changes:
            with cut(node, of("output", "drop"), of("input", "drop")):
                change(cluster)
                eventually(shows(node, "store_unavailable"), within=PATIENCE)
                assert node.host.ours() == HOME
                assert node.ready
            eventually(lambda: made_up_for(node), within=PATIENCE)
        assert only_the_changed(changes), changes
        assert node.status["store"]["relists"] == relists
        node.kill()


def test_streams_that_are_reset_again_and_again_miss_nothing(tmp_path: Path):
    """Whatever we send is answered by a reset, for a while, three times: resumed, never listed."""
    reset = of("output", "meta l4proto tcp reject with tcp reset")
    with clusters(tmp_path) as cluster:
        node = cluster.daemon().start()
        relists = node.status["store"]["relists"]
        for number in range(3):
            with cut(node, reset):
                eventually(shows(node, "store_unavailable"), within=PATIENCE)
                cluster.lease(f"10.77.1{number}.0/24", f"192.168.51.{number + 1}")
                assert node.host.ours().keys() >= HOME.keys()
            eventually(lambda: f"10.77.1{number}.0/24" in node.host.ours(), within=PATIENCE)  # noqa: B023 - awaited within the round
            eventually(lambda: node.well, within=PATIENCE)
        assert len(node.host.ours()) == len(HOME) + 3
        assert node.status["store"]["relists"] == relists
        node.kill()


def test_a_member_without_a_leader_is_not_listened_to(tmp_path: Path):
    """It lives, answers for itself and tells nothing: its watch ends, and is resumed later on."""
    with clusters(tmp_path, members=3) as cluster, ExitStack() as thawed:
        site = cluster.site
        node = cluster.daemon().start()
        used = node.status["store"]["endpoint"]
        others = [server for server in site.servers if server.url != used]
        relists = node.status["store"]["relists"]
        with node.host.route_changes() as changes:
            for server in others:
                thawed.enter_context(server.paused())
            eventually(shows(node, "store_unavailable"), within=PATIENCE)
            restarts = node.metric('hostgw_etcd_watch_restarts_total{reason="unavailable"}')
            assert restarts >= 1
            assert node.host.ours() == HOME
            assert node.ready
            for server in others:
                os.kill(server.pid, signal.SIGCONT)
            eventually(lambda: change(cluster) is None, within=PATIENCE)
            eventually(lambda: made_up_for(node), within=2 * PATIENCE)
        assert only_the_changed(changes), changes
        assert node.status["store"]["relists"] == relists
        node.kill()
