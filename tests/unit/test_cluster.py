"""From a sighting of the store to what it means: the last good network, who moved, who disputes."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_network
from types import MappingProxyType

import pytest

from hostgw_core.model import Addresses, Subnets
from hostgw_core.store import Deleted, Entry, Header
from hostgw_core.view import Sighting, Snapshot
from hostgw_daemon.routes.understanding import overlap
from support.lease_world import KEYS, MY_ADDRESS, config, entry, gone, key
from support.understanding import cluster_of

GOOD = b'{"Network": "10.5.0.0/16", "Backend": {"Type": "host-gw"}}'
OTHER = b'{"Network": "10.6.0.0/16", "Backend": {"Type": "host-gw"}}'


def network(content=GOOD, revision=2):
    """Write the record of the network."""
    return Entry(KEYS.config, content, 2, revision, 1, 0)


class Store:
    """Gives sightings as the view does."""

    def __init__(self, cluster):
        self.cluster = cluster
        self.entries = {}
        self.revision = 100

    def list(self, *entries, received=1.0):
        """Show everything anew."""
        self.entries = {each.key: each for each in entries}
        self.show(None, received)

    def change(self, *changes, received=2.0):
        """Show what a watch told."""
        for each in changes:
            self.entries.pop(each.key, None)
            if isinstance(each, Entry):
                self.entries[each.key] = each
        self.show(changes, received)

    def show(self, changes, received):
        """Hand it over."""
        self.revision += 1
        snapshot = Snapshot(Header(1, self.revision, 1), MappingProxyType(dict(self.entries)))
        self.cluster.saw(Sighting(snapshot, changes, received))


@pytest.fixture
def told():
    """Collect the news."""
    return []


@pytest.fixture
def cluster(told):
    """Make the part under test."""
    return cluster_of(told.append)


@pytest.fixture
def store(cluster):
    """Make the store in front of it."""
    return Store(cluster)


def peers(news):
    """Say which keys are believed."""
    return {each.decode().rpartition("/")[2] for each in news.now.roster.peers}


def test_a_list_is_understood_as_a_whole(store, told):
    """A list tells of everything, with the moment it arrived at and its revision."""
    store.list(network(), entry("10.5.1.0-24"), received=7.5)
    (news,) = told
    assert (news.moved, news.received, news.now.snapshot.revision) == (None, 7.5, 101)
    assert (peers(news), news.now.config_trouble) == ({"10.5.1.0-24"}, "")


def test_a_change_tells_whose_peer_it_is(store, told):
    """What a watch tells is amended, and names the keys."""
    store.list(network(), entry("10.5.1.0-24"))
    store.change(entry("10.5.2.0-24", created=20), gone("10.5.1.0-24"), received=8.0)
    assert told[-1].moved == {key("10.5.2.0-24"), key("10.5.1.0-24")}
    assert told[-1].received == 8.0
    assert peers(told[-1]) == {"10.5.2.0-24"}


def test_nothing_is_believed_before_there_is_a_network(store, told, cluster):
    """Leases without a network are no roster; the network makes them one, all at once."""
    store.list(entry("10.5.1.0-24"))
    assert told[-1].now.roster is None
    assert told[-1].now.config is None
    assert "no network configuration at /coreos.com/network/config" in cluster.now.config_trouble
    store.change(entry("10.5.2.0-24", created=20))
    assert told[-1].now.roster is None
    store.change(network())
    assert (told[-1].moved, peers(told[-1])) == (None, {"10.5.1.0-24", "10.5.2.0-24"})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (network(b"{", 30), "JSON"),
        (network(b'{"Network": "10.5.0.0/16", "Backend": {"Type": "vxlan"}}', 30), "vxlan"),
        (None, "no network configuration"),
    ],
)
def test_the_last_good_network_stays_in_force(store, told, change, words):
    """A network that is deleted or spoilt is told of, and changes nothing else."""
    store.list(network(), entry("10.5.1.0-24"))
    good = told[-1].now.config
    store.change(change or Deleted(KEYS.config, 30))
    assert told[-1].now.config == good
    assert words in told[-1].now.config_trouble
    store.change(entry("10.5.2.0-24", created=40))
    assert peers(told[-1]) == {"10.5.1.0-24", "10.5.2.0-24"}
    store.list(*([change] if change else []), entry("10.5.1.0-24"))
    assert peers(told[-1]) == {"10.5.1.0-24"}
    store.change(network(revision=50))
    assert told[-1].now.config_trouble == ""


def test_a_network_known_from_before_serves_until_the_store_has_one(told):
    """What an earlier run learnt is in force while the store's own record is away."""
    cluster = cluster_of(told.append)
    cluster.recall(Snapshot(Header(1, 50, 1), MappingProxyType({KEYS.config: network()})))
    Store(cluster).list(entry("10.5.1.0-24"))
    assert peers(told[-1]) == {"10.5.1.0-24"}


