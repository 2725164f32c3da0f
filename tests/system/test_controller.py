"""The controller as a program, on a real etcd, beside an independent reading of the same keys."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from support.etcd_server import EtcdCtl, EtcdServer, free_port
from support.lab_fixtures import MakeLab
from support.waiting import eventually

PROGRAM = Path(sys.executable).with_name("hostgw-controller")


@contextmanager
def running(*arguments: str) -> Iterator[str]:
    """Run the program and give where it serves; it has to end well when it is asked to."""
    port = free_port()
    process = subprocess.Popen(
        [
            *("setpriv", "--pdeathsig", "KILL", PROGRAM),
            *(f"--http-address=127.0.0.1:{port}", *arguments),
        ],
        env={name: value for name, value in os.environ.items() if "HOSTGW" not in name},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield f"http://127.0.0.1:{port}"
        process.terminate()
        _, said = process.communicate(timeout=10)
        assert process.returncode == 0, said
    finally:
        process.kill()
        process.communicate()


def get(url: str) -> tuple[int, str]:
    """Give the status and the text of an answer; status 0 while nobody listens."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=5)
    try:
        connection.request("GET", f"/{path}")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except OSError:
        return 0, ""
    finally:
        connection.close()


def findings(url: str) -> dict[str, Any]:
    """Give the audit that is served, or nothing yet."""
    status, text = get(f"{url}/v1/findings")
    return json.loads(text) if status == 200 else {}


def metrics(url: str) -> dict[str, float]:
    """Give every series of the program's own with its value."""
    lines = get(f"{url}/metrics")[1].splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if line.startswith("hostgw_controller_")]
    return {name: float(value) for name, value in pairs}


def plant(etcdctl: EtcdCtl, prefix: str, leases: dict[str, str]) -> None:
    """Write a configuration, and leases (key to address) as flannel writes them."""
    etcdctl.run(
        "put", f"{prefix}/config", '{"Network": "10.5.0.0/16", "Backend": {"Type": "host-gw"}}'
    )
    for key, address in leases.items():
        value = {"PublicIP": address, "PublicIPv6": None, "BackendType": "host-gw"}
        etcdctl.run("put", f"{prefix}/subnets/{key}", json.dumps(value))


def reading(etcdctl: EtcdCtl, prefix: str, network: str = "10.5.0.0/16") -> dict[str, Any]:
    """Read the keys with nothing of ours: what overlaps, what is shared, how many are free."""
    records = {
        key: json.loads(value) for key, value in etcdctl.values(f"{prefix}/subnets/").items()
    }
    networks = {key: ip_network(key.rsplit("/", 1)[1].replace("-", "/")) for key in records}
    addresses: dict[str, list[str]] = {}
    for key, record in records.items():
        addresses.setdefault(record["PublicIP"], []).append(key)
    every = list(ip_network(network).subnets(new_prefix=24))[1:]
    taken = [each for each in every if any(each.overlaps(net) for net in networks.values())]
    return {
        "overlap": {
            frozenset(pair)
            for pair in combinations(networks, 2)
            if networks[pair[0]].overlaps(networks[pair[1]])
        },
        "duplicate_address": {frozenset(keys) for keys in addresses.values() if len(keys) > 1},
        "leases": len(records),
        "subnets": {
            "total": len(every),
            "leased": len(taken),
            "reserved": 0,
            "free": len(every) - len(taken),
        },
    }


def told(document: dict[str, Any]) -> dict[str, Any]:
    """Give an audit as served, in the form of a reading."""
    by_kind: dict[str, set[frozenset[str]]] = {"overlap": set(), "duplicate_address": set()}
    for finding in document["findings"]:
        by_kind.setdefault(finding["kind"], set()).add(frozenset(finding["keys"]))
    # A lease of another length is told too; the reading by hand does not look for that.
    by_kind.pop("outside_config", None)
    return by_kind | {"leases": document["leases"], "subnets": document["subnets"]}


