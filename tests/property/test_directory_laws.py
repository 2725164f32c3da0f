"""The law of whom there is to ask: however it came about, it is what a fresh aim gives."""

from __future__ import annotations

import hypothesis.strategies as st
from hypothesis import given, settings

from hostgw_daemon.probe.directory import Directory
from hostgw_daemon.probe.prober import Prober
from hostgw_daemon.probe.target import Key, Target
from support.fake_probes import Site, gateway, host, key, target

numbers, networks = st.integers(2, 5), st.sampled_from((5, 6))
# Hosts are few, so that several networks and records of doubtful origin share them.
targets = st.builds(
    lambda at, where: Target(f"id-{at}", host(at), gateway(at, where), gateway(1, where)),
    numbers,
    networks,
)
changes = st.lists(
    st.dictionaries(st.builds(key, numbers, networks), st.none() | targets, max_size=4), max_size=8
)


def found(directory: Directory) -> tuple[object, ...]:
    """Give everything that can be asked of it, by hand: no index is compared."""
    hosts = [host(n) for n in range(2, 6)]
    sources = [*hosts, *(gateway(n, w) for n in range(2, 6) for w in (5, 6))]
    return (
        dict(directory.targets),
        {each: set(directory.at(each)) for each in hosts},
        {(s, w): directory.asker(s, gateway(1, w)) for s in sources for w in (5, 6)},
    )


def expected(wanted: dict[Key, Target]) -> tuple[object, ...]:
    """Say the same of a mapping, looking through all of it."""
    hosts = [host(n) for n in range(2, 6)]
    sources = [*hosts, *(gateway(n, w) for n in range(2, 6) for w in (5, 6))]

    def asker(source: object, ours: object) -> Target | None:
        asks = {k: t for k, t in wanted.items() if t.ours == ours and source in (t.host, t.gateway)}
        return asks[min(asks)] if asks else None

    return (
        wanted,
        {each: {k for k, t in wanted.items() if t.host == each} for each in hosts},
        {(s, w): asker(s, gateway(1, w)) for s in sources for w in (5, 6)},
    )


def directory(prober: Prober) -> Directory:
    """Give what it looks things up in."""
    return prober._directory


@given(changes)
@settings(deadline=None)
def test_amended_in_any_order_is_what_an_aim_gives(steps: list[dict[Key, Target | None]]):
    """Whoever comes, moves, shares a host or goes: who is left is found, and nobody else."""
    site, aimed = _site(), _site()
    wanted: dict[Key, Target] = {}
    for step in steps:
        site.prober.amend(step)
        for each, there in step.items():
            wanted.pop(each, None)
            if there is not None:
                wanted[each] = there
        aimed.prober.aim(wanted)
        assert found(directory(site.prober)) == expected(wanted)
        assert found(directory(aimed.prober)) == expected(wanted)
        assert set(site.prober._turns._due) == set(aimed.prober._turns._due) == set(wanted)
    site.prober.aim({})
    assert site.prober._turns.next() is None
    assert directory(site.prober)._at == directory(site.prober)._askers == {}


def _site() -> Site:
    return Site(clock=lambda: 0.0)


def test_a_host_of_two_networks_is_found_in_the_one_that_is_left():
    """The other is gone, and takes nothing of it along."""
    site = _site()
    site.prober.amend({key(2): target(2), key(2, 6): target(2, 6)})
    site.prober.amend({key(2, 6): None})
    assert directory(site.prober).asker(host(2), gateway(1)) == target(2)
    assert directory(site.prober).asker(host(2), gateway(1, 6)) is None
