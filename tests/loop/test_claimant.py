"""The claim's loop with its sessions and its view, on a store of memory, in virtual time."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise

import pytest

from hostgw_core.keys import Keys
from hostgw_core.model import Addresses, Subnets
from hostgw_core.records import Status, lease_value, presence_value
from hostgw_core.store import Delete, Put, Span, StoreRefused, StoreUnavailable
from hostgw_core.view import View
from hostgw_daemon.claim.claimant import Claimant
from hostgw_daemon.claim.sight import Me
from support.fake_store import FakeStore
from support.loops import Counted, now, running, settled, until

pytestmark = pytest.mark.looptime

PREFIX = "/coreos.com/network"
KEYS = Keys(PREFIX)
NETWORK = {"Network": "10.5.0.0/16", "SubnetLen": 24, "Backend": {"Type": "host-gw"}}
ONE_LEFT = {**NETWORK, "SubnetMin": "10.5.7.0", "SubnetMax": "10.5.7.0"}
TTL = 600


def write_config(store, network):
    """Write the network as an administrator does."""
    store.commit_now([], [Put(KEYS.config, json.dumps(network).encode())])


def at(text):
    """Give an address of a node."""
    return Addresses(IPv4Address(text))


class Node:
    """A claimant with what the agent puts around it: its sessions, its view, who is told."""

    def __init__(self, store, node_id="id-1", address="192.0.2.1", **options):
        self.store = store
        self.counted = options.pop("asks", None) or Counted(store)
        self.states = []
        self.looks_at = [Span(KEYS.config), KEYS.subnets, KEYS.subnets6]
        if options.pop("presence_watched", False):
            self.looks_at.append(Span(KEYS.node(node_id)))
        self.me = Me(node_id, options.pop("name", node_id), f"instance-of-{node_id}")
        self.me = replace(self.me, addresses=at(address), **options.pop("who", {}))
        self.claimant = Claimant(
            self.counted,
            KEYS,
            self.me,
            ttl=TTL,
            told=self.states.append,
            clock=now,
            remembered=options.pop("remembered", Subnets()),
            said=Status(),
        )
        self.view = View(
            store,
            *self.looks_at,
            seen=lambda sighting: self.claimant.saw(sighting.snapshot),
            clock=now,
        )
        assert not options

    @property
    def works(self):
        """What runs for it."""
        claimant = self.claimant
        return (
            self.view.run,
            claimant.run,
            claimant.lease_session.run,
            claimant.presence_session.run,
        )

    @property
    def state(self):
        """How its claim stands."""
        return self.claimant.state

    @property
    def entry(self):
        """Its lease as it stands in the store."""
        return self.store.entries[self.state.lease.key]

    @property
    def presence(self):
        """Its presence as it stands in the store."""
        return self.store.entries.get(KEYS.node(self.me.node_id))

    def asked(self, *verbs):
        """Give the requests of these verbs."""
        return [call for call in self.counted.calls if call[0] in verbs]


def expiring(store):
    """Give the work that ends leases on time: etcd is quicker, and more work to imitate."""
    return lambda: store.expire_forever(every=2.5)


@asynccontextmanager
async def alive(store, *nodes):
    """Let nodes run until all hold a lease; leases end on time."""
    works = [work for node in nodes for work in node.works]
    async with running(expiring(store), *works):
        await until(lambda: all(node.state.held for node in nodes))
        await asyncio.sleep(1)
        for node in nodes:
            node.counted.forget()
        yield


@pytest.fixture
def store():
    """Give a store with a network in it; planted faults must have been hit."""
    made = FakeStore(now)
    write_config(made, NETWORK)
    yield made
    made.faults.check()


def peer(store, number, address="192.0.2.200", **who):
    """Let another node have a subnet."""
    key = f"{PREFIX}/subnets/10.5.{number}.0-24".encode()
    value = lease_value(gateways=at(address), node=f"p{number}", node_id=f"p{number}", **who)
    store.commit_now([], [Put(key, value)])
    return key


def presence(store, node_id, address, instance="theirs"):
    """Let another process be present under a node id for a minute."""
    value = presence_value(instance=instance, node=node_id, addresses=at(address))
    grant = store.grant_now(60)
    store.commit_now([], [Put(KEYS.node(node_id), value, grant.id)])
    return grant.id


# -- claiming, and keeping ----------------------------------------------------------------------


async def test_a_claim_takes_these_requests_and_no_more(store):
    """Announce, take, and say so: three commits, two grants, and a list before each decision.

    What rang before a look began is seen by it.
    """
    node = Node(store)
    node.claimant.look()
    async with running(*node.works):
        await until(lambda: node.state.held)
        await settled()
        assert node.counted.verbs == [
            *("list", "grant", "commit"),
            *("list", "grant", "commit"),
            *("list", "commit"),
        ]
        assert json.loads(node.entry.value)["PublicIP"] == "192.0.2.1"
        said = json.loads(node.presence.value)
        assert said["Subnets"] == [str(node.state.lease.subnets)]
        assert node.entry.lease != node.presence.lease


async def test_a_held_lease_asks_for_nothing_but_its_renewals(store):
    """A thousand changes of other nodes' keys cause no request; each state is told once."""
    node = Node(store)
    async with alive(store, node):
        free = [n for n in range(256) if f"10.5.{n}.0/24" != str(node.state.lease.subnets)]
        for number in range(1000):
            other = peer(store, free[number % 250], f"192.0.2.{number % 90 + 100}")
            if number % 3 == 0:
                store.commit_now([], [Delete(other)])
            await settled()
            assert set(node.counted.verbs) <= {"keep_alive"}
        await asyncio.sleep(7200)
        assert set(node.counted.verbs) == {"keep_alive"}
        assert len(node.states) == 1
        assert node.entry.version == 1