def test_another_network_keeps_who_was_accepted(store, told):
    """All are judged anew under it, those accepted before with what they were."""
    store.list(network(), entry("10.5.1.0-24"))
    store.change(network(OTHER, 30), entry("10.5.2.0-24", created=31))
    assert told[-1].moved is None
    assert peers(told[-1]) == {"10.5.1.0-24"}
    assert told[-1].now.roster.peers[key("10.5.1.0-24")].state == "outside_config"
    assert told[-1].now.roster.refusals[key("10.5.2.0-24")].reason == "outside_network"


def test_a_new_list_keeps_the_meaning_of_what_was_spoilt_meanwhile(store, told):
    """After a lost watch, too, a lease keeps its last good meaning while its key exists."""
    store.list(network(), entry("10.5.1.0-24"))
    store.list(network(), entry("10.5.1.0-24", raw=b"?", modified=30))
    assert told[-1].now.roster.peers[key("10.5.1.0-24")].state == "rejected_kept"


def test_ground_that_becomes_free_is_judged_as_a_whole(store, told):
    """A refused lease gets the ground that another leaves, in the same call."""
    store.list(network(), entry("10.5.0.0-23", created=5), entry("10.5.1.0-24", created=6))
    assert peers(told[-1]) == {"10.5.0.0-23"}
    store.change(gone("10.5.0.0-23"), received=9.0)
    assert (told[-1].moved, told[-1].received, peers(told[-1])) == (None, 9.0, {"10.5.1.0-24"})


def test_our_own_place_bounds_what_is_believed(store, told, cluster):
    """Addresses and networks of this host judge all anew, and only when they change."""
    store.list(network(), entry("10.5.1.0-24", MY_ADDRESS), entry("10.5.2.0-24", node="n2"))
    addresses, networks = Addresses(IPv4Address(MY_ADDRESS)), [ip_network("10.5.2.0/24")]
    cluster.stand_at(addresses, iter(networks))
    assert (told[-1].moved, told[-1].received) == (None, 0.0)
    assert told[-1].now.roster.peers[key("10.5.1.0-24")].state == "self"
    assert told[-1].now.roster.refusals[key("10.5.2.0-24")].reason == "host_network"
    count = len(told)
    cluster.stand_at(addresses, networks)
    assert len(told) == count
    store.change(entry("10.5.3.0-24", MY_ADDRESS, node="n3", created=30))
    assert told[-1].now.roster.refusals[key("10.5.3.0-24")].reason == "own_address"


def test_our_place_may_be_known_before_the_store_is(store, told, cluster):
    """Nothing is told before there is something to tell."""
    cluster.stand_at(Addresses(IPv4Address(MY_ADDRESS)), [])
    assert told == []
    store.list(network(), entry("10.5.1.0-24", MY_ADDRESS))
    assert told[-1].now.roster.peers[key("10.5.1.0-24")].state == "self"


def test_only_leases_are_judged(store, told):
    """What else lies in the watched spans is neither a peer nor a refusal."""
    store.list(network(), entry("hostgw/nodes/n1"), entry("10.5.1.0-24"))
    store.change(entry("hostgw/nodes/n2", created=20))
    roster = told[-1].now.roster
    assert (set(roster.peers), set(roster.refusals)) == ({key("10.5.1.0-24")}, set())
    assert told[-1].moved == frozenset()


