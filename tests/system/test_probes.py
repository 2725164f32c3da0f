"""Probes between whole daemons, while something else than the packets' way goes wrong."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from subprocess import DEVNULL

import pytest

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.host import Host
from hostgw_cli.lab.topology import LabSpec
from support.lab_fixtures import lab_name
from support.waiting import eventually

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Give three nodes that reach each other."""
    with Lab.up(replace(LabSpec(name=lab_name()), nodes=3)) as made:
        eventually(lambda: all_well(made), within=60.0)
        yield made


def peers(host: Host) -> dict[str, str]:
    """Give the state of each other node, as one sees it."""
    _, body = host.http("/v1/peers")
    return {each["node"]: each["state"] for each in json.loads(body)}


def conditions(host: Host) -> list[str]:
    """Give what is wrong with a node, as it says itself."""
    _, body = host.http("/v1/status")
    return [each["code"] for each in json.loads(body)["conditions"]]


def all_well(lab: Lab) -> bool:
    """Tell whether everybody says that everybody is well."""
    said = {host.name: peers(host) for host in lab.hosts}
    well = {each.name: {o.name: "ok" for o in lab.hosts if o is not each} for each in lab.hosts}
    assert said == well
    return True


def counted(host: Host, result: str) -> int:
    """Give how many of a node's questions ended so."""
    _, body = host.http("/metrics")
    series = re.escape(f'hostgw_peer_probes_total{{result="{result}"}}')
    found = re.search(rf"^{series} (\S+)$", body, re.MULTILINE)
    assert found
    return int(float(found[1]))


def test_a_lease_that_is_lost_and_had_again_ends_no_probe(lab: Lab) -> None:
    """Somebody deletes it: the containers are where they were, and so are those they speak to."""
    host = lab.host("n2")
    key = "/coreos.com/network/subnets/" + str(host.subnets()[4]).replace("/", "-")
    said: set[str] = set()
    for _ in range(3):
        lab.etcd.ctl("del", key)
        eventually(lambda: lab.etcd.ctl("get", key).stdout, within=10.0)
        enough = counted(host, "answered") + 12

        def look(enough: int = enough) -> bool:
            said.update(peers(host).values(), conditions(host))
            return counted(host, "answered") >= enough

        eventually(look, within=10.0)
    assert said <= {"ok", "lease_lost"}
    assert all_well(lab)


def test_a_node_that_leaves_accuses_nobody(lab: Lab) -> None:
    """The others have let go of its subnet, so none of its pods' questions is answered."""
    host, slow = lab.host("n2"), lab.host("n3")
    words = [sys.executable, "-P", "-m", "hostgw_cli"]
    slow.signal_daemon(signal.SIGSTOP)  # it never says that it has let go
    drain = host.namespace.popen([*words, "drain", f"--socket={host.socket}"], stdout=DEVNULL)
    try:
        eventually(lambda: "draining" in conditions(host), within=10.0)
        eventually(lambda: "n2" not in peers(lab.host("n1")), within=10.0)
        asked, said = counted(host, "asked"), set[str]()

        def look() -> bool:
            said.add(peers(host)["n1"])
            return counted(host, "asked") > asked + 60 or "unprobed" in said

        eventually(look, within=30.0)
        assert said <= {"ok", "unprobed"}
        assert "draining" in conditions(host)
    finally:
        slow.signal_daemon(signal.SIGCONT)
        drain.wait(60)
        host.namespace.run(*words, "resume", f"--socket={host.socket}")
    eventually(lambda: all_well(lab), within=30.0)
