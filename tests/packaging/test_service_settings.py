"""The service with what its settings may ask of a kernel, all at once: its sandbox forbids none.

The machine's network has a second node, so that there is somebody to probe, and a firewall that
drops what is forwarded; its kernel does not forward. What the service did is read from outside.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.certificates import Authority
from support.debian_tree import ROOT
from support.service_site import PEERS, ServiceSite
from support.waiting import eventually

pytestmark = pytest.mark.root

CAP_NET_ADMIN, CAP_NET_RAW = 1 << 12, 1 << 13  # linux/capability.h

CONFLIST = "/etc/cni/net.d/10-hostgw.conflist"
SETTINGS = {
    "ETCD_ENDPOINTS": "http://192.168.50.2:2379",
    "IFACE": "eth0",
    "IP_MASQ": "true",
    "FIX_SYSCTLS": "true",
    "CNI_CONF": CONFLIST,
    "CNI_ATTACHMENT": "macvlan",
    "OWN_SUBNET_ROUTE": "blackhole",
    "UNASSIGNED_ROUTE": "unreachable",
    "HEALTHZ_PORT": "10248",
    "REMOVAL_GRACE": "0s",
    "HTTP_CERTFILE": "/etc/hostgw/tls.crt",
    "HTTP_KEYFILE": "/etc/hostgw/tls.key",
    "HTTP_CAFILE": "/etc/hostgw/ca.crt",
}
CTL = "/opt/hostgw/bin/hostgwctl"
ROUTE_TAKER = """
from time import sleep
from pyroute2 import IPRoute
with IPRoute() as kernel:
    kernel.route("del", dst="10.5.202.0/24")
    sleep(2)  # as a daemon: it is still there when its name is read
"""
SENDER = """
import socket, sys
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (sys.argv[1], 9))
"""
READER = """
import ssl, sys, urllib.request
context = ssl.create_default_context(cafile="/etc/hostgw/ca.crt")
print(urllib.request.urlopen(sys.argv[1], context=context, timeout=5).read().decode())
"""


@pytest.fixture
def neighbour(site: ServiceSite, tmp_path: Path) -> Iterator[None]:
    """Run a daemon of this checkout on the other host of the LAN, with a bridge of containers."""
    site.start_etcd()
    site.other.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    folder = tmp_path / "other"
    folder.mkdir()
    with (folder / "log").open("wb") as log:
        process = site.other.popen(
            [
                *("setpriv", "--pdeathsig", "KILL", sys.executable, "-P", "-m", "hostgw_daemon"),
                *("--node-name=other", "--iface=eth0", "--iptables-forward-rules=false"),
                f"--etcd-endpoints={SETTINGS['ETCD_ENDPOINTS']}",
                *(f"--state-dir={folder}", f"--run-dir={folder}"),
                f"--subnet-file={folder}/subnet.env",
            ],
            stdout=log,
            stderr=log,
        )
    told = folder / "subnet.env"
    try:
        eventually(told.exists, what="the other node's subnet")
        (gateway,) = re.findall(r"^FLANNEL_SUBNET=(.+)$", told.read_text(), re.MULTILINE)
        site.other.ip("link", "add", "cni0", "up", "type", "bridge")
        site.other.ip("address", "add", gateway, "dev", "cni0")
        yield
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def demanding(site: ServiceSite, neighbour: None, tmp_path: Path) -> ServiceSite:
    """Give a machine where all of it has something to do, with the service started."""
    machine = site.machine
    mine = Authority(tmp_path / "pki").issue("server")
    for name, file in {"tls.crt": mine.cert, "tls.key": mine.key, "ca.crt": mine.ca}.items():
        machine.write(f"/etc/hostgw/{name}", file.read_text())
    machine.run("sh", "-ec", "chgrp hostgw /etc/hostgw/tls.key; chmod 0640 /etc/hostgw/tls.key")
    machine.run("install", "-d", "-m", "0775", "-g", "hostgw", "/etc/cni/net.d")
    for plugin in ("macvlan", "host-local"):  # they are only looked for
        machine.run("install", "-D", "/dev/null", f"/opt/cni/bin/{plugin}")
    machine.run("sysctl", "-qw", "net.ipv4.ip_forward=0")
    machine.run("iptables-nft", "-P", "FORWARD", "DROP")
    settings = "".join(f"HOSTGW_{name}={value}\n" for name, value in SETTINGS.items())
    machine.write("/etc/default/hostgwd", settings)
    site.start()
    return site


def test_the_sandbox_forbids_nothing_that_a_setting_asks_for(demanding: ServiceSite) -> None:
    """Each effect is there; and an operator's commands leave, and take all of it back."""
    site, run = demanding, demanding.machine.run
    eventually(lambda: run("sysctl", "-n", "net.ipv4.ip_forward").strip() == "1")
    eventually(lambda: run("iptables-nft", "-S", "FORWARD").count("hostgw: ") == 2)
    eventually(lambda: "masquerade" in run("nft", "list", "table", "ip", "hostgw"))
    eventually(lambda: json.loads(run("cat", CONFLIST))["plugins"][0]["type"] == "macvlan")
    eventually(lambda: "macvlan mode bridge" in run("ip", "-d", "link", "show", "hostgw0"))
    kept = "managed extern_learn"
    eventually(lambda: kept in run("ip", "-d", "neigh", "show", "192.168.50.2"), what=kept)
    routes = run("ip", "route", "show", "proto", "104")
    assert "blackhole" in routes
    assert "unreachable" in routes
    eventually(lambda: states(site)["192.168.50.2"] == "ok", within=20, what="answered probes")
    for url in ("https://localhost:9745/readyz", "http://localhost:10248/healthz"):
        assert "ok" in run("/opt/hostgw/bin/python", "-c", READER, url)

    # A subnet moves, and what the kernel remembers of it is forgotten.
    assert forgotten(site) == 0
    run("/opt/hostgw/bin/python", "-c", SENDER, "10.5.201.7")
    value = json.dumps({"PublicIP": "192.168.50.203", "BackendType": "host-gw"})
    site.etcdctl("put", "/coreos.com/network/subnets/10.5.201.0-24", value)
    eventually(lambda: forgotten(site) > 0, what="forgotten connections")

    # Somebody else, another user, deletes a route: the journal has the name of the program.
    run("/opt/hostgw/bin/python", "-c", ROUTE_TAKER)
    assert re.search(r"route_lost +python\[\d+\]", run(CTL, "events"))

    status = json.loads(run(CTL, "status", "-o", "json", check=False))
    # Nobody is behind the addresses of the two other peers; what is unread, the next test is about.
    assert {each["code"] for each in status["conditions"]} <= {"peers_out_of_reach", "host_unread"}
    said = site.machine.journal("hostgwd")
    assert [word for word in ("not permitted", "ermission", "ead-only") if word in said] == []
    run(CTL, "bundle", "/root/bundle.tar.gz", f"--etcd-endpoints={SETTINGS['ETCD_ENDPOINTS']}")
    run(CTL, "drain", "--within=20s")
    run("systemctl", "stop", "hostgwd")
    run(CTL, "cleanup", f"--cni-conf={CONFLIST}")
    assert run("ip", "route", "show", "proto", "104") == ""
    assert "hostgw" not in run("iptables-nft", "-S") + run("nft", "list", "ruleset")
    assert run("ls", "/etc/cni/net.d", "/sys/class/net/").count("hostgw") == 0