async def test_an_own_key_that_is_deleted_is_back_at_once(store):
    """One transaction, on the etcd lease that still lives; the loss and the return are told."""
    node = Node(store)
    async with alive(store, node):
        before = node.entry
        store.commit_now([], [Delete(before.key)])
        took = await until(lambda: before.key in store.entries)
        assert took <= 0.05
        await settled()
        assert len(node.asked("commit")) == 1
        assert node.asked("grant") == []
        assert (node.entry.lease, node.entry.value) == (before.lease, before.value)
        assert [state.held for state in node.states] == [True, False, True]
        assert str(node.states[1].lost) == str(node.state.lease.subnets)


async def test_an_etcd_lease_that_ended_is_replaced(store):
    """Revoked by somebody: the key goes with it, and the same subnet is back on a new lease."""
    node = Node(store)
    async with alive(store, node):
        before = node.entry
        await store.revoke(before.lease)
        await until(lambda: before.key in store.entries and node.state.held)
        assert node.entry.lease != before.lease
        assert node.entry.lease in store.leases
        assert node.claimant.lease_session.state.lease == node.entry.lease


async def test_a_wiped_store_gets_the_same_subnet_back_at_once(store):
    """In a history that began again our revisions mean nothing: it is looked at all the same."""
    for number in range(50):
        peer(store, number)
    node = Node(store)
    async with alive(store, node):
        subnets = node.state.lease.subnets
        store.wipe()
        write_config(store, NETWORK)
        took = await until(lambda: KEYS.lease(subnets) in store.entries)
        assert took <= 2.5
        await until(lambda: node.state.held)
        assert node.state.lease.subnets == subnets
        assert node.presence is not None
        assert not any(node.state.moved_from)


async def test_a_view_that_lags_proves_nothing(store):
    """A snapshot older than what was read shows no loss, and causes no request."""
    node = Node(store)
    async with running(node.claimant.run):
        late = View(store, *node.looks_at, seen=lambda _: None, clock=now)
        async with running(late.run):
            await settled()
        assert node.state.held
        node.counted.forget()
        old = replace(late.snapshot, entries=type(late.snapshot.entries)({}))
        old = replace(old, header=replace(old.header, revision=2))
        node.claimant.saw(old)
        await asyncio.sleep(1)
        assert node.state.held
        assert node.counted.calls == []


# -- what is done when it does not go well -------------------------------------------------------


