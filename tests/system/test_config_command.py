"""`hostgwctl config` and `hostgwctl leases` as processes, on a real etcd, judged by etcdctl."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from hostgw_cli.config import write
from hostgw_cli.endings import Refused
from hostgw_cli.network_change import Change, change
from hostgw_core.keys import Keys
from hostgw_core.network import read_config
from hostgw_core.store import Put, Span, StoreUnavailable
from support.certificates import Authority
from support.etcd_server import EtcdCtl, EtcdServer, free_port
from support.fake_store import FakeStore
from support.hostgwctl import Ctl

KEYS = Keys("/x")
GOOD = '{"Network":"10.5.0.0/16","Backend":{"Type":"host-gw"}}'
LEASE = '{"PublicIP":"192.168.64.3","PublicIPv6":null,"BackendType":"host-gw"}'


def test_set_writes_what_get_and_etcdctl_show(ctl: Ctl, etcdctl: EtcdCtl, etcd_prefix: str):
    """The first configuration is written as one line of JSON, and shown with its meaning."""
    done = ctl("config", "set", json.dumps(json.loads(GOOD), indent=4))
    assert (done.returncode, done.stderr) == (0, "")
    assert '+  "Network": "10.5.0.0/16",' in done.stdout
    assert f"written to {etcd_prefix}/config" in done.stdout
    assert etcdctl.values(etcd_prefix) == {f"{etcd_prefix}/config": GOOD}
    shown = ctl("config", "get")
    assert shown.returncode == 0
    assert "IPv4: 255 nodes, each a /24 of 10.5.0.0/16, 10.5.1.0 to 10.5.255.0" in shown.stdout
    assert json.loads(ctl("config", "get", "-o", "json").stdout) == json.loads(GOOD)
    assert yaml.safe_load(ctl("config", "get", "-o", "yaml").stdout) == json.loads(GOOD)


def test_set_takes_a_file_and_standard_input(
    ctl: Ctl, etcdctl: EtcdCtl, etcd_prefix: str, tmp_path: Path
):
    """A file and - are read alike; the same content again writes nothing."""
    path = tmp_path / "network.json"
    path.write_text(GOOD)
    assert ctl("config", "set", str(path)).returncode == 0
    revision = etcdctl.revision()
    again = ctl("config", "set", "-", stdin=GOOD)
    assert again.returncode == 0
    assert "says this already" in again.stdout
    assert etcdctl("get", f"{etcd_prefix}/config")["kvs"][0]["mod_revision"] <= revision
    assert etcdctl("get", f"{etcd_prefix}/config")["kvs"][0]["version"] == 1


def test_a_bad_configuration_is_refused_with_every_problem(
    ctl: Ctl, etcdctl: EtcdCtl, etcd_prefix: str
):
    """Each problem is one line that names its source; nothing is written; the status is 1."""
    bad = '{"Network":"10.5.0.0/16","SubnetLen":40,"EnableIPv6":true,"Backend":{"Type":"vxlan"}}'
    for command in ("set", "validate"):
        done = ctl("config", command, "-", stdin=bad)
        assert done.returncode == 1
        problems = [line for line in done.stderr.splitlines() if line.startswith("problem: ")]
        assert len(problems) == 3
        assert all(line.startswith("problem: standard input: ") for line in problems)
        assert "3 problems" in done.stderr
    assert etcdctl.values(etcd_prefix) == {}


def test_validate_needs_no_store(tmp_path: Path):
    """A good configuration is explained, and a remark is no failure, with no etcd anywhere."""
    ctl = Ctl(f"http://127.0.0.1:{free_port()}", "/x")
    path = tmp_path / "network.json"
    path.write_text('{"Network":"10.5.1.0/16","Color":1,"Backend":{"Type":"host-gw"}}')
    done = ctl("config", "validate", str(path))
    assert done.returncode == 0
    assert "IPv4: 255 nodes" in done.stdout
    assert f"remark: {path}: the unknown field 'Color' is ignored" in done.stderr
    assert "is taken for 10.5.0.0/16" in done.stderr


def test_a_change_that_orphans_leases_needs_force(ctl: Ctl, etcdctl: EtcdCtl, etcd_prefix: str):
    """Leases outside the new network are named and stop it; --force writes it all the same."""
    assert ctl("config", "set", GOOD).returncode == 0
    for subnet in ("10.5.3.0-24", "10.5.200.0-24", "10.9.9.0-24", "junk"):
        etcdctl.run("put", f"{etcd_prefix}/subnets/{subnet}", "--", LEASE)
    smaller = GOOD.replace("{", '{"SubnetMax":"10.5.99.0",', 1)
    refused = ctl("config", "set", smaller)
    assert refused.returncode == 1
    orphans = [line for line in refused.stderr.splitlines() if line.startswith("orphaned: ")]
    why = "10.5.200.0/24 is not one of the /24 from 10.5.1.0 to 10.5.99.0"
    assert orphans == [f"orphaned: 10.5.200.0/24 of 192.168.64.3: {why}"]
    assert "1 lease does not fit the new network; --force" in refused.stderr
    assert '+  "SubnetMax": "10.5.99.0",' in refused.stdout
    assert etcdctl.values(f"{etcd_prefix}/config") == {f"{etcd_prefix}/config": GOOD}
    tried = ctl("config", "set", smaller, "--force", "--dry-run")
    assert tried.returncode == 0
    assert "nothing written" in tried.stdout
    assert etcdctl.values(f"{etcd_prefix}/config") == {f"{etcd_prefix}/config": GOOD}
    assert ctl("config", "set", smaller, "--force").returncode == 0
    assert etcdctl.values(f"{etcd_prefix}/config") == {f"{etcd_prefix}/config": smaller}


def test_get_says_when_there_is_nothing_or_nothing_good(
    ctl: Ctl, etcdctl: EtcdCtl, etcd_prefix: str
):
    """No key, and a key that no daemon would take, are both refused with a sentence."""
    missing = ctl("config", "get")
    assert missing.returncode == 1
    assert f"there is no {etcd_prefix}/config; write one with" in missing.stderr
    etcdctl.run("put", f"{etcd_prefix}/config", "--", "not json")
    bad = ctl("config", "get")
    assert bad.returncode == 1
    assert "not json" in bad.stdout
    assert f"problem: {etcd_prefix}/config: it is not JSON" in bad.stderr
    repaired = ctl("config", "set", GOOD)
    assert repaired.returncode == 0
    assert "-not json" in repaired.stdout


def test_wrong_usage_has_status_2(ctl: Ctl):
    """A missing file, a bad endpoint, half a certificate: told before the store is asked."""
    assert ctl("config", "set", "/nowhere/network.json").returncode == 2
    done = ctl(
        *("config", "get", "--etcd-endpoints", "ftp://x", "--etcd-certfile", "/c"),
    )
    assert done.returncode == 2
    assert "2 settings are wrong" in done.stderr
    assert ctl("leases", "-o", "xml").returncode == 2


def test_a_store_that_is_away_has_status_3():
    """Nobody listens: the endpoint is named, and there is no traceback."""
    endpoint = f"http://127.0.0.1:{free_port()}"
    ctl = Ctl(endpoint, "/x")
    for words in (("config", "get"), ("config", "set", GOOD), ("leases",)):
        done = ctl(*words, "--etcd-request-timeout", "1s")
        assert done.returncode == 3, done.stderr
        assert endpoint in done.stderr
        assert "Traceback" not in done.stderr


def test_the_commands_speak_tls(tls_etcd: EtcdServer, authority: Authority, etcd_prefix: str):
    """A store that asks for certificates is reached with the shared options."""
    ctl = Ctl(tls_etcd.url, etcd_prefix)
    me = authority.issue("operator")
    options = [
        *("--etcd-cafile", str(me.ca), "--etcd-certfile", str(me.cert)),
        *("--etcd-keyfile", str(me.key)),
    ]
    done = ctl("config", "set", GOOD, *options)
    assert (done.returncode, done.stderr) == (0, "")
    assert EtcdCtl((tls_etcd.url,), tls=me).values(etcd_prefix) == {f"{etcd_prefix}/config": GOOD}
    refused = ctl("config", "get", "--etcd-cafile", str(me.ca), "--etcd-request-timeout", "1s")
    assert refused.returncode == 3


def test_leases_lists_what_etcdctl_lists(ctl: Ctl, etcdctl: EtcdCtl, etcd_prefix: str):
    """Every key is a row, in the order of the subnets, the wrong ones with their reason."""
    assert ctl("config", "set", GOOD).returncode == 0
    lease = etcdctl("lease", "grant", "600")["ID"]
    put = f"{etcd_prefix}/subnets/"
    mine = LEASE.replace("}", ',"Node":"alpha","NodeID":"a-1"}').replace("64.3", "64.4")
    etcdctl.run("put", f"--lease={lease:x}", f"{put}10.5.52.0-24", "--", mine)
    etcdctl.run("put", f"--lease={lease:x}", f"{put}10.5.100.0-24", "--", LEASE)
    etcdctl.run("put", f"{put}10.5.9.0-24", "--", mine.replace("a-1", "b-2"))
    etcdctl.run("put", f"{put}10.6.1.0-24", "--", LEASE)
    etcdctl.run("put", f"{put}10.5.7.0-24", "--", LEASE.replace("host-gw", "quarantine"))
    etcdctl.run("put", f"{put}junk", "--", LEASE)
    etcdctl.run("put", f"{put}10.5.8.0-24", "--", "{}")
    etcdctl.run("put", f"{etcd_prefix}/hostgw/nodes/a-1", "--", '{"Node":"alpha","Instance":"i"}')
    document = json.loads(ctl("leases", "-o", "json").stdout)
    assert [(row["subnets"], row["state"], row["alive"]) for row in document["leases"]] == [
        (["10.5.7.0/24"], "quarantine", None),
        (["10.5.8.0/24"], "bad_address", None),
        (["10.5.9.0/24"], "reserved", False),
        (["10.5.52.0/24"], "leased", True),
        (["10.5.100.0/24"], "leased", None),
        (["10.6.1.0/24"], "outside", None),
        ([], "malformed_key", None),
    ]
    assert {row["key"] for row in document["leases"]} == set(
        etcdctl.values(f"{etcd_prefix}/subnets/")
    )
    table = ctl("leases").stdout.splitlines()
    assert table[0].split() == ["SUBNET", "GATEWAY", "NODE", "STATE", "ALIVE", "NOTE"]
    assert table[4].split() == ["10.5.52.0/24", "192.168.64.4", "alpha", "leased", "yes"]
    assert len(table) == 8


@pytest.fixture
def planned() -> Change:
    """Give the first configuration of a store, planned while there was none."""
    config = read_config(GOOD.encode(), source="x").config
    assert config is not None
    return change(KEYS, GOOD.encode(), config, entries=())


def test_a_lost_race_writes_nothing(fake_store: FakeStore, planned: Change):
    """Two writers that read the same version: one wins, the other is told to look again."""
    fake_store.commit_now((), [Put(KEYS.config, b"theirs")])
    with pytest.raises(Refused, match="changed by somebody else"):
        asyncio.run(write(fake_store, KEYS, planned=planned))
    (entry,) = fake_store.list_now(Span(KEYS.config)).entries
    assert entry.value == b"theirs"
    asyncio.run(write(fake_store, KEYS, planned=replace(planned, current=entry)))
    (entry,) = fake_store.list_now(Span(KEYS.config)).entries
    assert entry.value == GOOD.encode()


def test_an_unknown_outcome_is_said_to_be_unknown(fake_store: FakeStore, planned: Change):
    """When the store goes away under the write, nobody is told that it was or was not written."""
    fake_store.down()
    with pytest.raises(StoreUnavailable, match="whether it was written is unknown"):
        asyncio.run(write(fake_store, KEYS, planned=planned))
