"""The difference between the routes there should be and those there are, as writes in order.

A route whose key stands with another content is *moved*: the new one is appended beside it and the
old one deleted after that, so that there is never a moment without one, and nobody's route is ever
replaced. Everything that comes goes in before anything goes out.

Laws: doing plan(d, o) to o gives d; plan(d, d) is empty; no route is in two writes.
"""

from __future__ import annotations

from hostgw_daemon.kernel import Table, Verb, Write


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


def additions(writes: tuple[Write, ...]) -> tuple[Write, ...]:
    """Give the writes that take nothing away: all that may be done before the store was read."""
    return tuple(write for write in writes if write.verb is Verb.CREATE)