class Stolen(Counted):
    """A store in which the wanted subnet is taken just before every commit that wants one."""

    def __init__(self, store, times):
        super().__init__(store)
        self.times = times
        self.lost_at = []

    async def commit(self, compares, writes):
        """Let somebody else be quicker."""
        leases = [w for w in writes if isinstance(w, Put) and w.key in KEYS.subnets]
        if leases and self.times:
            self.times -= 1
            self.lost_at.append(now())
            value = lease_value(gateways=at("192.0.2.99"), node_id="quick")
            self.store.commit_now([], [Put(leases[0].key, value)])
        return await super().commit(compares, writes)


async def test_a_lost_race_is_tried_again_after_a_pause_that_nothing_shortens(store):
    """Each loss waits longer, and the sight of the winner's key does not end the pause."""
    node = Node(store, asks=Stolen(store, 5))
    async with running(*node.works):
        await until(lambda: node.state.held)
        pauses = [late - early for early, late in pairwise(node.counted.lost_at)]
        steps = [0.1, 0.2, 0.4, 0.8]
        assert all(
            step / 2 - 1e-3 <= pause <= step + 0.01
            for step, pause in zip(steps, pauses, strict=True)
        )
        assert node.state.how == "new"


async def test_many_nodes_that_start_together_all_hold_a_subnet_soon(store):
    """Sixty nodes, one subnet each, and not a list for every sight of another's key."""
    nodes = [Node(store, f"id-{n}", f"192.0.2.{n + 1}") for n in range(60)]
    works = [work for node in nodes for work in node.works]
    async with running(*works):
        await until(lambda: all(node.state.held for node in nodes), within=10)
        await asyncio.sleep(10)
        assert len({node.state.lease.subnets for node in nodes}) == 60
        assert sum(len(node.asked("list")) for node in nodes) <= 60 * 5


async def test_a_store_that_is_away_at_the_start_is_tried_for_ever(store):
    """It asks at most every five seconds on average, and claims soon after the store is there."""
    node = Node(store)
    store.down()
    async with running(*node.works):
        await asyncio.sleep(1200)
        assert 1200 / 10 <= len(node.counted.calls) <= 1200 / 5 + 10
        store.up()
        await until(lambda: node.state.held, within=10.1)


@pytest.mark.parametrize("verb", ["list", "grant", "commit"])
@pytest.mark.parametrize("answer", ["nothing was done", "only the answer is lost"])
async def test_a_request_that_fails_once_is_made_good(store, verb, answer):
    """Whichever request fails, and whether it was done or not: one lease, one presence, kept."""
    node = Node(store)
    store.faults.once(verb, StoreUnavailable("torn"), after=answer.startswith("only"))
    async with alive(store, node):
        await asyncio.sleep(600)
        assert len([key for key in store.entries if key in KEYS.subnets]) == 1
        assert node.entry.lease == node.claimant.lease_session.state.lease
        assert node.presence is not None
        assert node.presence.lease == node.claimant.presence_session.state.lease
        assert len(node.states) == 1


async def test_the_answer_to_the_second_commit_may_be_lost(store):
    """A lease that was written without our knowing is ours, on the grant that is kept alive."""
    node = Node(store)

    class Torn(Counted):
        async def commit(self, compares, writes):
            first = not self.asked_for_a_lease
            self.asked_for_a_lease |= any(w.key in KEYS.subnets for w in writes)
            done = await super().commit(compares, writes)
            if first and self.asked_for_a_lease:
                raise StoreUnavailable("torn")
            return done

        asked_for_a_lease = False

    node = Node(store, asks=Torn(store))
    async with alive(store, node):
        await asyncio.sleep(2 * TTL)
        assert node.entry.version == 1
        assert node.entry.lease == node.claimant.lease_session.state.lease


async def test_a_grant_that_ended_before_it_was_used_is_replaced(store):
    """A write on a lease that is gone is refused: the next try is on a new one."""

    class Slow(Counted):
        async def commit(self, compares, writes):
            for write in writes:
                if isinstance(write, Put) and write.key in KEYS.subnets and not self.ended:
                    self.ended = write.lease
                    self.store.revoke_now(write.lease)
            return await super().commit(compares, writes)

        ended = 0

    node = Node(store, asks=Slow(store))
    async with alive(store, node):
        assert node.counted.ended
        assert node.entry.lease not in (0, node.counted.ended)


