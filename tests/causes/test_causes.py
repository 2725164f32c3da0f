"""Each cause is named by every node, alone, in time, everywhere; and it clears when it is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from causes.cases import CASES
from causes.cluster import NAMED, NODES, Cluster
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


def test_two_nodes_with_one_address(cluster: Cluster) -> None:
    """Each of the two names the other, and the one whose lease is older goes on."""
    eventually(lambda: len(cluster.in_order()) == len(NODES), within=60.0)
    elder, younger = (cluster.host(name) for name in cluster.in_order()[:: len(NODES) - 1])
    address = str(elder.plan.address.ip)
    # It only claims the address: a host that answers for it would cut the other off from etcd.
    younger.run(
        "nft",
        "add table arp quiet; add chain arp quiet out { type filter hook output priority 0; };"
        f" add rule arp quiet out arp saddr ip {address} drop",
    )
    younger.stop_daemon()
    younger.ip("address", "add", f"{address}/32", "dev", "eth0")
    try:
        younger.start_daemon(f"--public-ip={address}", wait=False)
        eventually(lambda: "duplicate_address" in cluster.conditions(younger.name), within=60.0)
        assert elder.name in cluster.conditions(younger.name)["duplicate_address"]
        eventually(lambda: "address_claimed" in cluster.conditions(elder.name), within=NAMED)
        assert elder.ready
        assert not younger.ready
    finally:
        younger.stop_daemon()
        younger.ip("address", "del", f"{address}/32", "dev", "eth0")
        younger.run("nft", "delete table arp quiet")
        younger.start_daemon()
    cluster.all_well(within=60.0)


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
        strange = f"10.244.{whom.removeprefix('x') if whom != 'far' else 250}.7"
        status, words = cluster.explain(who, cluster.pod(whom) if whom in NODES else strange)
        if case.explained is None:
            assert (status, state in words.splitlines()[-1]) == (1, True), words
        else:
            assert (status, case.explained[1] in words) == (case.explained[0], True), words
    finally:
        case.heal(cluster)
    record_property("cleared", f"{cluster.all_well(within=case.cleared):.1f}")
