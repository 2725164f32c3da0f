"""A lab whose hosts run flannel or hostgwd, one after the other or side by side.

Read with `ip`, `etcdctl` and `iptables-save`; hostgwd is asked only for what it says of itself.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import IPv4Interface
from itertools import pairwise
from typing import Any, NamedTuple

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.host import Host
from support.flannel import Flannel
from support.waiting import eventually

SUBNETS = "/coreos.com/network/subnets/"
OURS, FLANNELS = "104", "boot"  # the protocol of a route, as `ip` names it


class Lease(NamedTuple):
    """A lease as it is stored; `version` counts its writes."""

    value: dict[str, Any]
    etcd_lease: str
    version: int


class FlannelSite:
    """The lab, and flannel for each of its hosts."""

    def __init__(self, lab: Lab) -> None:
        self.etcd = lab.etcd
        self.hosts = lab.hosts
        self.containers = lab.containers
        self.configure = lab.configure
        self.flannel = {host: Flannel(host, lab.etcd.endpoints) for host in lab.hosts}

    def attach(self) -> None:
        """Attach the containers, and wait until each host has a route to each other."""
        for host in self.hosts:
            host.attach_containers()
        eventually(lambda: all(len(peers(host)) >= len(self.hosts) - 1 for host in self.hosts))

    @contextmanager
    def lossless(self) -> Iterator[None]:
        """Ping between each two neighbours of a ring, both ways, and lose nothing."""
        ring = [*self.containers, self.containers[0]]
        with ExitStack() as stack:
            pings = [
                stack.enter_context(one.ping_steadily(other, interval=0.01))
                for pair in pairwise(ring)
                for one, other in (pair, pair[::-1])
            ]
            yield
        results = [each.result for each in pings]
        assert min(each.sent for each in results) > 10
        assert [each.said for each in results if each.lost] == []

    def put(self, name: str, *, via: object, via6: str | None = None, **fields: object) -> None:
        """Write a lease as flannel does: whatever stands there."""
        value = {"PublicIP": str(via), "PublicIPv6": via6, "BackendType": "host-gw", **fields}
        self.etcd.ctl("put", SUBNETS + name, "--", json.dumps(value))

    def lease(self, subnet: str) -> Lease:
        """Read a lease."""
        (entry,) = self.etcd.ctl_json("get", SUBNETS + subnet.replace("/", "-"))["kvs"]
        value = json.loads(base64.b64decode(entry["value"]))
        return Lease(value, f"{entry.get('lease', 0):x}", entry["version"])

    def expire(self, etcd_lease: str) -> None:
        """Let an etcd lease end, with whatever key hangs on it."""
        self.etcd.ctl("lease", "revoke", etcd_lease)


def subnet(host: Host) -> str:
    """Give the subnet that a host publishes in its file."""
    return str(IPv4Interface(host.subnet_env()["FLANNEL_SUBNET"]).network)


def peers(host: Host) -> dict[str, tuple[str, str]]:
    """Give the routes into the containers' network: destination to protocol and gateway."""
    return {
        route["dst"]: (route["protocol"], route["gateway"])
        for route in host.ip_json("-details", "route", "show", "root", "10.244.0.0/16")
        if "gateway" in route
    }


def all_of(host: Host, protocol: str) -> bool:
    """Tell whether every route into the containers' network is of one protocol."""
    return {found for found, _ in peers(host).values()} == {protocol}


def others(host: Host) -> set[str]:
    """Give the routes that are not ours, of all tables but the kernel's own, as words."""
    return {
        " ".join(f"{word} {route[word]}" for word in sorted(route) if word != "flags")
        for route in host.ip_json("-details", "route", "show", "table", "all")
        if route["protocol"] not in (OURS, "kernel")
    }


def rules(host: Host) -> list[str]:
    """Give flannel's rules."""
    said = host.run("iptables-save").stdout
    return [line for line in said.splitlines() if "FLANNEL" in line and line.startswith("-A")]


def status(host: Host) -> dict[str, Any]:
    """Read what hostgwd says of itself."""
    answer: dict[str, Any] = json.loads(host.http("/v1/status")[1])
    return answer


def conditions(host: Host) -> dict[str, str]:
    """Give the conditions that hostgwd shows: code to detail."""
    return {each["code"]: each["detail"] for each in status(host)["conditions"]}


def refusals(host: Host) -> dict[str, str]:
    """Give the records that hostgwd does not use: the key's last part to the reason."""
    return {
        each["key"].removeprefix(SUBNETS): each["reason"]
        for each in status(host)["refusals"]["first"]
    }
