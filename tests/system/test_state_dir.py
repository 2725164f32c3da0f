"""A state directory that is spoilt, full or read-only: a condition, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from support.daemon import Daemon, shows
from support.frail_fixtures import LEASED, PATIENT, Frail, remembers, settled
from support.waiting import eventually

pytestmark = pytest.mark.root

MORE = {"10.77.8.0/24": "192.168.51.8"}
WHEN_ROOM = 40.0  # seconds: a write that failed is tried again after half a minute at most


def cut(content: bytes) -> bytes:
    """Lose the last page, as a disk does that was switched off."""
    return content[: len(content) - 100]


def flip(content: bytes) -> bytes:
    """Spoil one bit in the middle."""
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def of_another_version(content: bytes) -> bytes:
    """Be what a later program wrote."""
    return content.replace(b"hostgw-snapshot 1", b"hostgw-snapshot 2", 1)


@pytest.mark.parametrize("spoil", [cut, flip, of_another_version, lambda _: b""])
def test_a_spoilt_snapshot_is_set_aside_and_the_start_is_a_normal_one(
    frail: Frail, spoil: Callable[[bytes], bytes]
):
    """It is named with the reason, kept for a person, and written anew; no route is touched."""
    node = frail.daemon().start()
    settled(node, 4)
    assert node.end() == 0
    path = node.state_dir / "snapshot"
    path.write_bytes(spoil(path.read_bytes()))
    with node.host.route_changes() as changes:
        node.start()
        eventually(lambda: node.well)
        eventually(lambda: remembers(node, 4))
    assert changes == []
    assert (node.state_dir / "snapshot.bad").exists()
    assert any("snapshot.bad" in detail for detail in told(node))


def told(node: Daemon) -> list[str]:
    """Give what the daemon has logged of its state directory."""
    lines = node.lines()
    return [
        each["detail"]
        for each in lines
        if each.get("condition") == "state_dir_failing" and "detail" in each
    ]


def test_a_snapshot_of_another_node_is_set_aside(frail: Frail):
    """A disk that was copied tells of another node's own lease."""
    one, two = frail.daemon().start(), frail.daemon().start()
    settled(one, 5)
    settled(two, 5)
    assert (one.end(), two.end()) == (0, 0)
    shutil.copy(two.state_dir / "snapshot", one.state_dir / "snapshot")
    one.start()
    eventually(lambda: one.well)
    assert "it was written by the node" in told(one)[-1]
    assert (one.state_dir / "snapshot.bad").exists()


def test_without_a_store_a_spoilt_snapshot_is_no_memory(frail: Frail):
    """Nothing is half used: no route comes, none goes, and the daemon waits for the store."""
    node = frail.daemon().start()
    settled(node, 4)
    assert node.end() == 0
    frail.lose_store()
    path = node.state_dir / "snapshot"
    path.write_bytes(cut(path.read_bytes()))
    node.host.ip("route", "del", "10.77.1.0/24", "proto", "104")
    with node.host.route_changes() as changes:
        node.start(wait=False)
        eventually(shows(node, "store_unavailable"))
        assert "headless" not in node.conditions
        assert "snapshot.bad" in node.conditions["state_dir_failing"]
        assert not node.ready
    assert changes == []
    frail.bring_store_back()
    eventually(lambda: node.well, within=20)
    assert node.host.ours() == LEASED


def test_a_disk_that_is_full_is_a_condition_and_nothing_else(frail: Frail):
    """Routes come and go as ever; when there is room again, all is written by itself."""
    node = frail.daemon()
    node.state_dir.mkdir(parents=True)
    script = f'mount -t tmpfs -o size=64k none {node.state_dir} && exec "$@"'
    node.start(wrapper=("unshare", "--mount", "sh", "-c", script, "sh"))
    eventually(lambda: node.well)
    inside = within(node)
    eventually((inside / "snapshot").exists)
    fill(inside / "filler")
    frail.lease_all(MORE)
    eventually(lambda: node.host.has({**LEASED, **MORE}))
    eventually(shows(node, "state_dir_failing"))
    assert "No space left on device" in node.conditions["state_dir_failing"]
    assert list(node.conditions) == ["state_dir_failing"]
    assert node.ready
    frail.delete("subnets/10.77.8.0-24")
    eventually(lambda: node.host.has(LEASED))
    assert b"10.77.8.0" not in (inside / "snapshot").read_bytes()
    (inside / "filler").unlink()
    eventually(lambda: node.well, within=WHEN_ROOM)


