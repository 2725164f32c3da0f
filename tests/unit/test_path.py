"""The way between two addresses: each thing that can be wrong, in the direction it concerns."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hostgw_cli.cluster.census import census_of
from hostgw_cli.cluster.path import BLOCKING, Facts, senders, there_and_back
from hostgw_cli.node.explanation import Explanation, Step
from hostgw_core.store import Entry
from hostgw_daemon.told.conditions import CODES
from support.lease_entries import KEYS, config, flannels_lease, lease, listing, presence

POD1, POD2 = "10.5.1.7", "10.5.2.7"


def facts(*entries: Entry) -> Facts:
    """Give what the store says."""
    census = census_of(KEYS, listing(config(), *entries))
    return Facts(census.rows, census.nodes)


WELL = (lease(1), presence(1, Applied=50), lease(2), presence(2, Applied=50))


def sentences(found: Facts, one: str = POD1, other: str = POD2) -> tuple[str, str]:
    """Give both sentences, without the addresses in front."""
    there, back = there_and_back(found, one, other)
    return there.sentence.partition(": ")[2], back.sentence.partition(": ")[2]


FINE = "nothing is wrong, as far as is known here."


def test_both_directions_of_two_living_nodes():
    """Each is decided by the lease of who receives."""
    there, back = there_and_back(facts(*WELL), POD1, POD2)
    assert (there.well, back.well) == (True, True)
    assert there.sentence == f"{POD1} to {POD2}: {FINE}"
    said = [step.says for step in there.steps]
    assert said.count("lives, and says of nothing that it is wrong") == 2
    assert f"{POD1} is of the subnet 10.5.1.0/24 of n1" in said
    assert "n1 sends it via 192.0.2.2 to n2, by the lease of 10.5.2.0/24 (revision 1)" in said
    assert any("n2 sends it via 192.0.2.1 to n1" in step.says for step in back.steps)


def test_a_node_that_does_not_forward_spoils_both_directions():
    """It says so itself, and both ways lead through it."""
    found = facts(lease(1), presence(1), lease(2), presence(2, Conditions=["forwarding_off"]))
    wrong = "n2: says that it is not well: forwarding_off"
    assert sentences(found) == (wrong, wrong)


def test_a_quarantined_lease_spoils_the_way_to_it_alone():
    """Whoever is in quarantine may still send."""
    found = facts(lease(1), presence(1), lease(2, BackendType="quarantine"), presence(2))
    there, back = sentences(found)
    assert there.startswith("the lease: of 10.5.2.0/24 is not routed to")
    assert back == FINE


def test_an_address_of_nobody():
    """No lease has it, and that is what is wrong."""
    nobody = "to: 10.5.9.9 is nobody's: no lease and no node has it"
    there, back = sentences(facts(*WELL), POD1, "10.5.9.9")
    assert (there, back) == (nobody, nobody.replace("to", "from", 1))


def test_what_is_no_trouble_only_tells():
    """Silence, other conditions, and a node that has not spoken lately."""
    silent = facts(lease(1), lease(2), presence(2))
    assert sentences(silent) == (FINE, FINE)
    words = [step.says for step in there_and_back(silent, POD1, POD2)[0].steps]
    assert "has no presence: its hostgwd is away, and its kernel goes on routing" in words
    assert "lives, and has not said yet how it is" in words
    other = facts(lease(1), presence(1, Conditions=["store_full"]), lease(2), presence(2))
    assert sentences(other) == (FINE, FINE)
    late = facts(lease(1), presence(1, Applied=40), lease(2, revision=41), presence(2))
    assert sentences(late) == (FINE, FINE)
    there, back = there_and_back(late, POD1, POD2)
    assert any("it spoke at revision 40" in step.says for step in there.steps)
    assert not any("it spoke" in step.says for step in back.steps)


def test_flannels_node_and_a_nodes_own_address():
    """One says nothing of itself, the other is reached without a route of ours."""
    found = facts(lease(1), presence(1), flannels_lease(2))
    assert sentences(found) == (FINE, FINE)
    there, back = there_and_back(found, POD1, "192.0.2.2")
    assert any(step.says.endswith("over the link: no route of ours") for step in there.steps)
    assert any("n1, by the lease of 10.5.1.0/24" in step.says for step in back.steps)


def test_two_addresses_of_one_node():
    """No other node has a part in it."""
    there, _ = there_and_back(facts(*WELL), POD1, "10.5.1.8")
    assert "both lie on n1" in there.steps[2].says
    assert there.well


def test_what_this_host_knows_comes_before_what_the_store_says():
    """Where the sender is here, its own explanation is part of the way, and its cause the cause."""
    own = Explanation(
        POD2,
        well=False,
        sentence="",
        steps=(
            Step("the route", "is missing", well=False),
            Step("the cause", "shadowed: so", well=False),
        ),
    )
    found = replace(facts(*WELL), here="/p/subnets/10.5.1.0-24", local={POD2: own})
    assert list(senders(found, POD1, POD2)) == [POD2]
    there, back = sentences(found)
    assert there == "n1, here: the cause: shadowed: so"
    assert back == FINE


def test_a_route_in_trouble_is_the_senders_alone():
    """Whom it receives from does not matter to it, and of its own this host knows which it is."""
    found = facts(lease(1), presence(1, Conditions=["shadowed"]), lease(2), presence(2))
    there, back = sentences(found)
    assert there == "n1: says that it is not well: shadowed"
    assert back == FINE
    own = Explanation(POD2, well=True, sentence="", steps=(Step("the route", "is there", True),))
    here = replace(found, here="/p/subnets/10.5.1.0-24", local={POD2: own})
    assert sentences(here) == (FINE, FINE)


@pytest.mark.parametrize(
    ("away", "words"),
    [
        ({"store": "x"}, "says nothing: the store could not be asked"),
        ({"store": "x", "daemon": "y"}, "says nothing: the store could not be asked"),
    ],
)
def test_who_is_away_is_no_witness(away: dict[str, str], words: str):
    """What the daemon remembers of the leases is used, and nothing is made up beside it."""
    there, _ = there_and_back(replace(facts(*WELL), away=away), POD1, POD2)
    assert [step.says for step in there.steps].count(words) == 2


def test_nobody_to_ask_makes_nothing_wrong():
    """What is not known is said so."""
    there, _ = there_and_back(Facts(away={"store": "x", "daemon": "y"}), POD1, POD2)
    assert there.steps[0].says == f"{POD1}: not known, for nobody could be asked"
    assert (there.well, "nothing is wrong" in there.sentence) == (None, False)


def test_the_conditions_that_block_exist():
    """They are words of the daemon, which this program does not import."""
    assert BLOCKING <= CODES
