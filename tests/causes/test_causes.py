"""Each cause is named by every node, alone, in time, everywhere; and it clears when it is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from causes.cases import CASES
from causes.cluster import CLEARED, NAMED, NODES, Cluster
from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.topology import LabSpec
from support.lab_fixtures import lab_name

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Give five nodes that are well, for all the tests here."""
    spec = replace(LabSpec(name=lab_name()), nodes=len(NODES), daemon_args=("--removal-grace=0s",))
    with Lab.up(spec) as lab:
        made = Cluster(lab)
        made.all_well(within=60.0)
        yield made


@pytest.mark.parametrize("cause", CASES)
def test_the_cause_is_named_and_clears(
    cause: str, cluster: Cluster, record_property: Callable[[str, object], None]
) -> None:
    """In the state, the metric and `hostgwctl explain`, on every node that it concerns."""
    cluster.all_well(within=60.0)
    case = CASES[cause]
    expected = case.expected(cluster)
    case.inject(cluster)
    try:
        record_property("named", f"{cluster.named(expected, also=case.also, within=NAMED):.1f}")
        for name in NODES:
            of = [state for (who, _), state in expected.items() if who == name]
            for state in set(of):
                assert cluster.counted(name, state) == of.count(state)
        (who, whom), state = next(iter(expected.items()))
        address = cluster.pod(whom) if whom in NODES else "10.244.250.7"
        status, words = cluster.explain(who, address)
        assert status == 1, words
        assert state in words.splitlines()[-1], words
    finally:
        case.heal(cluster)
    record_property("cleared", f"{cluster.all_well(within=CLEARED):.1f}")
