"""The services in a real systemd: what they may do, judged from outside.

The machine is a container with a network namespace of a small LAN; etcd is on the LAN's other host.
Routes are read with `ip` from outside the container, everything about the process from systemd and
from /proc.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from support.debian_tree import ROOT
from support.service_site import PEERS, ServiceSite
from support.waiting import eventually

pytestmark = pytest.mark.root

CAP_NET_ADMIN = 1 << 12  # linux/capability.h


def test_it_is_started_when_the_routes_are_there_and_not_before(site: ServiceSite) -> None:
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


def test_the_process_has_one_capability_and_its_children_no_more(site: ServiceSite) -> None:
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


def test_files_belong_to_those_who_read_them(site: ServiceSite) -> None:
    """A flannel before us left root's files: they are taken over, and stay readable for all."""
    site.machine.write("/run/flannel/subnet.env", "FLANNEL_SUBNET=10.5.77.1/24\n")
    site.start_etcd()
    site.start()
    stat = ["stat", "--format=%U %a"]
    assert site.machine.run(*stat, "/run/flannel/subnet.env").strip() == "hostgw 644"
    assert site.machine.run(*stat, "/run/flannel").strip() == "hostgw 755"
    assert site.machine.run(*stat, "/var/lib/hostgw").strip() == "hostgw 700"
    assert site.subnet() == "10.5.77.1/24"


def test_the_conflist_is_written_where_the_page_says(site: ServiceSite) -> None:
    """The unit lets its user write to /etc/cni/net.d and nowhere else in /etc."""
    site.machine.run("install", "-d", "-m", "0775", "-g", "hostgw", "/etc/cni/net.d")
    drop_in = "[Service]\nEnvironment=HOSTGW_CNI_CONF=/etc/cni/net.d/10-hostgw.conflist\n"
    site.machine.write("/etc/systemd/system/hostgwd.service.d/cni.conf", drop_in)
    site.machine.run("systemctl", "daemon-reload")
    site.start_etcd()
    site.start()
    eventually(lambda: attaching(site)["type"] == "bridge")
    (ranges,) = attaching(site)["ipam"]["ranges"]
    assert ranges[0]["gateway"] == site.subnet().partition("/")[0]
    stat = ["stat", "--format=%U %a", "/etc/cni/net.d/10-hostgw.conflist"]
    assert site.machine.run(*stat).strip() == "hostgw 644"
    # No plugin is installed in this machine: that is said, and the service is well all the same.
    eventually(lambda: "cni_plugin_missing" in site.machine.journal("hostgwd"))
    assert site.state() == "active"


def test_wrong_settings_are_told_once(site: ServiceSite) -> None:
    """A wrong setting is no reason to start again and again: the unit fails, and says why."""
    site.machine.write("/etc/default/hostgwd", "HOSTGW_HTTP_ADDRESS=nonsense\n")
    site.machine.run("systemctl", "start", "hostgwd", check=False)
    eventually(lambda: site.state() == "failed", what="the unit to have failed")
    shown = site.machine.show("hostgwd", "ExecMainStatus", "NRestarts")
    assert shown == {"ExecMainStatus": "2", "NRestarts": "0"}
    assert "http-address" in site.machine.journal("hostgwd")


def test_the_controller_runs_with_nothing(site: ServiceSite) -> None:
    """The controller's unit watches the same leases without any capability."""
    site.start_etcd()
    site.start("hostgw-controller")
    look = ["/opt/hostgw/bin/python", "-c", _LOOK]
    eventually(lambda: "hostgw_controller_leases 2.0" in site.machine.run(*look, check=False))
    pid = site.machine.show("hostgw-controller", "MainPID")["MainPID"]
    status = site.machine.run("cat", f"/proc/{pid}/status")
    assert re.findall(r"^Cap\w+:\t(\w+)$", status, re.MULTILINE) == ["0" * 16] * 5


def test_what_the_daemonset_grants_is_enough(site: ServiceSite) -> None:
    """As uid 0 with the manifest's capabilities, arguments and folders, the routes are made."""
    site.machine.run("iptables-nft", "-P", "FORWARD", "DROP")
    site.start_etcd()
    start_as_a_pod(site)
    assert site.routes() == PEERS
    eventually(lambda: "masquerade" in site.machine.run("nft", "list", "ruleset"))
    eventually(lambda: accepted(site, "iptables-nft"))
    assert site.subnet().startswith("10.5.")
    eventually(lambda: attaching(site)["type"] == "bridge")
    assert "not permitted" not in site.machine.journal("pod")


def test_a_pod_sees_to_iptables_legacy_with_what_the_page_adds(site: ServiceSite) -> None:
    """Without it the condition has the words of the command; with it packets pass the policy."""
    site.machine.run("iptables-legacy", "-P", "FORWARD", "DROP")
    site.start_etcd()
    start_as_a_pod(site)
    eventually(lambda: "iptables-legacy refused" in site.machine.journal("pod"))
    start_as_a_pod(site, capabilities=["NET_RAW"], paths=["/run/xtables.lock"])
    eventually(lambda: accepted(site, "iptables-legacy"))


def start_as_a_pod(
    site: ServiceSite, *, capabilities: Sequence[str] = (), paths: Sequence[str] = ()
) -> None:
    """Start a unit that has what the manifest gives its container, and these beside it."""
    manifest = yaml.safe_load((ROOT / "deploy/kubernetes/daemonset.yaml").read_text())
    pod = manifest["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    context = container["securityContext"]
    folders = [
        volume["hostPath"]["path"]
        for volume in pod["volumes"]
        if volume.get("hostPath", {}).get("type") == "DirectoryOrCreate"
    ]
    granted = " ".join(f"CAP_{name}" for name in (*context["capabilities"]["add"], *capabilities))
    site.machine.run("mkdir", "-p", *folders)
    site.machine.write(
        "/etc/systemd/system/pod.service",
        "[Service]\nType=notify\n"
        f"User={context['runAsUser']}\nCapabilityBoundingSet={granted}\n"
        "NoNewPrivileges=yes\nProtectSystem=strict\n"
        f"ReadWritePaths={' '.join((*folders, *paths))}\n"
        "Environment=HOSTGW_ETCD_ENDPOINTS=http://192.168.50.2:2379 HOSTGW_NODE_NAME=node-1\n"
        f"ExecStart=/opt/hostgw/bin/hostgwd --iface=eth0 {' '.join(container['args'])}\n",
    )
    site.machine.run("systemctl", "daemon-reload")
    site.machine.run("systemctl", "stop", "pod")
    site.start("pod")


def accepted(site: ServiceSite, tool: str) -> bool:
    """Tell whether both of our rules stand in a FORWARD chain."""
    return site.machine.run(tool, "-S", "FORWARD").count("hostgw: ") == 2


def attaching(site: ServiceSite) -> dict[str, Any]:
    """Give what the conflist in the machine says first. An AssertionError while there is none."""
    said = site.machine.run("cat", "/etc/cni/net.d/10-hostgw.conflist", check=False)
    assert said
    first: dict[str, Any] = json.loads(said)["plugins"][0]
    return first


_LOOK = """
from urllib.request import urlopen
print(urlopen("http://127.0.0.1:9746/metrics").read().decode())
"""
