"""`hostgwctl snapshot` over a wiped store and running daemons: no packet is lost."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.topology import LabSpec
from support.hostgwctl import on
from support.lab_fixtures import lab_name
from support.waiting import eventually

pytestmark = pytest.mark.root


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Four nodes, with a container each."""
    with Lab.up(LabSpec(name=lab_name(), nodes=4, containers=1)) as made:
        yield made


def leases(lab: Lab) -> dict[str, bool | None]:
    """Give who has a lease, and whether he lives."""
    found = json.loads(on(lab, "n1", "leases", "-o", "json").stdout)["leases"]
    return {each["node"]: each["alive"] for each in found}


def test_a_wiped_store_gets_back_the_lease_of_who_cannot_write_it(lab: Lab, tmp_path: Path):
    """The living put theirs back; that of a silent node comes from the file; pings never stop."""
    file = tmp_path / "cluster.json"
    saved = on(lab, "n1", "snapshot", "save", str(file))
    assert (saved.returncode, saved.stderr) == (0, "")
    assert file.stat().st_mode & 0o777 == 0o600
    shown = on(lab, "n1", "snapshot", "show", str(file)).stdout
    assert "the checksum is right" in shown
    assert "leases: 4" in shown
    lab.host("n4").kill_daemon()  # its containers go on
    target = str(lab.host("n4").container(0).address)
    source = lab.host("n1").container(0).namespace
    assert lab.host("n1").container(0).ping(lab.host("n4").container(0))
    ping = source.popen(["ping", "-i", "0.05", target], stdout=-1, text=True)
    try:
        lab.etcd.wipe()
        eventually(
            lambda: json.loads(on(lab, "n1", "hold", "list", "-o", "json").stdout)["holds"],
            within=40,
        )
        dry = on(lab, "n1", "snapshot", "restore", str(file))
        assert dry.returncode == 0, dry.stderr
        assert "nothing written: say --yes" in dry.stdout
        assert "n4" not in leases(lab)
        done = on(lab, "n1", "snapshot", "restore", str(file), "--yes", "--ttl=1h")
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        eventually(
            lambda: leases(lab) == {"n1": True, "n2": True, "n3": True, "n4": False}, within=40
        )
        # The hold of n4's route is over, because its lease is back, and so is the trouble.
        eventually(
            lambda: json.loads(on(lab, "n1", "hold", "list", "-o", "json").stdout)["holds"] == [],
            within=40,
        )
        again = on(lab, "n1", "snapshot", "restore", str(file), "--yes")
        assert again.returncode == 0
        assert "0 to write" in again.stdout
    finally:
        ping.send_signal(signal.SIGINT)
        said, _ = ping.communicate(timeout=10)
    found = re.search(r"(\d+) packets transmitted, (\d+) received", said)
    assert found, said
    assert int(found[1]) > 40
    assert int(found[1]) - int(found[2]) <= 1, said  # one may be under way at the end


def test_what_cannot_be_done_is_said(lab: Lab, tmp_path: Path):
    """No folder, no file, another prefix, a torn file, no store."""
    file = tmp_path / "cluster.json"
    assert on(lab, "n1", "snapshot", "save", "/nowhere/x").returncode == 1
    assert on(lab, "n1", "snapshot", "show", str(file)).returncode == 1
    assert on(lab, "n1", "snapshot", "save", str(file)).returncode == 0
    other = on(lab, "n1", "snapshot", "restore", str(file), "--etcd-prefix=/other")
    assert other.returncode == 1
    assert "--etcd-prefix is /other" in other.stderr
    torn = tmp_path / "torn.json"
    torn.write_bytes(file.read_bytes().replace(b"host-gw", b"host-GW"))
    refused = on(lab, "n1", "snapshot", "restore", str(torn), "--yes")
    assert refused.returncode == 1
    assert "checksum" in refused.stderr
    assert on(lab, "n1", "snapshot", "restore", str(file), "--ttl=1s").returncode == 2
    lab.etcd.stop()
    before = file.read_bytes()
    for words in (["save"], ["restore"]):
        away = on(lab, "n1", "snapshot", *words, str(file))
        assert away.returncode == 3
        assert "the store at" in away.stderr
    assert file.read_bytes() == before
    assert on(lab, "n1", "snapshot", "show", str(file)).returncode == 0
