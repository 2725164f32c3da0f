"""What is told of the leases while they are followed."""

from __future__ import annotations

from typing import Any

from hostgw_cli.cluster.lease_changes import Ledger
from hostgw_core.store import Change, Deleted, Entry
from support.lease_entries import KEYS, config, lease, presence


class Told:
    """A ledger, and a store that changes below it."""

    def __init__(self, *entries: Entry) -> None:
        self.ledger = Ledger(KEYS)
        self.entries = {entry.key: entry for entry in entries}
        self.revision = 10
        self.first = self.relist()

    def relist(self, *, broken: bool = False) -> list[tuple[str, str, str]]:
        """Read everything anew."""
        return self._take(None, broken=broken)

    def change(self, *changes: Change) -> list[tuple[str, str, str]]:
        """Change some keys."""
        for each in changes:
            if isinstance(each, Deleted):
                del self.entries[each.key]
            else:
                self.entries[each.key] = each
        return self._take(changes)

    def _take(self, changes: Any, *, broken: bool = False) -> list[tuple[str, str, str]]:
        self.revision += 1
        events = self.ledger.take(
            dict(self.entries), changes, revision=self.revision, broken=broken
        )
        assert {event.revision for event in events} <= {self.revision}
        return [(e.what, e.row.subnets[0] if e.row else "", e.says) for e in events]


def gone(entry: Entry) -> Deleted:
    """Give the end of a key."""
    return Deleted(entry.key, 99)


def test_the_first_look_is_one_line():
    """Who wants the list asks for the list."""
    told = Told(config(), lease(1), lease(2))
    assert told.first == [("watching", "", "2 leases from here on")]


def test_a_lease_comes_moves_and_goes():
    """Each is a line that names the subnet, the node and what is other."""
    told = Told(config())
    assert told.change(lease(1)) == [("leased", "10.5.1.0/24", "n1 via 192.0.2.1")]
    moved = lease(1, revision=5, PublicIP="192.0.2.77")
    assert told.change(moved) == [("changed", "10.5.1.0/24", "gateway 192.0.2.1 -> 192.0.2.77")]
    again = lease(1, revision=6, PublicIP="192.0.2.77")
    assert told.change(again) == [("changed", "10.5.1.0/24", "written anew by n1")]
    assert told.change(gone(moved)) == [("gone", "10.5.1.0/24", "n1 via 192.0.2.77")]
    assert told.change(lease(2), lease(3)) == [
        ("leased", "10.5.2.0/24", "n2 via 192.0.2.2"),
        ("leased", "10.5.3.0/24", "n3 via 192.0.2.3"),
    ]


def test_a_node_falls_silent_and_is_back():
    """A presence that comes or goes is news of its node's lease; one that is renewed is none."""
    told = Told(config(), lease(1), lease(2), presence(2))
    assert told.change(presence(1)) == [("alive", "10.5.1.0/24", "n1")]
    assert told.change(presence(1, revision=7, Conditions=["uplink_down"])) == []
    silent = [("silent", "10.5.1.0/24", "n1 has no presence any more")]
    assert told.change(gone(presence(1))) == silent


def test_what_changed_while_the_store_was_away_is_told_afterwards():
    """A list after an interruption is compared with what was told last."""
    told = Told(config(), lease(1), lease(2), lease(3), presence(3))
    del told.entries[lease(1).key], told.entries[presence(3).key]
    told.entries[lease(4).key] = lease(4)
    assert [each[:2] for each in told.relist()] == [
        ("gone", "10.5.1.0/24"),
        ("silent", "10.5.3.0/24"),
        ("leased", "10.5.4.0/24"),
    ]
    assert told.relist() == []


def test_another_history_is_said_once_and_before_its_consequences():
    """A wiped store shows as that, not as so many nodes that went by chance."""
    told = Told(config(), lease(1))
    told.entries.clear()
    assert [each[0] for each in told.relist(broken=True)] == ["history", "network", "gone"]
    told.entries[lease(1).key] = lease(1)
    assert [each[0] for each in told.relist(broken=True)] == ["leased"]


def test_another_network_is_told_with_the_leases_that_no_longer_fit():
    """Each of them changes its state, and nothing else is said of it."""
    told = Told(config(), lease(1), lease(2))
    events = told.change(config(Network="10.5.2.0/23", SubnetLen=25))
    assert events[0] == ("network", "", "the configuration is new")
    assert [each[1] for each in events[1:]] == ["10.5.1.0/24", "10.5.2.0/24"]
    assert all("state leased -> outside" in each[2] for each in events[1:])


def test_what_is_no_record_is_told_with_the_reason():
    """A key that spells no subnet is what an operator looks for."""
    told = Told(config())
    ((what, subnet, says),) = told.change(lease(1, PublicIP="127.0.0.1"))
    assert (what, subnet) == ("leased", "10.5.1.0/24")
    assert "bad_address" in says
