"""The services in a real systemd: started, restarted, killed and stopped, judged from outside.

The machine is a container with a network namespace of a small LAN; etcd is on the LAN's other host.
Routes are read with `ip` from outside the container, everything about the process from systemd and
from /proc.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from hostgw_cli.lab.netns import Namespace
from support.debian_tree import ROOT
from support.machine import Machine
from support.netns_fixtures import Lan
from support.waiting import eventually

pytestmark = pytest.mark.root

CAP_NET_ADMIN = 1 << 12  # linux/capability.h
CONFIG = '{"Network": "10.5.0.0/16", "Backend": {"Type": "host-gw"}}'
PEERS = {"10.5.201.0/24": "192.168.50.201", "10.5.202.0/24": "192.168.50.202"}


@dataclass
class Site:
    """A machine on the first host of a LAN, and an etcd on the second that is started on demand."""

    machine: Machine
    host: Namespace
    other: Namespace
    folder: Path
    etcd: subprocess.Popen[bytes] | None = None

    def start_etcd(self) -> None:
        """Start etcd, with a network configuration and the leases of two peers."""
        url = "http://192.168.50.2:2379"
        with (self.folder / "etcd.log").open("wb") as log:
            self.etcd = self.other.popen(
                [
                    *("setpriv", "--pdeathsig", "KILL", "etcd"),
                    *("--data-dir", str(self.folder / "etcd"), "--logger", "zap"),
                    *("--listen-client-urls", url, "--advertise-client-urls", url),
                    *("--listen-peer-urls", "http://127.0.0.1:2380"),
                ],
                stdout=log,
                stderr=log,
            )
        eventually(lambda: "healthy" in self.etcdctl("endpoint", "health"), what="etcd")
        for subnet, address in PEERS.items():
            value = json.dumps({"PublicIP": address, "BackendType": "host-gw"})
            key = f"/coreos.com/network/subnets/{subnet.replace('/', '-')}"
            self.etcdctl("put", key, value)
        self.etcdctl("put", "/coreos.com/network/config", CONFIG)

    def etcdctl(self, *arguments: str) -> str:
        """Run etcdctl on the other host and give everything it says."""
        done = self.other.run(
            "env",
            "ETCDCTL_API=3",
            "etcdctl",
            "--endpoints=http://192.168.50.2:2379",
            *arguments,
            check=False,
        )
        return done.stdout + done.stderr

    def routes(self) -> dict[str, str]:
        """Give destination and gateway of every route of our protocol on the host."""
        found = self.host.ip_json("route", "show", "proto", "104")
        return {route["dst"]: route["gateway"] for route in found}

    def subnet(self) -> str:
        """Give the subnet that subnet.env tells the container runtime."""
        said = self.machine.run("cat", "/run/flannel/subnet.env")
        found = re.search(r"^FLANNEL_SUBNET=(.+)$", said, re.MULTILINE)
        assert found is not None, said
        return found[1]

    def start(self, unit: str = "hostgwd") -> None:
        """Start a unit and wait for it as an administrator does; its log is in the failure."""
        try:
            self.machine.run("systemctl", "start", unit)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.machine.journal(unit)}") from error

    def state(self, unit: str = "hostgwd") -> str:
        """Give the unit's state, as `systemctl is-active` does."""
        return self.machine.show(unit, "ActiveState")["ActiveState"]

    def pid(self) -> int:
        """Give the daemon's process id, as it is in the container."""
        return int(self.machine.show("hostgwd", "MainPID")["MainPID"])


@pytest.fixture
def site(
    debian: Path, environment: Path, lan: Callable[[int], Lan], tmp_path: Path
) -> Iterator[Site]:
    """Give a machine where hostgw is installed as docs/installing.md says, and not started."""
    host, other = lan(2).hosts
    binds = {
        "/opt/hostgw": environment,
        "/etc/sysusers.d/hostgw.conf": ROOT / "systemd/sysusers.d/hostgw.conf",
        "/etc/iproute2/rt_protos.d/hostgw.conf": ROOT / "systemd/rt_protos.d/hostgw.conf",
    }
    for unit in ("hostgwd.service", "hostgw-controller.service"):
        binds[f"/etc/systemd/system/{unit}"] = ROOT / "systemd" / unit
    machine = Machine(debian, tmp_path / "machine", binds=binds, network=host.path).boot()
    made = Site(machine, host, other, tmp_path)
    try:
        machine.run("systemd-sysusers")
        settings = "HOSTGW_ETCD_ENDPOINTS=http://192.168.50.2:2379\n"
        machine.write("/etc/default/hostgwd", settings + "HOSTGW_IFACE=eth0\nHOSTGW_IP_MASQ=true\n")
        machine.write("/etc/default/hostgw-controller", settings)
        yield made
    finally:
        machine.stop()
        if made.etcd is not None:
            made.etcd.kill()
            made.etcd.wait()