def states(site: ServiceSite) -> dict[str, str]:
    """Give the state of every peer by its gateway."""
    peers = json.loads(site.machine.run(CTL, "peers", "-o", "json", check=False))
    return {gateway: peer["state"] for peer in peers for gateway in peer["gateways"]}


def forgotten(site: ServiceSite) -> float:
    """Give how many connections the service had the kernel forget."""
    said = site.machine.run(CTL, "metrics")
    (count,) = re.findall(r"^hostgw_conntrack_forgotten_total (.+)$", said, re.MULTILINE)
    return float(count)


def test_iptables_legacy_is_told_of_or_seen_to(site: ServiceSite) -> None:
    """A policy that only root may see is told of; with our drop-in, packets pass it."""
    run = site.machine.run
    run("iptables-legacy", "-P", "FORWARD", "DROP")
    site.start_etcd()
    site.start()
    eventually(lambda: "iptables-legacy -S FORWARD" in run(CTL, "check", check=False))
    drop_in = ROOT / "systemd/drop-ins/iptables-legacy.conf"
    site.machine.write("/etc/systemd/system/hostgwd.service.d/legacy.conf", drop_in.read_text())
    run("systemctl", "daemon-reload")
    run("systemctl", "restart", "hostgwd")
    eventually(lambda: run("iptables-legacy", "-S", "FORWARD").count("hostgw: ") == 2)
    eventually(lambda: "is ready" in run(CTL, "check", check=False))
    assert "iptables-legacy" not in run(CTL, "check", check=False)
    status = run("cat", f"/proc/{site.pid()}/status")
    sets = re.findall(r"^Cap(?:Prm|Eff|Bnd):\t(\w+)$", status, re.MULTILINE)
    assert {int(each, 16) for each in sets} == {CAP_NET_ADMIN | CAP_NET_RAW}
    assert site.routes() == PEERS
