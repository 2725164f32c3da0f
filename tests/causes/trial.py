"""One cause, made and taken away: all that must be said of it, by whom, and how soon."""

from __future__ import annotations

from collections.abc import Callable

from causes.cluster import NAMED, NODES, Case, Cluster
from hostgw_core.model import Family


def tried(
    cause: str,
    case: Case,
    cluster: Cluster,
    record: Callable[[str, object], None],
    *,
    family: Family = 4,
) -> None:
    """Fail unless it is named in the state, the metric and `hostgwctl explain`, and clears.

    `record` takes the seconds. Raise AssertionError.
    """
    cluster.all_well(within=60.0)
    expected = case.expected(cluster)
    try:
        case.inject(cluster)
        named = cluster.named(expected, also=case.also, within=NAMED, started=case.started)
        record("named", f"{named:.1f}")
        for name in NODES:
            of = [state for (who, _), state in expected.items() if who == name]
            for state in set(of):
                assert cluster.counted(name, state) == of.count(state)
        for who, (whom, state) in {who: (of, it) for (who, of), it in expected.items()}.items():
            strange = f"10.244.{whom.removeprefix('x') if whom != 'far' else 250}.7"
            address = cluster.pod(whom, family) if whom in NODES else strange
            status, words = cluster.explain(who, address)
            if case.explained:
                assert case.explained in words, words
            else:
                assert (status, state in words.splitlines()[-1]) == (1, True), words
    finally:
        case.heal(cluster)
    record("cleared", f"{cluster.all_well(within=case.cleared):.1f}")