class Full(Counted):
    """A store without space: whatever writes is refused, leases are kept alive."""

    full = False

    async def commit(self, compares, writes):
        """Refuse, as etcd does under its NOSPACE alarm."""
        if self.full:
            self.calls.append(("commit", tuple(writes)))
            raise StoreRefused("mvcc: database space exceeded")
        return await super().commit(compares, writes)


async def test_a_full_store_costs_no_lease(store):
    """While a correction is refused, for days, lease and presence are kept alive all the same."""
    node = Node(store, asks=Full(store))
    async with alive(store, node):
        before = node.entry
        node.counted.full = True
        node.claimant.stand_at(at("192.0.2.50"), ())
        await asyncio.sleep(3 * TTL)
        assert node.entry == before
        assert node.presence is not None
        assert node.state.held
        node.counted.full = False
        await until(lambda: node.entry.version == 2)
        assert json.loads(node.entry.value)["PublicIP"] == "192.0.2.50"
        assert node.entry.lease == before.lease


# -- who we are changes ---------------------------------------------------------------------------


async def test_another_address_is_written_to_the_same_key_and_lease(store):
    """Peers learn the new gateway from one write; the presence tells it, too."""
    node = Node(store)
    async with alive(store, node):
        before, announced = node.entry, node.presence
        node.claimant.stand_at(at("192.0.2.77"), ())
        await until(lambda: node.entry.version == 2)
        await settled()
        assert json.loads(node.entry.value)["PublicIP"] == "192.0.2.77"
        assert (node.entry.created, node.entry.lease) == (before.created, before.lease)
        assert json.loads(node.presence.value)["Addresses"] == ["192.0.2.77"]
        assert node.presence.created == announced.created
        assert len(node.asked("commit")) == 2
        assert node.asked("grant") == []


async def test_our_own_announcement_shown_late_is_no_news(store):
    """A view that shows our presence after we have read it ourselves causes no request."""
    node = Node(store, presence_watched=True)
    async with running(node.claimant.run):
        late = View(store, *node.looks_at, seen=lambda _: None, clock=now)
        async with running(late.run):
            await until(lambda: node.state.held)
            await settled()
        node.counted.forget()
        entries = dict(late.snapshot.entries)
        del entries[KEYS.node("id-1")]
        node.claimant.saw(replace(late.snapshot, entries=type(late.snapshot.entries)(entries)))
        node.claimant.saw(late.snapshot)
        await asyncio.sleep(1)
        assert node.counted.calls == []


async def test_the_same_address_again_asks_for_nothing(store):
    """Every look at the host tells where it stands; that is no news."""
    node = Node(store)
    async with alive(store, node):
        node.claimant.stand_at(at("192.0.2.1"), ())
        await asyncio.sleep(1)
        assert node.counted.calls == []


async def test_a_look_that_finds_nothing_new_is_told_to_nobody(store):
    """Whoever asks for a look, as a reload does, costs one list, and no state is told again."""
    node = Node(store)
    async with alive(store, node):
        node.claimant.look()
        await asyncio.sleep(1)
        assert node.counted.verbs == ["list"]
        assert len(node.states) == 1


async def test_a_renamed_host_says_its_new_name(store):
    """The next process writes its name to its key, on the etcd lease that it found."""
    first = Node(store, name="old")
    async with alive(store, first):
        before = first.entry
    second = Node(store, name="new", who={"former": first.me.instance})
    async with alive(store, second):
        assert second.entry.key == before.key
        assert json.loads(second.entry.value)["Node"] == "new"
        assert (second.entry.lease, second.entry.version) == (before.lease, 2)


async def test_a_restart_writes_only_the_presence(store):
    """The lease of the life before is found, kept alive at once, and not written again."""
    first = Node(store)
    async with alive(store, first):
        before = first.entry
    second = Node(store, who={"former": first.me.instance})
    works = second.works
    async with running(*works):
        await until(lambda: second.state.held)
        await settled()
        assert second.entry == before
        assert second.asked("keep_alive") == [("keep_alive", before.lease)]
        written = {w.key for _, writes in second.asked("commit") for w in writes}
        assert written == {KEYS.node("id-1")}
        assert second.state.how == "kept"


