"""Why packets to an address do or do not arrive: facts in, steps and a sentence out. Pure.

The steps go from the record to the wire. Each is well, not well, or only tells something; the first
that is not well is what is wrong, for what comes after it is its consequence; but where the daemon
itself names a cause, that is it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from typing import Any

ANSWERS = frozenset({"REACHABLE", "STALE", "DELAY", "PROBE", "NOARP", "PERMANENT"})
"""States of a neighbour that packets are sent to; ip-neighbour(8)."""

CAUSE = "the cause"
"""The step in which the daemon names a cause: it knows best."""

WELL = frozenset({"ok", "unprobed", "self"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What everybody said. `documents` are those of `/v1/`, or `rows` of the store's leases.

    Of several networks, peers, leases and refusals are put together; `configs` has the others'.

    `way` is what the kernel answers to `ip route get`, `neighbour` the state of the next hop;
    `away` names who could not be asked, with the reason; `own` are addresses of this host, by which
    it knows its own among the `rows`.
    """

    address: str
    documents: Mapping[str, Any] = field(default_factory=dict)
    way: Mapping[str, Any] | None = None
    neighbour: str = ""
    away: Mapping[str, str] = field(default_factory=dict)
    own: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was looked at; `well` is None where it only tells something."""

    what: str
    says: str
    well: bool | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The steps, whether all is well (None: not known), and the sentence that says it."""

    address: str
    well: bool | None
    sentence: str
    steps: tuple[Step, ...]


def explain_address(facts: Facts) -> Explanation:
    """Explain."""
    steps = (*_absent(facts), *_owner(facts))
    bad = [step for step in steps if step.well is False]
    wrong = next((step for step in bad if step.what == CAUSE), bad[0] if bad else None)
    well = None if wrong is None and _unasked(facts) else wrong is None
    if well is None:
        sentence = f"It is not known whose {facts.address} is: neither the daemon of this host nor"
        sentence += " the store could be asked."
    elif wrong is None:
        sentence = f"Nothing is wrong with packets from this host to {facts.address}, as far as is"
        sentence += " known here."
    else:
        sentence = f"{wrong.what}: {wrong.says}"
    return Explanation(facts.address, well, sentence, steps)


def _unasked(facts: Facts) -> bool:
    return {"daemon", "store"} <= facts.away.keys()


def _absent(facts: Facts) -> Iterator[Step]:
    for who, why in facts.away.items():
        yield Step(f"the {who}", f"could not be asked: {why}")


def _owner(facts: Facts) -> Iterator[Step]:
    address = ip_address(facts.address)
    lease = _lease_of(facts, address)
    node = _node_at(facts) if lease is None else None
    if lease is not None:
        yield from _pod(facts, lease)
    elif node is not None:
        yield Step("whose", f"the address of the node {node['node'] or node['key']} itself", True)
        yield from _kernel(facts, None)
        if "daemon" not in facts.away:
            yield from _probe(node)
    elif refused := _refused(facts, address):
        yield Step("whose", f"of a record that is not used ({refused['key']})")
        yield Step("the record", f"{refused['reason']}: {refused['detail']}", False)
    elif (facts.way or {}).get("type") == "local":
        yield Step("whose", "an address of this host itself: its kernel keeps such packets", True)
    elif network := _network_of(facts, address):
        yield Step("whose", f"nobody's: no node has leased a subnet of {network} with it", False)
    else:
        nobody = "no subnet and no node of this cluster has it"
        yield Step("whose", "not known: nobody could be asked" if _unasked(facts) else nobody)
        yield from _kernel(facts, None)


def _pod(facts: Facts, lease: Mapping[str, Any]) -> Iterator[Step]:
    name = lease["node"] or lease.get("node_id") or "flannel's node"
    subnet = _subnet_with(lease, facts.address)
    yield Step("whose", f"of the subnet {subnet} of {name}", True)
    if lease["key"] in _own_keys(facts):
        yield Step("the way", "the subnet is this host's own: no route of ours leads there")
        yield from _here(facts)
        return
    peer = next((p for p in facts.documents.get("peers", ()) if p["key"] == lease["key"]), None)
    of_family = next((g for g in lease["gateways"] if (":" in g) == (":" in facts.address)), "")
    route = _route_to(facts, subnet)
    gateway = str(route["gateway"]) if route is not None else of_family
    if peer is not None and peer["state"] not in WELL and peer["state"] != "held":
        yield Step("the gateway", f"{gateway}", None)
    else:
        yield Step("the gateway", f"{gateway}, the address of {name}", bool(gateway))
    yield from _route(facts, subnet)
    withdrawn = route is not None and route["state"] == "withdrawn"  # then any way is right
    yield from _kernel(facts, None if withdrawn else gateway)
    if peer is not None:
        yield from _probe(peer)


def _here(facts: Facts) -> Iterator[Step]:
    if facts.way is None:
        yield Step("the kernel", "has no way there: no container interface has this subnet", False)
        return
    device = facts.way.get("dev", "")
    uplink = (facts.documents.get("status", {}).get("uplink") or {}).get("interface")
    if facts.way.get("type") == "local":
        yield Step("the kernel", "the address is this host's own: its pods' gateway", True)
    elif device == uplink or _hop(facts.way):  # behind a gateway no pod of this host is
        why = f"would send it out of {device}: no interface of this host has the subnet yet, for it"
        yield Step("the kernel", f"{why} has no containers", False)
    else:
        yield Step("the kernel", f"sends it to {device}", True)
        yield from _answers(facts, "the pod")


