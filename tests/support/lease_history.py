"""The leases of a prefix at every revision that etcd had, read again by a watch of `etcdctl`.

Nothing of the programs under test is in it: keys and values are read by hand.
"""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import combinations
from typing import Any

from support.site import InsideCtl


@dataclass(frozen=True)
class Moment:
    """A revision, and the leases that stood at it: the subnet to the value."""

    revision: int
    leases: dict[IPv4Network, dict[str, Any]]


def history(ctl: InsideCtl, prefix: str, *, since: int = 1) -> list[Moment]:
    """Give every revision from `since` on that changed a lease, up to now, in order."""
    ctl.run("put", f"{prefix}/subnets/", "the end")  # the watch has no other way to say "now"
    found, leases = [Moment(since, {})], dict[IPv4Network, dict[str, Any]]()
    words = ["--prefix", f"--rev={since}", "-w", "json", f"{prefix}/subnets/"]
    endpoints = ",".join(ctl.ctl.endpoints)
    argv = ["env", "ETCDCTL_API=3", "etcdctl", f"--endpoints={endpoints}", "watch", *words]
    with ctl.inside.popen(argv, stdout=subprocess.PIPE) as watch:
        try:
            for line in watch.stdout or ():
                for event in json.loads(line).get("Events") or ():
                    name = base64.b64decode(event["kv"]["key"]).decode().rpartition("/")[2]
                    revision = int(event["kv"]["mod_revision"])
                    if not name:
                        return [*found[1:], Moment(revision, leases)]
                    if revision != found[-1].revision:
                        found.append(Moment(revision, leases))
                    leases = _after(leases, IPv4Network(name.replace("-", "/")), event)
                    found[-1] = Moment(revision, leases)
        finally:
            watch.kill()
    raise AssertionError("the watch ended before its time")


def _after(
    leases: dict[IPv4Network, dict[str, Any]], subnet: IPv4Network, event: dict[str, Any]
) -> dict[IPv4Network, dict[str, Any]]:
    """Give the leases as one event leaves them; a deletion has the type 1."""
    rest = {each: value for each, value in leases.items() if each != subnet}
    if event.get("type") == 1:
        return rest
    return {**rest, subnet: json.loads(base64.b64decode(event["kv"]["value"]))}


def assert_fenced(moments: list[Moment]) -> None:
    """No two leases shared an address at any revision, and no lease changed hands in its place."""
    before = Moment(0, {})
    for moment in moments:
        for one, other in combinations(moment.leases, 2):
            assert not one.overlaps(other), f"{one} and {other} at {moment.revision}"
        for subnet in before.leases.keys() & moment.leases.keys():
            owners = [each.leases[subnet].get("NodeID") for each in (before, moment)]
            assert owners[0] == owners[1], f"{subnet} at {moment.revision}: {owners}"
        before = moment