def test_nobody_leases_a_part_of_the_subnet_that_we_hold(store, told, cluster):
    """Not even beside our own record, written over: what we hold is known without it."""
    cluster.hold(Subnets(ip_network("10.5.1.0/24")))
    store.list(network(), entry("10.5.1.0-24", raw=b"?"), entry("10.5.1.128-25", node="n2"))
    assert told[-1].now.roster.peers == {}
    assert told[-1].now.roster.refusals[key("10.5.1.128-25")].reason == "host_network"
    cluster.hold(Subnets(ip_network("10.5.2.0/24")))
    assert set(told[-1].now.roster.peers) == {key("10.5.1.128-25")}
    store.list(network(), entry("10.5.2.0-24", node="me"))
    assert told[-1].now.roster.peers[key("10.5.2.0-24")].state == "self"


# -- beside other networks ----------------------------------------------------------------------


@pytest.fixture
def crowded():
    """Say which networks are taken by others; the test may change it."""
    return {"10.6.0.0/16"}


@pytest.fixture
def beside(told, crowded):
    """A cluster beside others, whose networks are in `crowded`."""

    def elsewhere(config):
        taken = [each for each in map(str, config.networks) if each in crowded]
        return f"{taken[0]} is red's" if taken else ""

    return Store(cluster_of(told.append, elsewhere=elsewhere))


def test_a_network_that_another_has_is_not_taken_up(beside, told, crowded):
    """Nothing is judged by it; when there is room, it is, and everything with it."""
    beside.list(network(OTHER), entry("10.6.1.0-24", "172.16.0.4"))
    now = told[-1].now
    assert (now.roster, now.config, now.overlap) == (None, None, True)
    assert now.config_trouble == f"{KEYS.config.decode()}: 10.6.0.0/16 is red's"
    count = len(told)
    beside.cluster.room_came()
    assert len(told) == count  # there is none yet
    crowded.clear()
    beside.cluster.room_came()
    assert [*told[-1].now.roster.peers] == [key("10.6.1.0-24")]
    assert (told[-1].now.overlap, told[-1].now.config_trouble) == (False, "")
    count = len(told)
    beside.cluster.room_came()
    assert len(told) == count


def test_what_is_in_force_stays_where_the_next_one_has_no_room(beside, told):
    """Its leases go on as ever; one of the other ground is outside."""
    beside.list(network(), entry("10.5.1.0-24", "172.16.0.4"))
    beside.change(network(OTHER, 150))
    now = told[-1].now
    assert now.overlap
    assert [str(each) for each in now.config.networks] == ["10.5.0.0/16"]
    assert [*now.roster.peers] == [key("10.5.1.0-24")]
    beside.change(entry("10.5.2.0-24", "172.16.0.5"))
    assert told[-1].moved == {key("10.5.2.0-24")}
    beside.change(network(revision=160))
    assert not told[-1].now.overlap


def test_what_a_network_has(store, told, cluster):
    """Its configuration's addresses, and those of leases that are kept outside it."""
    assert overlap(None, config()) == ""
    store.list(network(), entry("10.5.1.0-24", "172.16.0.4"))
    assert overlap(cluster.now, config("10.4.0.0/15")) == "10.4.0.0/15 overlaps 10.5.0.0/16"
    assert overlap(cluster.now, config("10.5.128.0/17")) == "10.5.128.0/17 overlaps 10.5.0.0/16"
    assert overlap(cluster.now, config("10.6.0.0/16", ipv6="fd00:5::/48")) == ""
    store.change(network(OTHER, 150))
    assert overlap(cluster.now, config("10.5.0.0/16")) == "10.5.0.0/16 overlaps 10.5.1.0/24"
    assert overlap(cluster.now, config("10.5.2.0/23", 26)) == ""
    store.change(gone("10.5.1.0-24"))
    assert overlap(cluster.now, config("10.5.0.0/16")) == ""
