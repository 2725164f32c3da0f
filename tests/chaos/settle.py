"""After quiet the tables equal the leases, on every host: soon, and an audit later still.

The leases are read with `etcdctl`, the tables with `ip`; which record must be routed to is said
here anew, in the few words that suffice for the records that the driver writes.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network

from chaos import planted
from chaos.record import Violation
from chaos.stage import AUDIT, Stage
from chaos.store_witness import LEASES
from hostgw_cli.lab.netns import CommandError
from hostgw_cli.lab.topology import NETWORK, UNDERLAY, LabError
from hostgw_cli.lab.waiting import PAUSE
from hostgw_core.model import IPAddress

AUDITED = AUDIT * 1.15  # seconds in which an audit has surely come


def routable(key: str, value: bytes) -> IPv4Address | None:
    """Give the gateway of a lease that must be routed to; None for a record that must not."""
    try:
        subnet = IPv4Network(key.replace("-", "/"))
        record = json.loads(value)
        gateway = IPv4Address(record["PublicIP"])
    except (ValueError, TypeError, KeyError):
        return None
    good = (
        subnet.prefixlen == 24
        and subnet.subnet_of(NETWORK)
        and gateway in UNDERLAY
        and record.get("BackendType") == "host-gw"
    )
    return gateway if good else None


def expected(leases: Sequence[tuple[str, bytes]], own: IPAddress) -> dict[str, str]:
    """Give destination and gateway of each route that a host must have."""
    gateways = {key.replace("-", "/"): routable(key, value) for key, value in leases}
    return {
        subnet: str(gateway)
        for subnet, gateway in gateways.items()
        if gateway is not None and gateway != own
    }


def leases(stage: Stage) -> list[tuple[str, bytes]]:
    """Read the leases with etcdctl."""
    found = stage.etcd.ctl_json("get", "--prefix", LEASES).get("kvs", [])
    pairs = [(_text(each["key"]), base64.b64decode(each.get("value", ""))) for each in found]
    return [(key.removeprefix(LEASES), value) for key, value in pairs]


def differences(stage: Stage) -> list[Violation]:
    """Look once, and give everything that is not as it must be after quiet."""
    records = leases(stage)
    keys = {key for key, _ in records}
    found = [
        Violation("leases", f"the lease of {subnet} is not in etcd")
        for subnet in stage.subnets
        if str(subnet).replace("/", "-") not in keys
    ]
    for number, host in enumerate(stage.hosts):
        if not host.ready:
            found.append(Violation("ready", f"{host.name} is not ready"))
            continue
        wanted, there = expected(records, host.plan.address.ip), stage.ours(number)
        held = stage.held(number) if there.items() - wanted.items() else frozenset()
        lacks = sorted(wanted.items() - there.items())
        extra = sorted(item for item in there.items() - wanted.items() if item[0] not in held)
        if lacks or extra:
            found.append(
                Violation("tables", f"{host.name} lacks {_few(lacks)}, has too many {_few(extra)}")
            )
        found += [
            Violation("foreign routes", f"{host.name} lost {each}")
            for each in planted.missing(host.namespace)
        ]
    return found


def settle(stage: Stage, *, quiet: float, within: float) -> tuple[float, list[Violation]]:
    """Let the canary move; give the seconds since `quiet` until all was right, and what was not.

    Twice: as soon as it can be, and once more an audit later.
    """
    while True:
        try:
            stage.move_canary()
            break
        except CommandError as error:  # a member is in the middle of an election
            if time.monotonic() > quiet + within:
                return within, [Violation("store", str(error))]
    took, wrong = _until_right(stage, quiet=quiet, within=within)
    if wrong:
        return took, wrong
    stage.rest(AUDITED)
    again = differences(stage)
    return took, [
        Violation(each.invariant, f"{each.detail}, an audit after all was well") for each in again
    ]


def _until_right(stage: Stage, *, quiet: float, within: float) -> tuple[float, list[Violation]]:
    while True:
        try:
            wrong = differences(stage)
        except (CommandError, LabError) as error:
            wrong = [Violation("store", str(error))]
        took = time.monotonic() - quiet
        if not wrong or took > within:
            return took, [
                Violation(each.invariant, f"{each.detail}, {took:.1f} s after quiet")
                for each in wrong
            ]
        stage.rest(PAUSE)


def _text(encoded: str) -> str:
    return base64.b64decode(encoded).decode(errors="replace")


def _few(items: Sequence[tuple[str, str]]) -> str:
    shown = ", ".join(f"{subnet} via {gateway}" for subnet, gateway in items[:3])
    return f"{shown} and {len(items) - 3} more" if len(items) > 3 else shown or "nothing"
