"""The difference between the routes there should be and those there are, as writes in order.

A route whose key stands with another content is *moved*: the new one is appended beside it and the
old one deleted after that, so that there is never a moment without one, and nobody's route is ever
replaced. Everything that comes goes in before anything goes out.

Laws: doing plan(d, o) to o gives d; plan(d, d) is empty; no route is in two writes.
"""

from __future__ import annotations

from collections.abc import Callable

from hostgw_daemon.kernel import Route, Table, Verb, Write


def plan(desired: Table, observed: Table) -> tuple[Write, ...]:
    """Give the writes that make `observed` into `desired`; both are ours alone."""
    missing, extra = desired - observed, observed - desired
    standing = {route.key for route in extra}
    # Sorted, so that the same difference is the same plan: for people, logs and tests.
    coming = [
        Write(Verb.APPEND if route.key in standing else Verb.CREATE, route)
        for route in sorted(missing)
    ]
    return (*coming, *(Write(Verb.DELETE, route) for route in sorted(extra)))


def permitted(writes: tuple[Write, ...], may_go: Callable[[Route], bool]) -> tuple[Write, ...]:
    """Give the writes that take away nothing but what may go.

    A moved route is appended only where the old one may go: two of one key are no state to be in.
    """
    return tuple(write for write in writes if write.verb is Verb.CREATE or may_go(write.route))
