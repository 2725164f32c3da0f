"""A judgement that is amended by what the watch tells: what moves, and when all is judged."""

from __future__ import annotations

import pytest

from hostgw_daemon.routes.judgement import accept, amend
from support.judging import RULES, told
from support.lease_world import entry, gone, key


def test_amending_tells_which_peers_are_other_ones_now():
    """A new peer, a moved one, a gone one; not a record that was and is refused."""
    before = accept(
        [
            entry("10.5.1.0-24"),
            entry("10.5.2.0-24"),
            entry("10.5.3.0-24"),
            entry("10.5.4.0-24", raw=b"?"),
        ],
        RULES,
    )
    result = amend(
        before,
        [
            entry("10.5.2.0-24", "172.16.0.4", modified=20),
            gone("10.5.3.0-24"),
            entry("10.5.4.0-24", raw=b"??", modified=21),
            entry("10.5.5.0-24", created=22),
        ],
    )
    assert result is not None
    roster, moved = result
    assert moved == {key("10.5.2.0-24"), key("10.5.3.0-24"), key("10.5.5.0-24")}
    assert told(roster) == {
        "10.5.1.0-24": "ok",
        "10.5.2.0-24": "ok",
        "10.5.4.0-24": "malformed_value",
        "10.5.5.0-24": "ok",
    }


def test_amending_leaves_the_roster_before_as_it_was():
    """A judgement is a value: making the next one does not change it."""
    entries = [entry("10.5.1.0-24"), entry("10.5.0.0-23", created=20), entry("10.5.9.0-24")]
    before, same = accept(entries, RULES), accept(entries, RULES)
    assert amend(before, [gone("10.5.9.0-24"), entry("10.5.7.0-24", created=30)]) is not None
    assert before == same
    result = amend(before, [entry("10.5.9.0-25", created=40)])
    assert result is not None
    assert told(result[0])["10.5.9.0-25"] == "overlap"  # the ground is still taken


WAITING = [entry("10.5.1.0-24", created=10), entry("10.5.0.0-23", created=11)]


@pytest.mark.parametrize(
    "changes",
    [
        [gone("10.5.1.0-24")],
        # Created again it is younger than the one that waits for its ground.
        [gone("10.5.1.0-24", modified=20), entry("10.5.1.0-24", created=21)],
        [entry("10.5.1.0-24", "172.16.0.4", node="renamed", modified=20)],
    ],
    ids=["gone", "born-again", "renamed"],
)
def test_ground_that_somebody_waits_for_is_judged_as_a_whole(changes):
    """Where a refused record may now be the older one, or is told another name, all is judged."""
    assert amend(accept(WAITING, RULES), changes) is None


def test_ground_that_nobody_waits_for_is_amended_though_others_wait():
    """One bad record somewhere does not make every change a change of everything."""
    before = accept([*WAITING, entry("10.5.9.0-24")], RULES)
    assert told(before)["10.5.0.0-23"] == "overlap"
    assert amend(before, [gone("10.5.9.0-24")]) is not None
    assert amend(before, [entry("10.5.8.0-24", created=30)]) is not None


def test_who_no_longer_waits_is_not_asked():
    """A refused record that went is no reason to judge everything when the other one goes."""
    result = amend(accept(WAITING, RULES), [gone("10.5.0.0-23")])
    assert result is not None
    result = amend(result[0], [gone("10.5.1.0-24")])
    assert result is not None
    assert told(result[0]) == {}


def test_the_last_change_of_a_key_counts():
    """Several changes of one key in one response of the watch are what the last one says."""
    result = amend(
        accept([], RULES),
        [
            entry("10.5.1.0-24", "172.16.0.2", created=5),
            gone("10.5.1.0-24", modified=6),
            entry("10.5.1.0-24", "172.16.0.3", created=7),
        ],
    )
    assert result is not None
    assert str(result[0].peers[key("10.5.1.0-24")].lease.gateways) == "172.16.0.3"


def test_the_end_of_a_key_that_was_never_there_is_nothing():
    """A deletion of what we do not know changes nothing and moves nobody."""
    before = accept([entry("10.5.1.0-24")], RULES)
    assert amend(before, [gone("10.5.7.0-24")]) == (before, frozenset())
