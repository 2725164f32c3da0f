"""A lab of one or both address families: what is stored, routed, answered and said there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.host import Host
from hostgw_cli.lab.pairs import ping_all
from hostgw_cli.lab.status import our_routes
from support.waiting import eventually

LEASES = "/coreos.com/network/subnets/"
LEASES6 = "/coreos.com/network/hostgw/subnets6/"
SOON = 20.0  # seconds


def values(lab: Lab, prefix: str) -> dict[str, Any]:
    """Give keys below a prefix with their values, as etcdctl has them."""
    said = lab.etcd.ctl("get", "--prefix", prefix).stdout.splitlines()
    return {
        k.removeprefix(prefix): json.loads(v) for k, v in zip(said[::2], said[1::2], strict=True)
    }


def ours(host: Host) -> set[tuple[str, str | None]]:
    """Give destination and gateway of the routes of protocol 104, in both families."""
    return {(each["dst"], each.get("gateway")) for each in our_routes(host)}


def wanted(host: Host, hosts: Sequence[Host]) -> set[tuple[str, str | None]]:
    """Give the routes that a host should have, from the others' subnet.env and addresses."""
    return {
        (str(subnet), str(next(a.ip for a in other.plan.addresses if a.version == family)))
        for other in hosts
        if other is not host
        for family, subnet in other.subnets().items()
    }


def settled(lab: Lab, hosts: Sequence[Host] = ()) -> None:
    """Wait until every host has exactly the routes to the others."""
    hosts = hosts or lab.hosts

    def look() -> bool:
        for host in hosts:
            assert ours(host) == wanted(host, hosts), host.name
        return True

    eventually(look, within=SOON)


def conditions(host: Host) -> dict[str, str]:
    """Give the conditions that a daemon says, by code."""
    status = json.loads(host.http("/v1/status")[1])
    return {each["code"]: each["detail"] for each in status["conditions"]}


def unanswered(lab: Lab) -> list[str]:
    """Ping every pair in every family once; give those without an answer."""
    return [str(each) for each in ping_all(lab.containers, count=1) if not each.echo]
