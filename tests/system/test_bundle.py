"""`hostgwctl bundle` beside a real daemon and a real etcd, and without each of them."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from support.daemon import Daemon
from support.daemon_fixtures import Cluster, flannels
from support.hostgwctl import Ctl

pytestmark = pytest.mark.root

SECRET = "open-sesame-77"


def bundle(daemon: Daemon, target: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Make one on the daemon's host."""
    ctl = Ctl(daemon.endpoints, daemon.prefix, run_dir=str(daemon.run_dir))
    ctl.environ |= {"HOSTGW_ETCD_REQUEST_TIMEOUT": "2s", **environ}
    with daemon.host.namespace.enter():
        return ctl("bundle", target)


def unpacked(path: Path) -> dict[str, str]:
    """Give every file of an archive by its name below the one folder."""
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes()), mode="r:gz") as tar:
        found = {}
        for member in tar.getmembers():
            content = tar.extractfile(member)
            assert content is not None
            found[member.name.partition("/")[2]] = content.read().decode()
        assert len({member.name.partition("/")[0] for member in tar.getmembers()}) == 1
        return found


def test_everything_is_in_it_and_no_secret(cluster: Cluster, tmp_path: Path):
    """Documents, kernel and store; what was planted is nowhere."""
    cluster.lease("10.77.9.0/24", "192.168.51.9")
    cluster.put("subnets/10.77.8.0-24", flannels("192.168.51.8", password=SECRET))
    cluster.put("hostgw/note", f"-----BEGIN PRIVATE KEY-----\n{SECRET}\n-----END PRIVATE KEY-----")
    cluster.put("subnets/10.77.7.0-24", flannels("192.168.51.7", Node=f"{SECRET}-2"))
    daemon = cluster.daemon().start()
    target = tmp_path / "b.tar.gz"
    known = tmp_path / "password"
    known.write_text(f"{SECRET}-2\n")
    done = bundle(daemon, str(target))
    assert (done.returncode, done.stdout.startswith(f"{target}: ")) == (0, True), done.stderr
    assert target.stat().st_mode & 0o777 == 0o600
    files = unpacked(target)
    assert json.loads(files["daemon/status.json"])["node"] == daemon.node
    assert any(r["prefix"] == "10.77.9.0/24" for r in json.loads(files["daemon/routes.json"]))
    assert "hostgw_build_info" in files["daemon/metrics.txt"]
    keys = {each["key"]: each["value"] for each in json.loads(files["store/keys.json"])["keys"]}
    assert json.loads(keys[f"{cluster.prefix}/config"])["Network"] == "10.77.0.0/16"
    assert any(r.get("dst") == "10.77.9.0/24" for r in json.loads(files["kernel/routes4.json"]))
    for name in ("links", "addresses", "rules4", "rules6", "neighbours", "routes6"):
        assert isinstance(json.loads(files[f"kernel/{name}.json"]), list)
    assert "net.ipv4.ip_forward = 1" in files["kernel/switches.txt"]
    assert "hostgw 0." in files["versions.txt"]
    everything = "\n".join(files.values())
    # All but what only the owner of a password could know to be one.
    assert everything.count(SECRET) == everything.count(f"{SECRET}-2")
    assert f"{SECRET}-2" in files["daemon/leases.json"]
    again = bundle(daemon, str(target))
    assert again.returncode == 1
    assert "is there already" in again.stderr
    told = bundle(
        daemon,
        str(tmp_path / "c.tar.gz"),
        HOSTGW_ETCD_USERNAME="x",
        HOSTGW_ETCD_PASSWORD_FILE=str(known),
    )
    assert told.returncode == 0, told.stderr
    files = unpacked(tmp_path / "c.tar.gz")
    assert "10.77.7.0" in files["daemon/leases.json"]
    assert SECRET not in "\n".join(files.values())


def test_who_is_away_is_named_in_it(cluster: Cluster, tmp_path: Path):
    """Without daemon and store there is the kernel, and the two are named with the reason."""
    away = cluster.daemon()
    away.endpoints = "http://172.31.0.1:1"
    target = tmp_path / "b.tar.gz"
    done = bundle(away, str(target))
    assert done.returncode == 0
    assert "left out: daemon/: the daemon at" in done.stderr
    assert "left out: store/keys.json: the store at http://172.31.0.1:1" in done.stderr
    files = unpacked(target)
    assert "the daemon at" in files["absent.txt"]
    assert "the store at" in files["absent.txt"]
    assert isinstance(json.loads(files["kernel/routes4.json"]), list)
    assert not [name for name in files if name.startswith(("daemon/", "store/"))]
