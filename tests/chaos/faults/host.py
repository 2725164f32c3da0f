"""Somebody else's hand on a host: on its routes, its neighbours, its power, its address."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Final

from chaos.fault import Allowance, Fault, Ground, Injection, nothing, on
from chaos.planted import LINK
from chaos.stage import Stage
from hostgw_cli.lab.netns import Namespace, run_here
from hostgw_cli.lab.topology import LabError

_FLOOD: Final = 20_000  # routes

_REPAIRED: Final = Allowance(
    "what finds no route between its deletion and its repair is lost: 0.25 s at most",
    after=0.25,
    brief=True,
    removes=True,
)
_NO_POWER: Final = Allowance(
    "a host without power is not healthy, until its containers are attached again",
    after=0.25,
    removes=True,
)
_TWO_OWNERS: Final = Allowance(
    "of two hosts with one address the neighbours reach whichever answers", after=1.0
)


def _flush(stage: Stage, injection: Injection) -> None:
    stage.hosts[injection.host].ip("-4", "route", "flush", "proto", "104")


def _some_route(stage: Stage, injection: Injection) -> list[str]:
    """Give one of our routes to another host's containers, in the words of `ip route`."""
    host = stage.hosts[injection.host]
    living = {str(subnet) for subnet in stage.subnets}
    found = host.ip_json("-4", "route", "show", "proto", "104")
    route = injection.chance.choice(
        sorted((each for each in found if each["dst"] in living), key=lambda each: each["dst"])
    )
    words = [route["dst"], "via", route["gateway"], "dev", route["dev"]]
    return [*words, "metric", str(route["metric"])]


def _delete(stage: Stage, injection: Injection) -> None:
    route = _some_route(stage, injection)
    stage.hosts[injection.host].ip("route", "delete", *route, "proto", "104")


def _replace(stage: Stage, injection: Injection) -> None:
    route = _some_route(stage, injection)
    stage.hosts[injection.host].ip("route", "replace", *route, "proto", "99")


def _replace_no_more(stage: Stage, injection: Injection) -> None:
    host = stage.hosts[injection.host]
    for route in host.ip_json("-4", "route", "show", "proto", "99"):
        host.ip("route", "delete", route["dst"], "proto", "99", "metric", str(route["metric"]))


def _forget_neighbours(stage: Stage, injection: Injection) -> None:
    stage.hosts[injection.host].ip("neigh", "flush", "all")


def _cut(stage: Stage, injection: Injection) -> None:
    stage.cut(injection.host)


def _boot(stage: Stage, injection: Injection) -> None:
    stage.hosts[injection.host].power_on()
    stage.boot(injection.host)


def _boot_without_etcd(stage: Stage, injection: Injection) -> None:
    stage.cut(injection.host)
    stage.etcd.stop()
    _boot(stage, injection)


def _start_etcd(stage: Stage, injection: Injection) -> None:
    """See first that the host came up without etcd: its routes, and its containers' subnet."""
    host = stage.hosts[injection.host]
    if stage.is_detached(injection.host) or not stage.ours(injection.host):
        raise LabError(f"{host.name} did not come up while etcd was down")
    stage.etcd.start()


def _duplicate(stage: Stage, injection: Injection) -> None:
    stage.admit_newcomer(injection.host)


def _expel(stage: Stage, injection: Injection) -> None:
    """Take the newcomer away, and let everybody ask for the address anew."""
    ready = stage.expel_newcomer()
    for name in stage.lab.topology.namespaces.values():
        if (inside := Namespace(name)).exists:
            inside.ip("neigh", "flush", "all")
    if ready:
        address = stage.hosts[injection.host].plan.address.ip
        raise LabError(f"a newcomer with the address {address} of another became ready")


def _flood(stage: Stage, injection: Injection) -> None:
    _batch(stage, injection, "add")


def _ebb(stage: Stage, injection: Injection) -> None:
    _batch(stage, injection, "delete")


def _batch(stage: Stage, injection: Injection, verb: str) -> None:
    first = IPv4Address("100.64.0.0")
    run_here(
        ["ip", "-n", stage.hosts[injection.host].namespace.name, "-batch", "-"],
        input="".join(
            f"route {verb} {first + number}/32 dev {LINK} proto 99 metric 7\n"
            for number in range(_FLOOD)
        ),
    )


FAULTS: Final = (
    Fault("routes-flushed", on(Ground.HOST), _flush, nothing, _REPAIRED),
    Fault("route-deleted", on(Ground.HOST), _delete, nothing, _REPAIRED),
    Fault("route-replaced", on(Ground.HOST), _replace, _replace_no_more, _REPAIRED),
    Fault("neighbours-forgotten", on(Ground.HOST), _forget_neighbours),
    Fault("flooded", on(Ground.HOST), _flood, _ebb, within=4.0),
    Fault(
        "power-cut",
        on(Ground.HOST, Ground.DAEMON),
        _cut,
        _boot,
        _NO_POWER,
        lasts=(0.5, 4.0),
        silences=True,
        within=10.0,
    ),
    Fault(
        "booted-without-etcd",
        on(Ground.HOST, Ground.DAEMON, Ground.STORE),
        _boot_without_etcd,
        _start_etcd,
        _NO_POWER,
        lasts=(4.0, 6.0),  # a daemon takes a second to start, on a busy machine more
        silences=True,
        within=5.0,
    ),
    Fault(
        "address-twice",
        on(Ground.HOST, Ground.DAEMON),
        _duplicate,
        _expel,
        _TWO_OWNERS,
        lasts=(2.0, 4.0),
        within=10.0,
    ),
)
