"""What a decision is made from, as it is read from a store whose history is known or is not."""

from __future__ import annotations

import json

import pytest

from hostgw_core.history import Break, History
from hostgw_core.keys import Keys
from hostgw_core.model import Subnets
from hostgw_core.records import Status
from hostgw_core.store import Entry, Header, Put, StoreUnavailable
from hostgw_daemon.claim.announcement import Announcement
from hostgw_daemon.claim.reading import Reading
from hostgw_daemon.claim.sight import Me, Sight
from support.claim_site import PREFIX, run
from support.fake_store import FakeStore

NETWORK = json.dumps({"Network": "10.5.0.0/16", "Backend": {"Type": "host-gw"}}).encode()
KEYS = Keys(PREFIX)
ME = Me("id-1", "n1", "now")


class Bench:
    """A reading, its store, its clock, and what is known of the past."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.store = FakeStore(lambda: self.time)
        self.store.commit_now([], [Put(KEYS.config, NETWORK)])
        self.history = History()
        self.network: Entry | None = None
        self.announcement = Announcement(
            self.store, KEYS, said=Status(), lost=lambda: None, clock=lambda: self.time
        )
        self.reading = Reading(
            self.store,
            KEYS,
            history=lambda: self.history,
            network=lambda: self.network,
            elsewhere=lambda _config: "",
            clock=lambda: self.time,
        )

    def look(self) -> Sight:
        """Read it all."""
        sight = run(self.reading.sight(ME, self.announcement, remembered=Subnets(), avoid=()))
        assert isinstance(sight, Sight)
        return sight

    def restore(self, revision: int) -> None:
        """Say that another history has begun: that of a copy of this revision."""
        first = Header(self.store.cluster, revision, 2)
        self.history = History(Header(self.store.cluster, 900, 5), Break(first, first, first))


def test_an_answer_of_another_history_is_no_sight():
    """Nothing is decided from it before the view has found out what has happened."""
    bench = Bench()
    bench.history = History(Header(bench.store.cluster, 900, 5))
    with pytest.raises(StoreUnavailable, match="another history"):
        bench.look()


def test_how_long_a_history_is_broken_is_counted_from_the_first_look():
    """While it lasts; when it is ours again, nothing is counted."""
    bench = Bench()
    assert bench.look().broken_for == 0
    bench.restore(1)
    assert bench.look().broken_for == 0
    bench.time += 70
    assert bench.look().broken_for == 70
    bench.history = History()
    assert bench.look().broken_for == 0
    bench.restore(1)
    assert bench.look().broken_for == 0


def test_a_second_restore_begins_the_count_anew():
    """What lay in the second copy has had no time to show that it lives."""
    bench = Bench()
    bench.restore(2)
    bench.look()
    bench.time += 70
    bench.restore(1)
    assert bench.look().broken_for == 0
    bench.time += 10
    assert bench.look().broken_for == 10


def test_the_network_of_another_life_is_in_force_where_there_is_none():
    """What this node goes by counts before it has read one; not what cannot be understood."""
    bench = Bench()
    bench.store.wipe()
    bench.restore(0)
    bench.network = Entry(KEYS.config, NETWORK, 2, 40, 1, 0)
    sight = bench.look()
    assert sight.config is not None
    assert (sight.config_written, sight.network) == (0, NETWORK)
    bench.network = Entry(KEYS.config, b"?", 2, 40, 1, 0)
    assert Bench().look().config is not None
    fresh = Bench()
    fresh.store.wipe()
    fresh.network = bench.network
    assert fresh.look().config is None