async def test_a_presence_that_lapsed_is_announced_again(store):
    """A process that was cut off for longer than its presence lives is a new presence after."""
    node = Node(store)
    async with running(expiring(store), *node.works):
        await until(lambda: node.state.held)
        await asyncio.sleep(1)
        before, lease = node.presence, node.entry
        real, node.counted.keep_alive = node.counted.keep_alive, silent
        await asyncio.sleep(90)
        assert node.presence is None
        node.counted.forget()
        node.counted.keep_alive = real
        await until(lambda: node.presence is not None, within=11)
        assert node.presence.created > before.created
        assert node.entry == lease
        await asyncio.sleep(600)
        assert len(node.asked("commit")) == 1
        assert node.presence is not None


async def test_a_presence_that_outlived_its_etcd_lease_is_put_on_a_new_one(store):
    """The server says that the lease is gone while the key still stands, for a moment more."""
    node = Node(store)
    async with alive(store, node):
        before = node.presence
        del store.leases[before.lease]
        await until(lambda: node.presence.lease != before.lease, within=25)
        assert node.presence.lease in store.leases
        assert node.presence.created == before.created


async def test_who_announced_himself_without_hearing_so_deposes_nobody(store):
    """The answer was lost; who stands there now came after us, and has deposed us."""
    node = Node(store)
    store.faults.once("commit", StoreUnavailable("torn"), after=True)
    async with alive(store, node):
        store.commit_now([], [Delete(node.presence.key)])
        presence(store, "id-1", "192.0.2.1", instance="copy")
        node.claimant.look()
        await asyncio.sleep(30)
        assert json.loads(node.presence.value)["Instance"] == "copy"
        assert "identity_unsure" in node.state.conditions


async def silent(_lease):
    """Be a member that does not answer."""
    raise StoreUnavailable("silence")


async def test_a_presence_that_somebody_deleted_is_announced_again_where_it_is_watched(store):
    """The mutex on our id does not stay away because its etcd lease still lives."""
    node = Node(store, presence_watched=True)
    async with alive(store, node):
        before = node.presence
        store.commit_now([], [Delete(before.key)])
        await until(lambda: node.presence is not None, within=1)
        assert node.presence.lease == before.lease
        assert len(node.asked("commit")) == 1
        await settled()
        node.counted.forget()
        await asyncio.sleep(30)
        assert set(node.counted.verbs) == {"keep_alive"}


async def test_watching_the_own_presence_costs_no_request(store):
    """Our own announcement, seen by the view, is no news."""
    node = Node(store, presence_watched=True)
    async with running(*node.works):
        await until(lambda: node.state.held)
        await asyncio.sleep(1)
        assert len(node.asked("list")) == 3
        node.counted.forget()
        node.claimant.stand_at(at("192.0.2.77"), ())
        await asyncio.sleep(1)
        assert len(node.asked("list")) == 2
        assert len(node.asked("commit")) == 2


# -- waiting --------------------------------------------------------------------------------------


async def test_the_node_at_our_address_is_told_once(store):
    """One note, on the presence's etcd lease, however long we wait; it ends with us."""
    peer(store, 9, "192.0.2.1")
    lease = presence(store, "p9", "192.0.2.1")
    node = Node(store)

    async def lives():
        while True:
            store.keep_alive_now(lease)
            await asyncio.sleep(30)

    async with running(expiring(store), *node.works, lives):
        await asyncio.sleep(600)
        key = KEYS.disputes("p9").start + b"id-1"
        assert "p9" in node.state.conditions["duplicate_address"]
        assert store.entries[key].lease == node.presence.lease
        assert store.entries[key].version == 1
        noted = [writes for _, writes in node.asked("commit") if writes[0].key == key]
        assert len(noted) == 1
        assert not node.state.held


async def test_a_rival_that_dies_is_our_former_life(store):
    """When the other node's presence has ended, its subnet is ours within a few seconds."""
    key = peer(store, 9, "192.0.2.1")
    presence(store, "p9", "192.0.2.1")
    node = Node(store)
    async with running(expiring(store), *node.works):
        await until(lambda: node.state.held, within=60 + 12)
        assert node.state.lease.key == key
        assert node.state.conditions == {}