def test_a_read_only_disk_is_a_condition_and_nothing_else(frail: Frail):
    """Also from the start on: the node is ready, and remembers when it may write again."""
    node = frail.daemon().start()
    settled(node, 4)
    own = node.subnet
    assert node.end() == 0
    folder = node.state_dir
    script = f'mount --bind {folder} {folder} && mount -o remount,ro,bind {folder} && exec "$@"'
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with node.host.route_changes() as changes:
        node.start(wrapper=("unshare", "--mount", "sh", "-c", script, "sh"))
        eventually(shows(node, "state_dir_failing"))
        assert "Read-only file system" in node.conditions["state_dir_failing"]
        assert list(node.conditions) == ["state_dir_failing"]
        assert (node.ready, node.subnet) == (True, own)
    assert changes == []
    frail.lease_all(MORE)
    eventually(lambda: node.host.has({**LEASED, **MORE}))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert node.process is not None
    enter = ["nsenter", "--target", str(node.process.pid), "--mount"]
    subprocess.run([*enter, "mount", "-o", "remount,rw,bind", str(folder)], check=True)
    eventually(lambda: node.well, within=WHEN_ROOM)
    eventually(lambda: remembers(node, 5))


def within(node: Daemon) -> Path:
    """Give the state directory as the daemon's process sees it."""
    assert node.process is not None
    return Path(f"/proc/{node.process.pid}/root{node.state_dir}")


def fill(path: Path) -> None:
    """Leave no room on a disk."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 512)
    assert path.stat().st_size > 0


def test_without_a_memory_routes_are_held_over_a_store_without_leases(frail: Frail):
    """Whose they were is forgotten; that they may be somebody's is not."""
    node = frail.daemon().start(*PATIENT)
    settled(node, 4)
    assert node.end() == 0
    shutil.rmtree(node.state_dir)
    frail.delete(*(f"subnets/{name.replace('/', '-')}" for name in LEASED))
    with node.host.route_changes() as changes:
        node.start(*PATIENT)
        eventually(shows(node, "removals_held"))
        assert set(node.peers().values()) == {"held"}
    assert changes == []
    assert node.host.ours() == LEASED


def test_without_a_memory_routes_wait_for_a_network_to_be_judged_by(frail: Frail):
    """An empty store says nothing of them; its first network holds them."""
    node = frail.daemon().start(*PATIENT)
    settled(node, 4)
    assert node.end() == 0
    shutil.rmtree(node.state_dir)
    node.subnet_file.unlink()
    frail.delete("config", *(f"subnets/{name.replace('/', '-')}" for name in LEASED))
    with node.host.route_changes() as changes:
        node.start(*PATIENT, wait=False)
        eventually(shows(node, "no_config"))
        frail.configure()
        node.wait_ready()
        eventually(shows(node, "removals_held"))
    assert changes == []
    assert node.host.ours() == LEASED


def test_a_broken_history_is_known_after_a_crash(frail: Frail):
    """The holds of a wiped store stay, though its revisions have grown past all that was known."""
    node = frail.daemon().start(*PATIENT)
    own = settled(node, 4)["claim"]["subnets"][0]
    known = frail.revision()
    with node.host.route_changes() as changes:
        frail.wipe_store()
        eventually(shows(node, "history_broken"), within=20)
        eventually(lambda: frail.leases().keys() == {own}, within=20)
        eventually(lambda: set(node.peers().values()) == {"held"})
        eventually(lambda: b'"first":{' in (node.state_dir / "snapshot").read_bytes())
        node.kill()
        frail.put_quickly((b"nonsense", b"%d" % number) for number in range(known))
        assert frail.revision() > known
        node.start(*PATIENT)
        eventually(lambda: set(node.peers().values()) == {"held"})
        assert "history_broken" in node.conditions
        assert node.subnet == own
    assert changes == []
    assert node.host.ours() == LEASED


def test_a_node_that_was_down_while_the_store_was_wiped_puts_all_back(frail: Frail):
    """From its memory alone: the network, its own lease, and the routes of others, held."""
    node = frail.daemon().start(*PATIENT)
    own = settled(node, 4)["claim"]["subnets"][0]
    network = frail.ctl.values(f"{frail.prefix}/config")
    node.kill()
    with node.host.route_changes() as changes:
        frail.wipe_store()
        node.start(*PATIENT)
        # Ready by its memory, it may be so before it has put the network back.
        eventually(lambda: frail.ctl.values(f"{frail.prefix}/config") == network)
        eventually(lambda: frail.leases().keys() == {own})
        assert set(node.peers().values()) == {"held"}
    assert changes == []
    frail.lease_all()
    eventually(lambda: node.well, within=20)