def _route(facts: Facts, subnet: str) -> Iterator[Step]:
    found = _route_to(facts, subnet)
    if found is None:
        if "routes" in facts.documents:
            yield Step("the route", "there is none to be, for the record is not followed", False)
        return
    words = f"{subnet} via {found['gateway']} metric {found['metric']}"
    if found["state"] == "installed":
        yield Step("the route", f"{words}, in the kernel", True)
    elif found["state"] == "withdrawn":
        yield Step("the route", f"{words} is withdrawn: {found['detail']}", False)
    else:
        yield Step("the route", f"{words} is missing: {found['detail'] or found['state']}", False)


def _kernel(facts: Facts, gateway: str | None) -> Iterator[Step]:
    """Compare the way that the kernel would take with the one that it should."""
    way = facts.way
    if way is None:
        yield Step("the kernel", "has no route there", False)
        return
    hop = _hop(way)
    if way.get("type") in {"multicast", "broadcast"}:
        yield Step("the kernel", f"sends it out of {way.get('dev', '')} to many ({way['type']})")
        return
    if way.get("type") in {"unreachable", "blackhole", "prohibit"}:
        yield Step("the kernel", f"answers {way['type']} there", False)
        return
    said = f"sends it {f'via {hop} ' if hop else ''}out of {way.get('dev', '')}"
    if gateway is not None and hop != gateway:
        said += f" and not via {gateway}: somebody else's route or rule comes first"
        yield Step("the kernel", f"{said} (`ip route get {facts.address}`)", False)
        return
    yield Step("the kernel", said, True if gateway is not None else None)
    yield from _answers(facts, hop or facts.address)


def _hop(way: Mapping[str, Any]) -> str:
    return str(way.get("gateway") or (way.get("via") or {}).get("host", ""))


def _answers(facts: Facts, who: str) -> Iterator[Step]:
    states = frozenset(facts.neighbour.split())
    if not states:
        yield Step("the link", f"{who} has not been asked for lately")
    elif states & ANSWERS:
        yield Step("the link", f"{who} answers ({facts.neighbour})", True)
    elif "FAILED" in states:
        yield Step("the link", f"{who} does not answer (ARP or neighbour discovery)", False)
    else:
        yield Step("the link", f"{who} is being asked for ({facts.neighbour})")


def _probe(peer: Mapping[str, Any]) -> Iterator[Step]:
    state, reason = peer["state"], peer["reason"]
    if state == "ok":
        yield Step("the probe", "packets arrive, as far as is known", True)
    elif state in WELL:
        yield Step("the probe", reason or state)
    elif state == "held":
        yield Step("the record", f"is gone from the store and kept in force: {reason}")
    else:
        yield Step(CAUSE, f"{state}: {reason}", False)


# -- who has the address --------------------------------------------------------------------------


def _lease_of(facts: Facts, address: Any) -> Mapping[str, Any] | None:
    """Find the lease of an address; one that is not used is a peer all the same, with its cause."""
    documents = facts.documents
    known = [each for name in ("leases", "peers", "rows") for each in documents.get(name, ())]
    return next((lease for lease in known if _subnet_with(lease, str(address))), None)


def _subnet_with(lease: Mapping[str, Any], address: str) -> str:
    wanted = ip_address(address)
    for subnet in lease["subnets"]:
        network = ip_network(subnet)
        if network.version == wanted.version and wanted in network:
            return str(subnet)
    return ""


def _own_keys(facts: Facts) -> set[str]:
    """Give the keys of our own leases, one in each network that we have one in."""
    rows = facts.documents.get("rows", ())
    if rows:
        return {row["key"] for row in rows if not facts.own.isdisjoint(row["gateways"])}
    status = facts.documents.get("status", {})
    return {each.get("claim", {}).get("key") for each in (status, *status.get("networks", ()))}


def _route_to(facts: Facts, subnet: str) -> Mapping[str, Any] | None:
    return next((r for r in facts.documents.get("routes", ()) if r["prefix"] == subnet), None)


def _node_at(facts: Facts) -> Mapping[str, Any] | None:
    known = facts.documents.get("peers") or [
        row for row in facts.documents.get("rows", ()) if facts.own.isdisjoint(row["gateways"])
    ]
    return next((peer for peer in known if facts.address in peer["gateways"]), None)


def _refused(facts: Facts, address: Any) -> Mapping[str, Any] | None:
    """Find a record that is not used, by the subnet that its key spells."""
    for refusal in facts.documents.get("refusals", ()):
        for part in refusal["key"].rpartition("/")[2].split("&"):
            try:
                network = ip_network(part.replace("-", "/"))
            except ValueError:
                continue
            if network.version == address.version and address in network:
                found: Mapping[str, Any] = refusal
                return found
    return None


def _network_of(facts: Facts, address: Any) -> str:
    configs = (facts.documents.get("config"), *facts.documents.get("configs", ()))
    for config in configs:
        pool = (config or {}).get("ipv4" if address.version == 4 else "ipv6") or {}
        network = str(pool.get("network", ""))
        if network and address in ip_network(network):
            return network
    return ""
