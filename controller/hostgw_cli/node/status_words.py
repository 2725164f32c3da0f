"""The status in words, line by line: pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hostgw_cli.moments import ago, clock, span

Document = Mapping[str, Any]


def lines(status: Document, now: float) -> list[tuple[str, str]]:
    """Give heading and words of each line of `/v1/status`; `now` is in seconds since the epoch."""
    return [
        (status["node"], _self(status, now)),
        ("lease", _lease(status["claim"], now)),
        ("link", _link(status.get("uplink"))),
        ("store", _store(status["store"], now)),
        ("routes", _routes(status["routes"], now)),
        ("peers", _peers(status["peers"])),
        *_further(status, now),
        *_wrong(status),
    ]


def _self(status: Document, now: float) -> str:
    ready = "ready" if status["ready"] else "not ready"
    up = span(now - status["started"])
    return f"{ready}: hostgwd {status['version']}, pid {status['pid']}, up {up}"


def _lease(claim: Document, now: float) -> str:
    subnets = " and ".join(claim.get("subnets", ())) or "none"
    said = [subnets, claim["phase"]]
    if claim.get("how"):
        said.append(claim["how"])
    if claim.get("expires"):
        said.append(f"good for {span(claim['expires'] - now)} without the store")
    return ", ".join(said)


def _link(uplink: Document | None) -> str:
    if uplink is None:
        return "none leads to the other nodes"
    addresses = " and ".join(uplink["addresses"])
    state = "up" if uplink["up"] else "down"
    return f"{uplink['interface']} {state}, {addresses}, MTU {uplink['mtu']} ({uplink['reason']})"


def _store(store: Document, now: float) -> str:
    if not store["connected"] and not store.get("last_contact"):
        return "not connected; it has not answered since the start"
    if not store["connected"]:
        return f"not connected; it last answered {ago(store.get('last_contact'), now)}"
    heard = ago(store.get("last_contact"), now)
    return f"connected to {store['endpoint']}, revision {store['revision']}, heard {heard}"


def _routes(routes: Document, now: float) -> str:
    said = f"{routes['installed']} of {routes['desired']} in the kernel"
    for name, word in (
        *(("missing", "missing"), ("shadows", "shadowed")),
        ("fights", "deleted by somebody as fast as they are put back"),
    ):
        if count := routes[name]["count"]:
            said += f", {count} {word}"
    last = routes.get("last_pass")
    if last:
        took = f"{last['seconds'] * 1000:.1f} ms"
        said += f"; last pass {last['kind']} ({last['cause']}) {ago(last['ended'], now)}, {took}"
    return said


def _peers(peers: Document) -> str:
    states = sorted(peers["by_state"].items(), key=lambda each: (-each[1], each[0]))
    counted = ", ".join(f"{count} {state}" for state, count in states if count)
    return f"{peers['count']}" + (f": {counted}" if counted else "")


def _further(status: Document, now: float) -> Iterator[tuple[str, str]]:
    """Give a line for each network but the first: an older daemon knows only one."""
    for network in status.get("networks", ())[1:]:
        ready = "ready" if network["ready"] else "not ready"
        peers = f"peers {_peers(network['peers'])}"
        yield network["name"], f"{ready}: {_lease(network['claim'], now)}; {peers}"


def _wrong(status: Document) -> Iterator[tuple[str, str]]:
    for condition in status.get("conditions", ()):
        since = clock(condition["since"])
        yield condition["severity"], f"{condition['code']}: {condition['title']} ({since})"
        if condition.get("detail"):
            yield "", condition["detail"]
        yield "", f"Cure: {condition['cure']}"
    if not status["ready"] and not status.get("conditions"):
        for why in status.get("why_not", ()):
            yield "not ready", why