@contextmanager
def no_route_lost(site: Site) -> Iterator[None]:
    """Fail if the kernel says that somebody deleted a route to a peer meanwhile."""
    said = site.folder / "monitor"
    with said.open("wb") as file:
        monitor = site.host.popen(["ip", "monitor", "route"], stdout=file)
    try:
        # A route of nobody's comes and goes until the monitor has seen it: from then on it hears.
        def hears() -> bool:
            for verb in ("add", "delete"):
                site.host.ip("route", verb, "unreachable", "198.51.100.0/24")
            return "198.51.100.0/24" in said.read_text()

        eventually(hears, what="the monitor")
        yield
    finally:
        monitor.terminate()
        monitor.wait(10)
    lost = [line for line in said.read_text().splitlines() if line.startswith("Deleted 10.5.20")]
    assert lost == []


def test_it_is_started_when_the_routes_are_there_and_not_before(site: Site) -> None:
    """Without etcd the unit is still starting, for as long as it takes; READY comes with routes."""
    site.machine.run("systemctl", "start", "--no-block", "hostgwd")
    eventually(lambda: site.machine.show("hostgwd", "StatusText")["StatusText"], what="a status")
    assert site.state() == "activating"
    assert site.routes() == {}
    site.start_etcd()
    eventually(lambda: site.state() == "active", within=30, what="the unit to be active")
    assert site.routes() == PEERS
    shown = site.machine.show("hostgwd", "StatusText", "WatchdogUSec", "NRestarts", "Type")
    assert shown["WatchdogUSec"] == "3min"
    assert shown["NRestarts"] == "0"
    assert shown["StatusText"]
    assert "proto hostgw" in site.machine.run("ip", "route", "show", "10.5.201.0/24")


def test_the_process_has_one_capability_and_its_children_no_more(site: Site) -> None:
    """An ordinary user with CAP_NET_ADMIN, from which also nft writes the masquerade rules."""
    site.start_etcd()
    site.start()
    status = dict(
        line.split(":\t", 1)
        for line in site.machine.run("cat", f"/proc/{site.pid()}/status").splitlines()
        if ":\t" in line
    )
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[name], 16) == CAP_NET_ADMIN, name
    assert "0" not in status["Uid"].split()
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"  # SECCOMP_MODE_FILTER
    eventually(lambda: "masquerade" in site.machine.run("nft", "list", "ruleset"))
    # What the sandbox forbids would be said so.
    assert "not permitted" not in site.machine.journal("hostgwd")


def test_files_belong_to_those_who_read_them(site: Site) -> None:
    """A flannel before us left root's files: they are taken over, and stay readable for all."""
    site.machine.write("/run/flannel/subnet.env", "FLANNEL_SUBNET=10.5.77.1/24\n")
    site.start_etcd()
    site.start()
    stat = ["stat", "--format=%U %a"]
    assert site.machine.run(*stat, "/run/flannel/subnet.env").strip() == "hostgw 644"
    assert site.machine.run(*stat, "/run/flannel").strip() == "hostgw 755"
    assert site.machine.run(*stat, "/var/lib/hostgw").strip() == "hostgw 700"
    assert site.subnet() == "10.5.77.1/24"


def test_a_restart_keeps_the_subnet_and_every_route(site: Site) -> None:
    """`systemctl restart` is no event for a packet, and for nobody else in the cluster."""
    site.start_etcd()
    site.start()
    subnet, before = site.subnet(), site.pid()
    leases = ("get", "--prefix", "/coreos.com/network/subnets/")
    written = site.etcdctl(*leases)
    with no_route_lost(site):
        site.machine.run("systemctl", "restart", "hostgwd")
    assert site.pid() != before
    assert site.routes() == PEERS
    assert site.subnet() == subnet
    assert site.etcdctl(*leases) == written


def test_a_killed_daemon_comes_back(site: Site) -> None:
    """After `kill -9` systemd starts it again; no route is lost meanwhile."""
    site.start_etcd()
    site.start()
    subnet, before = site.subnet(), site.pid()
    with no_route_lost(site):
        site.machine.run("kill", "-KILL", str(before))
        eventually(
            lambda: site.pid() not in {0, before} and site.state() == "active",
            within=30,
            what="another process",
        )
    assert site.routes() == PEERS
    assert site.subnet() == subnet
    assert site.machine.show("hostgwd", "NRestarts")["NRestarts"] == "1"


def test_a_hanging_daemon_is_started_again(site: Site) -> None:
    """The watchdog is fed, and a daemon that no longer feeds it is replaced; no route is lost."""
    site.machine.write(
        "/etc/systemd/system/hostgwd.service.d/quick.conf",
        "[Service]\nWatchdogSec=2\nTimeoutAbortSec=1\n",
    )
    site.machine.run("systemctl", "daemon-reload")
    site.start_etcd()
    site.start()
    before = site.pid()
    fed = site.machine.show("hostgwd", "WatchdogTimestampMonotonic")
    eventually(lambda: site.machine.show("hostgwd", "WatchdogTimestampMonotonic") != fed)
    with no_route_lost(site):
        site.machine.run("kill", "-STOP", str(before))
        eventually(
            lambda: site.pid() not in {0, before} and site.state() == "active",
            within=30,
            what="another process",
        )
    assert "Watchdog timeout" in site.machine.journal("hostgwd")
    assert site.routes() == PEERS


