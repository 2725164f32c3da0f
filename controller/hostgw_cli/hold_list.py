"""What the daemon of a host holds, as rows for a person, and which of it a name means: pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network

import msgspec

from hostgw_cli.moments import span

HEADINGS = ("SUBNET", "GATEWAY", "NODE", "SINCE", "UNTIL", "WHY")


class Held(msgspec.Struct, frozen=True):
    """A lease that is gone from the store and still routed to; moments since the epoch."""

    key: str
    node: str
    subnets: tuple[str, ...]
    gateways: tuple[str, ...]
    reason: str
    grave: bool
    since: float
    until: float | None


class Leftovers(msgspec.Struct, frozen=True):
    """How many records are not believed, and the keys of the first."""

    count: int = 0
    first: tuple[str, ...] = ()


class History(msgspec.Struct, frozen=True):
    """Whether the store tells another history than the one that is known."""

    broken: bool = False
    foreign: bool = False
    sentence: str = ""
    leftovers: Leftovers = Leftovers()


class Holdings(msgspec.Struct, frozen=True):
    """What `/v1/holds` says, as far as it is used here."""

    holds: tuple[Held, ...] = ()
    history: History = History()


@dataclass(frozen=True, slots=True)
class Chosen:
    """The keys that names mean, and the names that mean nothing that is held."""

    keys: tuple[str, ...]
    unknown: tuple[str, ...]


def holdings(document: bytes) -> Holdings:
    """Read `/v1/holds`. Raise ValueError."""
    return msgspec.json.decode(document, type=Holdings)


def chosen(holds: Iterable[Held], names: Iterable[str]) -> Chosen:
    """Find what is meant: by its key, the key's last part, or a subnet of it."""
    by_name: dict[str, str] = {}
    for held in holds:
        last = held.key.rpartition("/")[2]
        by_name |= dict.fromkeys((held.key, last, *held.subnets), held.key)
    found = {name: by_name.get(name) or by_name.get(_subnet(name)) for name in names}
    return Chosen(
        tuple(dict.fromkeys(key for key in found.values() if key)),
        tuple(name for name, key in found.items() if not key),
    )


def _subnet(name: str) -> str:
    """Spell a subnet as the daemon does; what is none stays as it is."""
    try:
        return str(ip_network(name))
    except ValueError:
        return name


def rows(holds: Iterable[Held], now: float) -> list[tuple[str, ...]]:
    """Give the cells below the headings, in the order of the daemon."""
    return [
        (
            " ".join(held.subnets),
            " ".join(held.gateways),
            held.node or "-",
            f"{span(now - held.since)} ago",
            _until(held, now),
            held.reason,
        )
        for held in holds
    ]


def _until(held: Held, now: float) -> str:
    if held.until is None:
        return "you decide"
    left = span(held.until - now)
    return f"in {left}, if silent" if held.grave else f"in {left}"


def remarks(history: History) -> list[str]:
    """Say what is so with the history of the store, and what to do; nothing if all is well."""
    if not history.broken:
        return []
    said = [f"another history: {history.sentence}"]
    leftovers = history.leftovers
    if leftovers.count:
        more = leftovers.count - len(leftovers.first)
        named = ", ".join(leftovers.first) + (f" and {more} more" if more > 0 else "")
        said.append(f"not believed ({leftovers.count}): {named}")
    said.append(
        "correct --etcd-endpoints; or, if that store is ours, `hostgwctl hold accept --history`"
        if history.foreign
        else "it mends itself as nodes write again; `hostgwctl hold accept --history` believes it"
        " as it is"
    )
    return said
