"""Chains of nftables as one packet meets them: libnftables-json(5) to steps. Pure.

What is not understood is unknown, never left out: a match that is unknown may fit, a statement that
is unknown may decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, summarize_address_range
from typing import Any, Final

from hostgw_core.model import IPNetwork
from hostgw_daemon.rules.passage import (
    Fit,
    Packet,
    Step,
    Steps,
    Verdict,
    both,
    named,
    read_network,
    unless,
    within,
)
from hostgw_daemon.rules.ruleset import Json

_WITHOUT_EFFECT: Final = frozenset({"counter", "log", "mangle", "notrack", "flow", "ct helper"})
_ENDS: Final = {
    "accept": Verdict.ACCEPT,
    "drop": Verdict.DROP,
    "reject": Verdict.DROP,
    "return": Verdict.RETURN,
    "continue": Verdict.CONTINUE,
}


def steps_of(objects: Iterable[Json], packet: Packet) -> Steps:
    """Give the steps of every chain in the listing of one table."""
    objects = tuple(objects)
    sets = {name: body.get("elem", []) for name, body in _bodies(objects, "set", "name")}
    chains: dict[str, list[Step]] = {name: [] for name, _ in _bodies(objects, "chain", "name")}
    for name, rule in _bodies(objects, "rule", "chain"):
        try:
            step = _step(rule.get("expr", []), packet, sets)
        except (AttributeError, KeyError, TypeError, ValueError):  # no nft has printed that so far
            step = Step(None, Verdict.UNKNOWN)
        chains.setdefault(name, []).append(step)
    return chains


def _bodies(objects: Iterable[Json], kind: str, name: str) -> Iterator[tuple[str, Json]]:
    for each in objects:
        body = each.get(kind)
        if isinstance(body, dict) and isinstance(body.get(name), str):
            yield body[name], body


def _step(statements: Iterable[Json], packet: Packet, sets: Mapping[str, Any]) -> Step:
    fits: Fit = True
    for statement in statements:
        kind = next(iter(statement), "")
        body: Any = statement.get(kind)
        if kind == "match":
            fits = both(fits, _fits(body, packet, sets) if isinstance(body, dict) else None)
        elif kind in _ENDS:
            return Step(fits, _ENDS[kind])
        elif kind in ("jump", "goto"):
            return Step(fits, Verdict(kind), str(body.get("target") if body else ""))
        elif kind == "vmap" and isinstance(body, dict):
            return _mapped(fits, body, packet)
        elif kind == "limit":
            fits = both(fits, None)
        elif kind not in _WITHOUT_EFFECT:
            return Step(fits, Verdict.UNKNOWN)
    return Step(fits, Verdict.CONTINUE)


def _mapped(fits: Fit, vmap: Json, packet: Packet) -> Step:
    """Take the verdict that a map has for a new connection; of other maps nothing is known."""
    data = vmap.get("data")
    pairs = data.get("set") if isinstance(data, dict) else None
    if vmap.get("key") != {"ct": {"key": "state"}} or not isinstance(pairs, list):
        return Step(fits, Verdict.UNKNOWN)
    for pair in pairs:
        if pair[:1] == ["new"]:
            step = _step(pair[1:], packet, {})
            return Step(fits, step.verdict, step.target)
    return Step(fits, Verdict.CONTINUE)


def _fits(match: Json, packet: Packet, sets: Mapping[str, Any]) -> Fit:
    fits = _equal(match.get("left"), _words(match.get("right"), sets), packet)
    return unless(fits) if match.get("op") == "!=" else fits


def _equal(left: Any, words: list[Any] | None, packet: Packet) -> Fit:
    if not isinstance(left, dict) or words is None:
        return None
    kind = next(iter(left), "")
    asked = left.get(kind)
    if not isinstance(asked, dict):
        return None
    if kind == "payload":
        return _of_address(asked, words, packet)
    if not all(isinstance(word, str) for word in words):
        return None
    if kind == "meta":
        return _of_meta(asked.get("key"), words, packet)
    return _of_connection(asked.get("key"), words) if kind == "ct" else None


def _of_address(payload: Json, words: list[Any], packet: Packet) -> Fit:
    if payload.get("field") not in ("saddr", "daddr"):
        return None
    if payload.get("protocol") != ("ip" if packet.family == 4 else "ip6"):
        return False if payload.get("protocol") in ("ip", "ip6") else None
    networks = _networks(words)
    end = packet.source if payload["field"] == "saddr" else packet.destination
    return None if networks is None else within(end, networks)


def _of_connection(key: object, words: list[str]) -> Fit:
    if key == "state":
        return "new" in words
    return False if key == "status" and set(words) <= {"dnat", "snat"} else None


def _of_meta(key: object, words: list[str], packet: Packet) -> Fit:
    if key in ("nfproto", "protocol"):
        ours = {"ipv4", "ip"} if packet.family == 4 else {"ipv6", "ip6"}
        return bool(ours & set(words))
    if key in ("iifname", "iif"):
        return named(packet.enters, words)
    if key in ("oifname", "oif"):
        return named(packet.leaves, words)
    return None


def _words(right: Any, sets: Mapping[str, Any]) -> list[Any] | None:
    """Give what a right side lists; None where it cannot be said."""
    if isinstance(right, str) and right.startswith("@"):
        right = {"set": sets.get(right[1:])}
    if isinstance(right, dict) and "set" in right:
        right = right["set"]
    if isinstance(right, list):
        return right
    return [right] if isinstance(right, str | dict) else None


def _networks(words: Iterable[Any]) -> list[IPNetwork] | None:
    """Read addresses, prefixes and ranges; None where one of them is something else."""
    found: list[IPNetwork] = []
    for word in words:
        try:
            found += _span(word)
        except (ValueError, TypeError, KeyError):
            return None
    return found


def _span(word: Any) -> Iterable[IPNetwork]:
    if isinstance(word, dict) and "prefix" in word:
        word = f"{word['prefix']['addr']}/{word['prefix']['len']}"
    if isinstance(word, dict) and "range" in word:
        first, last = (ip_address(end) for end in word["range"])
        if isinstance(first, IPv4Address) and isinstance(last, IPv4Address):
            return summarize_address_range(first, last)
        if isinstance(first, IPv6Address) and isinstance(last, IPv6Address):
            return summarize_address_range(first, last)
        raise ValueError("a range of two families")
    network = read_network(word) if isinstance(word, str) else None
    if network is None:
        raise ValueError("no address")
    return [network]