def test_a_stopped_daemon_leaves_the_routes(site: Site) -> None:
    """`systemctl stop` ends the process well, and leaves routes and subnet.env where they are."""
    site.start_etcd()
    site.start()
    subnet = site.subnet()
    site.machine.run("systemctl", "stop", "hostgwd")
    shown = site.machine.show("hostgwd", "ActiveState", "Result", "ExecMainStatus")
    assert shown == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}
    assert site.routes() == PEERS
    assert site.subnet() == subnet


def test_what_networkd_takes_is_put_back(site: Site) -> None:
    """A networkd that starts takes no route; one that configures the link anew takes all."""
    site.machine.write(
        "/etc/systemd/network/eth0.network",
        "[Match]\nName=eth0\n[Network]\nLinkLocalAddressing=no\n"
        "[Address]\nAddress=192.168.50.1/24\nBroadcast=no\n",
    )
    drop_in = ROOT / "systemd/networkd.conf.d/hostgw.conf"
    site.machine.write("/etc/systemd/networkd.conf.d/hostgw.conf", drop_in.read_text())
    site.start_etcd()
    site.start()
    with no_route_lost(site):
        for _ in range(2):
            site.machine.run("systemctl", "restart", "systemd-networkd")
            eventually(
                lambda: "(configured)" in site.machine.run("networkctl", "status", "eth0"),
                what="networkd to have configured the link",
            )
    assert site.routes() == PEERS
    # The address goes and comes, and with it every route through the link, untold.
    before = site.machine.journal("hostgwd").count("changed the routes")
    site.machine.run("networkctl", "reconfigure", "eth0")
    eventually(
        lambda: site.machine.journal("hostgwd").count("changed the routes") > before,
        what="a pass that puts them back",
    )
    eventually(lambda: site.routes() == PEERS, what="the routes to be back")


def test_wrong_settings_are_told_once(site: Site) -> None:
    """A wrong setting is no reason to start again and again: the unit fails, and says why."""
    site.machine.write("/etc/default/hostgwd", "HOSTGW_HTTP_ADDRESS=nonsense\n")
    site.machine.run("systemctl", "start", "hostgwd", check=False)
    eventually(lambda: site.state() == "failed", what="the unit to have failed")
    shown = site.machine.show("hostgwd", "ExecMainStatus", "NRestarts")
    assert shown == {"ExecMainStatus": "2", "NRestarts": "0"}
    assert "http-address" in site.machine.journal("hostgwd")


def test_the_controller_runs_with_nothing(site: Site) -> None:
    """The controller's unit watches the same leases without any capability."""
    site.start_etcd()
    site.start("hostgw-controller")
    look = ["/opt/hostgw/bin/python", "-c", _LOOK]
    eventually(lambda: "hostgw_controller_leases 2.0" in site.machine.run(*look, check=False))
    pid = site.machine.show("hostgw-controller", "MainPID")["MainPID"]
    status = site.machine.run("cat", f"/proc/{pid}/status")
    assert re.findall(r"^Cap\w+:\t(\w+)$", status, re.MULTILINE) == ["0" * 16] * 5


def test_what_the_daemonset_grants_is_enough(site: Site) -> None:
    """As uid 0 with the manifest's capabilities, arguments and folders, the routes are made."""
    manifest = yaml.safe_load((ROOT / "deploy/kubernetes/daemonset.yaml").read_text())
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    context = container["securityContext"]
    folders = [
        volume["hostPath"]["path"]
        for volume in pod["volumes"]
        if volume.get("hostPath", {}).get("type") == "DirectoryOrCreate"
    ]
    capabilities = " ".join(f"CAP_{name}" for name in context["capabilities"]["add"])
    site.machine.run("mkdir", "-p", *folders)
    site.machine.write(
        "/etc/systemd/system/pod.service",
        "[Service]\nType=notify\n"
        f"User={context['runAsUser']}\nCapabilityBoundingSet={capabilities}\n"
        f"NoNewPrivileges=yes\nProtectSystem=strict\nReadWritePaths={' '.join(folders)}\n"
        "Environment=HOSTGW_ETCD_ENDPOINTS=http://192.168.50.2:2379 HOSTGW_NODE_NAME=node-1\n"
        f"ExecStart=/opt/hostgw/bin/hostgwd --iface=eth0 {' '.join(container['args'])}\n",
    )
    site.start_etcd()
    site.start("pod")
    assert site.routes() == PEERS
    eventually(lambda: "masquerade" in site.machine.run("nft", "list", "ruleset"))
    assert site.subnet().startswith("10.5.")
    assert "not permitted" not in site.machine.journal("pod")


_LOOK = """
from urllib.request import urlopen
print(urlopen("http://127.0.0.1:9746/metrics").read().decode())
"""
