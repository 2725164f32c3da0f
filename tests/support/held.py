"""What the kernel in memory holds, and as which values that crosses the port."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from hostgw_core.model import Family
from hostgw_daemon.kernel import KIND_WORDS, PLAIN, UNICAST, ForeignRoute, Form, Route

Key: TypeAlias = tuple[bytes, int, int, int]


class Held(NamedTuple):
    """What one route holds beside its key."""

    protocol: int
    gateway: bytes
    link: int
    form: Form = PLAIN


def names(form: Form, held: Form) -> bool:
    """Tell whether a delete that names this form hits a route of that one: 0 is any."""
    return (
        form.kind in {UNICAST, held.kind}
        and form.source in {b"", held.source}
        and form.mtu in {0, held.mtu}
        and form.legs in {(), held.legs}
    )


def kind_of(held: Held) -> str:
    """Give the word of a route that leads nowhere, as `ip` shows it."""
    return f"{KIND_WORDS[held.form.kind]} " if held.form.kind in KIND_WORDS else ""


def family_of(key: Key) -> Family:
    """Give the family of a key."""
    return 4 if len(key[0]) == 4 else 6


def route_of(key: Key, held: Held) -> Route:
    """Give a held route as one of ours."""
    destination, length, metric, table = key
    return Route(destination, length, metric, held.gateway, held.link, table, held.form)


def foreign_of(key: Key, held: Held) -> ForeignRoute:
    """Give a held route as one of another's."""
    destination, length, metric, table = key
    return ForeignRoute(destination, length, metric, held.protocol, held.gateway, held.link, table)


def bare(route: ForeignRoute) -> Route:
    """Give a foreign route as one that a write can name."""
    destination, length, metric, _, gateway, link, table = route
    return Route(destination, length, metric, gateway, link, table)