def test_findings_equal_an_independent_reading(
    etcd_server: EtcdServer, etcd_prefix: str, etcdctl: EtcdCtl
) -> None:
    """What it says of a planted overlap and duplicate is what a plain reading of the keys says."""
    plant(
        etcdctl,
        etcd_prefix,
        {f"10.5.{number}.0-24": f"192.0.2.{number}" for number in range(1, 9)}
        | {"10.5.8.0-22": "192.0.2.22", "10.5.40.0-24": "192.0.2.3"},
    )
    expected = reading(etcdctl, etcd_prefix)
    assert len(expected["overlap"]) == 1
    assert len(expected["duplicate_address"]) == 1
    endpoint = f"--etcd-endpoints={etcd_server.url}"
    with running(endpoint, f"--etcd-prefix={etcd_prefix}") as url:
        document = eventually(lambda: findings(url), what="the first audit")
        assert told(document) == expected
        assert get(f"{url}/readyz")[0] == 200
        series = metrics(url)
        assert series["hostgw_controller_overlaps"] == 1
        assert series["hostgw_controller_duplicate_addresses"] == 1
        assert series["hostgw_controller_leases"] == 10
        assert series['hostgw_controller_subnets{state="free"}'] == expected["subnets"]["free"]

        # Put right, and then wrong in another way, by hand.
        etcdctl.run("del", f"{etcd_prefix}/subnets/10.5.8.0-22")
        etcdctl.run("put", f"{etcd_prefix}/subnets/10.5.40.0-24", '{"PublicIP": 7}')
        etcdctl.run(
            "put",
            f"{etcd_prefix}/subnets/10.5.0.0-20",
            '{"PublicIP":"192.0.2.77","BackendType":"host-gw"}',
        )

        def caught_up() -> dict[str, Any]:
            document = findings(url)
            return document if document["revision"] == etcdctl.revision() else {}

        document = eventually(caught_up, what="an audit of the latest revision")
        kinds = [finding["kind"] for finding in document["findings"]]
        assert kinds.count("overlap") == 8
        assert kinds.count("duplicate_address") == 0
        assert kinds.count("refused") == 1
        assert metrics(url)['hostgw_controller_refused_records{reason="malformed_value"}'] == 1


@pytest.mark.root
def test_findings_in_a_lab_equal_an_independent_reading(make_lab: MakeLab) -> None:
    """Beside the leases of real daemons, what was planted is found, and nothing else."""
    lab = make_lab(nodes=3, containers=0)
    own = [ip_network(host.subnet_env()["FLANNEL_SUBNET"], strict=False) for host in lab.hosts]
    wide = own[0].supernet(new_prefix=22)
    beyond = next(
        each
        for each in ip_network("10.244.128.0/17").subnets(new_prefix=24)
        if not any(each.overlaps(taken) for taken in (wide, *own))
    )
    etcdctl, prefix = EtcdCtl(["http://127.0.0.1:2379"]), "/coreos.com/network"
    with (
        lab.etcd.members[0].namespace.enter(),
        running("--etcd-endpoints=http://127.0.0.1:2379") as url,
    ):
        document = eventually(lambda: findings(url), what="the first audit")
        assert document["findings"] == []
        assert told(document) == reading(etcdctl, prefix, "10.244.0.0/16")
        assert document["leases"] == 3

        # The first host's subnet once more in a wider one, the second host's address once more.
        for subnet, address in ((wide, "198.18.0.77"), (beyond, str(lab.hosts[1].plan.address.ip))):
            value = {"PublicIP": address, "PublicIPv6": None, "BackendType": "host-gw"}
            key = f"{prefix}/subnets/{str(subnet).replace('/', '-')}"
            etcdctl.run("put", key, json.dumps(value))
        expected = reading(etcdctl, prefix, "10.244.0.0/16")
        assert len(expected["overlap"]) >= 1
        assert len(expected["duplicate_address"]) == 1
        eventually(lambda: told(findings(url)) == expected, what="the findings of what was planted")
        assert metrics(url)["hostgw_controller_overlaps"] == len(expected["overlap"])
        assert metrics(url)["hostgw_controller_duplicate_addresses"] == 1


def test_it_lives_without_the_store_and_says_what_it_lacks(
    make_etcd: Callable[..., EtcdServer],
) -> None:
    """With etcd away it lives and is not ready; when etcd is there it is ready by itself."""
    server = make_etcd()
    with running(f"--etcd-endpoints={server.url}") as url:
        eventually(lambda: get(f"{url}/livez") == (200, "ok\n"))
        status, text = get(f"{url}/readyz")
        assert status == 503
        assert "the store is not being watched" in text
        assert "hostgw_controller_leases" not in metrics(url)
        server.start()
        eventually(lambda: get(f"{url}/readyz")[0] == 200, within=20)
        assert [each["kind"] for each in findings(url)["findings"]] == ["no_config"]


def test_a_wrong_setting_ends_it_with_status_2() -> None:
    """Every error at once, and nothing is touched."""
    done = subprocess.run(
        [PROGRAM, "--http-address=nonsense", "--etcd-endpoint=x"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "2 settings are wrong" in done.stderr
    assert "http-address" in done.stderr
    assert "did you mean --etcd-endpoints?" in done.stderr
