"""What may happen to a node between its look and its write, drawn at random."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from support.claim_outsiders import MEDDLING

which = st.integers(0, 3)


@dataclass(frozen=True)
class Overtaking:
    """What is done before a node goes on, and between its look and the write of a lease.

    Where there are `writes`, of that write of its presence. `i`, `j` and `calls` are numbers for
    what needs some.
    """

    before: str
    writes: int
    between: str
    i: int
    j: int | None
    calls: int


BEFORE = [
    *("is restarted", "is renamed", "loses its lease", "was flannel's", "has reserved"),
    *("has two leases", "has its key spoilt"),
]
BETWEEN = [
    *(*MEDDLING, "another goes on", "the network changes", "its presence ends"),
    *(["its twin runs"] * 3),
]
overtakings = st.builds(
    Overtaking,
    before=st.sampled_from(BEFORE),
    writes=st.sampled_from([0, 0, 0, 1, 2, 3]),
    between=st.sampled_from(BETWEEN),
    i=which,
    j=st.none() | which,
    calls=st.integers(1, 12),
)