async def test_a_stranger_under_our_id_is_waited_for_and_then_named(store):
    """Unsure for the life of a presence, then sure; and over when it is gone."""
    node = Node(store)
    lease = presence(store, "id-1", "192.0.2.66")

    async def lives():
        for _ in range(6):
            store.keep_alive_now(lease)
            await asyncio.sleep(30)

    async with running(expiring(store), *node.works):
        async with running(lives):
            await asyncio.sleep(50)
            assert list(node.state.conditions) == ["identity_unsure"]
            await asyncio.sleep(30)
            assert list(node.state.conditions) == ["duplicate_identity"]
            await asyncio.sleep(60)
        await until(lambda: node.state.held, within=60 + 12)
        assert node.asked("grant")


async def test_a_freed_subnet_is_taken_soon(store):
    """Who waits for a subnet takes the one that becomes free, without being asked."""
    write_config(store, ONE_LEFT)
    key = peer(store, 7)
    node = Node(store)
    async with running(expiring(store), *node.works):
        await until(lambda: "subnets_exhausted" in node.state.conditions)
        store.commit_now([], [Delete(key)])
        await until(lambda: node.state.held, within=1)
        assert node.state.lease.key == key
        assert node.state.conditions == {}


async def test_waiting_costs_a_list_every_ten_seconds(store):
    """Nothing free and nothing changing: a look now and then, in case no event told."""
    write_config(store, ONE_LEFT)
    peer(store, 7)
    node = Node(store)
    async with running(expiring(store), *node.works):
        await until(lambda: node.state.conditions)
        node.counted.forget()
        await asyncio.sleep(600)
        assert 600 / 11.5 <= len(node.asked("list")) <= 600 / 8.5
        assert node.asked("commit", "grant") == []


async def test_a_network_that_comes_is_used_at_once(store):
    """A node that was started before the network was written claims as soon as it is there."""
    store.commit_now([], [Delete(KEYS.config)])
    node = Node(store)
    async with running(*node.works):
        await asyncio.sleep(30)
        assert "no_config" in node.state.conditions
        write_config(store, NETWORK)
        await until(lambda: node.state.held, within=0.5)


async def test_a_subnet_outside_the_network_is_kept_and_said(store):
    """A network that no longer has our subnet is a condition; it ends with the network's return."""
    node = Node(store, remembered=Subnets(IPv4Network("10.5.200.0/24")))
    async with alive(store, node):
        before = node.entry
        write_config(store, {**NETWORK, "SubnetMax": "10.5.100.0"})
        await until(lambda: "outside_config" in node.state.conditions, within=1)
        node.counted.forget()
        for number in range(100):
            peer(store, number)
            await asyncio.sleep(0.5)
        assert node.asked("list", "commit", "grant") == []
        write_config(store, NETWORK)
        await until(lambda: not node.state.conditions, within=5)
        assert node.entry == before


async def test_a_network_that_is_deleted_costs_no_lease(store):
    """What is held stays held, and its presence with it; nothing is wrong with this node."""
    node = Node(store)
    async with alive(store, node):
        before = node.entry
        store.commit_now([], [Delete(KEYS.config)])
        await asyncio.sleep(300)
        assert node.entry == before
        assert node.presence is not None
        assert node.state.held
        assert node.state.conditions == {}


async def test_a_change_of_the_network_is_looked_at_in_turn(store):
    """A thousand leases: each node reads them at its own moment within ten seconds."""
    for number in range(250):
        for part in range(4):
            key = f"{PREFIX}/subnets/10.6.{number}.{part * 64}-26".encode()
            value = lease_value(gateways=at("192.0.2.250"), node_id=f"x{number}-{part}")
            store.commit_now([], [Put(key, value)])
    nodes = [Node(store, f"id-{n}", f"192.0.2.{n + 1}") for n in range(20)]
    async with alive(store, *nodes):
        await asyncio.sleep(20)
        for node in nodes:
            node.counted.forget()
        write_config(store, {**NETWORK, "SubnetMin": "10.5.1.0"})
        await asyncio.sleep(0.5)
        assert sum(len(node.asked("list")) for node in nodes) <= 5
        await asyncio.sleep(10)
        assert all(len(node.asked("list")) == 1 for node in nodes)
