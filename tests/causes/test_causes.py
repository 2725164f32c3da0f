"""Each cause is named by every node, alone, in time, everywhere; and it clears when it is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from causes.cases import CASES, give_address_back, take_address
from causes.cluster import CLEARED, NAMED, NODES, Cluster
from causes.trial import tried
from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.topology import LabSpec
from support.lab_fixtures import lab_name
from support.waiting import eventually

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Give five nodes that are well, for all the tests here."""
    spec = replace(LabSpec(name=lab_name()), nodes=len(NODES), daemon_args=("--removal-grace=0s",))
    with Lab.up(spec) as lab:
        made = Cluster(lab)
        made.all_well(within=60.0)
        yield made


def test_of_two_nodes_with_one_address_the_second_gives_way(cluster: Cluster) -> None:
    """Each names the other, as its only condition, and the one that was there goes on.

    The cause goes when the newcomer is stopped, too, and when it is killed with the end of its
    presence: that is not waited for here.
    """
    cluster.all_well(within=60.0)
    first, second = cluster.host("n1"), cluster.host("n2")
    take_address(cluster)
    try:
        eventually(lambda: [*cluster.conditions("n2")] == ["duplicate_address"], within=NAMED)
        eventually(lambda: [*cluster.conditions("n1")] == ["address_claimed"], within=NAMED)
        assert "n1" in cluster.conditions("n2")["duplicate_address"]
        assert "n2" in cluster.conditions("n1")["address_claimed"]
        assert first.ready
        assert not second.ready
        second.stop_daemon()
        eventually(lambda: not cluster.conditions("n1"), within=CLEARED)
        others = [name for name in NODES if name != "n2"]
        eventually(
            lambda: (
                not any(
                    peer["state"] == "duplicate_address"
                    for n in others
                    for peer in cluster.peers(n)
                )
            ),
            within=CLEARED,
        )
    finally:
        give_address_back(cluster)
    cluster.all_well(within=CLEARED)


@pytest.mark.parametrize("cause", CASES)
def test_the_cause_is_named_and_clears(
    cause: str, cluster: Cluster, record_property: Callable[[str, object], None]
) -> None:
    """In the state, the metric and `hostgwctl explain`, on every node that it concerns."""
    tried(cause, CASES[cause], cluster, record_property)
