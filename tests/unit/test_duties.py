"""What must lie on this host: how long a lease is surely ours, and what a headless node goes by."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network, ip_interface, ip_network

import pytest

from hostgw_core.model import Subnets
from hostgw_core.session import SessionState
from hostgw_daemon.claim.state import ClaimState
from hostgw_daemon.disk.memory import Memory, Moment, Renewal
from hostgw_daemon.duties import (
    Containers,
    Duties,
    child_for,
    confirmed,
    inhabited,
    resting,
    rules_for,
)
from hostgw_daemon.kernel import Child
from hostgw_daemon.link.mtu import Mtu
from hostgw_daemon.rules.ruleset import RulesetSpec
from support.parts import OWN, understanding

NOW = Moment("boot-1", 1000.0, 5_000_000.0)
RENEWED = Renewal(Moment("boot-1", 400.0, 4_999_400.0), 3600)
HEADLESS = understanding(headless=True)


def test_a_grant_confirms_a_lease_as_a_renewal_does():
    """A host that reboots before it has renewed once knows how long its lease is its own."""
    granted = SessionState(7, 3600, renewed=990.0, deadline=4590.0)
    assert confirmed(granted, None, NOW) == Renewal(Moment("boot-1", 990.0, 4_999_990.0), 3600)


def test_the_same_renewal_is_the_same_value_later():
    """The file that it is kept in is written once for each, whatever the clocks say since."""
    session = SessionState(7, 3600, renewed=400.0, deadline=4000.0)
    first = confirmed(session, None, NOW)
    later = Moment("boot-1", 1500.3, 6_000_000.0)
    assert confirmed(session, first, later) is first


def test_of_a_lease_that_was_only_adopted_nothing_new_is_known():
    """Its time is asked first; until then what the former life knew counts."""
    adopted = SessionState(7, 0, renewed=1000.0, deadline=1000.0)
    assert confirmed(adopted, RENEWED, NOW) is RENEWED
    assert confirmed(SessionState(), RENEWED, NOW) is RENEWED
    assert confirmed(SessionState(), None, NOW) is None


def test_a_renewal_of_another_boot_is_another_one():
    """Seconds since boot begin again; the same number is no proof."""
    session = SessionState(7, 60, renewed=400.0, deadline=460.0)
    now = replace(NOW, boot_id="boot-2")
    found = confirmed(session, RENEWED, now)
    assert found == Renewal(Moment("boot-2", 400.0, NOW.wall - 600), 60)


@pytest.mark.parametrize(
    ("now", "ours"),
    [
        (NOW, True),
        (replace(NOW, boottime=3999.9), True),
        (replace(NOW, boottime=4000.0), False),
        (replace(NOW, boottime=3999.9, wall=0.0), True),  # whatever is done to the wall clock
        (Moment("boot-2", 5.0, 5_002_999.0), True),
        (Moment("boot-2", 5.0, 5_003_000.0), False),
        (Moment("boot-2", 5.0, 4_999_399.0), False),  # a clock that went back over the reboot
    ],
)
def test_a_headless_node_has_its_subnet_while_it_is_surely_its_own(now: Moment, ours: bool):
    """Until the last renewal has run out, and never where that cannot be known."""
    assert resting(HEADLESS, RENEWED, now, decided=False) == (OWN if ours else None)


def test_the_moment_that_the_claim_takes_is_no_moment_without_a_subnet():
    """The store has answered and shows our lease: what was ready headless is ready on."""
    assert resting(understanding(), RENEWED, NOW, decided=False) == OWN
    late = replace(NOW, boottime=4000.0)
    assert resting(understanding(), RENEWED, late, decided=False) is None


def test_what_the_claim_says_counts_as_soon_as_it_says_anything():
    """Also that there is no lease; and where nothing is remembered, nothing is gone by."""
    assert resting(understanding(), RENEWED, NOW, decided=True) is None
    assert resting(HEADLESS, RENEWED, NOW, decided=True) is None
    assert resting(HEADLESS, None, NOW, decided=False) is None
    assert resting(None, RENEWED, NOW, decided=False) is None
    assert resting(replace(HEADLESS, roster=None), RENEWED, NOW, decided=False) is None


def test_containers_are_where_they_were_while_the_claim_is_unsure():
    """Of a lease that is lost, or waits for a former life to end; not of one that was given up."""
    other = Subnets(IPv4Network("10.9.9.0/24"))
    assert inhabited(ClaimState(OWN, "kept"), None, other) == OWN.subnets
    assert inhabited(ClaimState(), OWN, other) == OWN.subnets
    assert inhabited(ClaimState(lost=OWN.subnets), None, other) == OWN.subnets
    assert inhabited(ClaimState(conditions={"identity_unsure": "who?"}), None, other) == other
    assert inhabited(ClaimState(), None, Subnets()) == Subnets()
    assert inhabited(ClaimState(conditions={"drained": "yes"}), None, other) == Subnets()


def of_network(network: str, own: str, *nodes: str, child: Child | None = None) -> Duties:
    """Make what must be for one network."""
    rules = RulesetSpec(
        (ip_network(network),),
        (ip_network(own),),
        masquerade=True,
        forward_rules=False,
        nodes={4: frozenset(nodes), 6: frozenset()},
    )
    return Duties(rules, Memory(), Containers(Mtu(1500), b"", child=child))


def test_the_rules_of_several_networks_are_one_table():
    """All networks and subnets are in it; a node is one of all networks, or counts as outside."""
    red = of_network("10.5.0.0/16", "10.5.1.0/24", "192.0.2.1", "192.0.2.2")
    blue = of_network("10.6.0.0/16", "10.6.1.0/24", "192.0.2.2", "192.0.2.3")
    assert rules_for([]) is None
    assert rules_for([red]) is red.rules
    found = rules_for([red, blue])
    assert found is not None
    assert found.networks == (ip_network("10.5.0.0/16"), ip_network("10.6.0.0/16"))
    assert found.own == (ip_network("10.5.1.0/24"), ip_network("10.6.1.0/24"))
    assert found.nodes == {4: {"192.0.2.2"}, 6: frozenset()}


def test_the_child_of_several_networks_is_in_the_subnets_of_all():
    """One link, for there is one name for it; a network that needs none takes none away."""
    first, second = ip_interface("10.5.1.1/24"), ip_interface("10.6.1.1/24")
    red = of_network(
        "10.5.0.0/16", "10.5.1.0/24", child=Child("macvlan", 2, 1400, frozenset([first]))
    )
    blue = of_network(
        "10.6.0.0/16", "10.6.1.0/24", child=Child("macvlan", 2, 1500, frozenset([second]))
    )
    plain = of_network("10.7.0.0/16", "10.7.1.0/24")
    assert child_for([red, plain, blue]) == Child("macvlan", 2, 1500, frozenset([first, second]))
    assert child_for([plain]) is None


def test_without_a_link_containers_stay_attached_as_they_are():
    """What is not known is not taken away."""
    before = of_network("10.5.0.0/16", "10.5.1.0/24")
    now = replace(before, memory=Memory(key="k"), containers=None)
    assert now.after(before) == replace(now, containers=before.containers)
    assert now.after(None) is now
