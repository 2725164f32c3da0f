"""The claim: which subnet this node holds, decided by one table.

Everything a decision may depend on is read first, into a `Sight`. `decide` goes down `TABLE` and
takes the first row that applies; what it gives is an action, which `claimant` carries out, and then
reads and decides again, until the row is "ours, as it should be". There is no memory of what was
done before: a crash between two actions is the same as a pause.

Two nodes never hold one subnet, because no action but to contend, which is no claim, writes
unconditionally. Each write compares our presence, the mutex on our node id, by its create revision
(a process that was deposed while it slept can write no more), and with it

| action | what else must be true at that very revision |
|---|---|
| take | no key in the subnet's range; the configuration unchanged; the reservation absent or ours |
| widen | nothing but our key in the subnet's range, and that unchanged; the rest as for take |
| adopt, rewrite, put right, withdraw | the key unchanged since it was read |
| quarantine | the key unchanged since it was read |
| announce | no presence under our id |
| restore | no network is there |
| depose | the presence unchanged since it was read |
| concede | the note unchanged since it was read |
| depart | the presence is ours, by its create revision |

The range and not the key is compared, because a dual-stack key is another key for the same subnet.
The configuration is compared because a subnet of another length is another range: the sight is no
older than the configuration in it, so whoever holds such a subnet is in the sight.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from hostgw_core.model import HOST_GW, ClusterConfig, Subnets
from hostgw_core.store import Compare, Span
from hostgw_core.subnets import Taken, candidates, fits, too_much
from hostgw_daemon.claim.action import (
    Action,
    Announce,
    Depose,
    Hold,
    Keep,
    Wait,
    Withdraw,
)
from hostgw_daemon.claim.contest import contested, incumbent, note
from hostgw_daemon.claim.departing import leaves, left
from hostgw_daemon.claim.families import lacks_ipv6, misfit, same_again, usable, widen
from hostgw_daemon.claim.ownership import (
    adoptable,
    is_me,
    own,
    own_lease,
    was_me,
)
from hostgw_daemon.claim.pairing import guarded
from hostgw_daemon.claim.regain import another_cluster, network_lost, put_back
from hostgw_daemon.claim.sight import PRESENCE_TTL, Sight
from hostgw_daemon.claim.terms import (
    alone,
    fails,
    fence,
    ours,
    reservation_compares,
    rewrite,
    says,
    unchanged,
    value,
)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: `act` gives None where the row does not apply."""

    when: str
    act: Callable[[Sight], Action | None]


def decide(sight: Sight) -> Action:
    """Take the first row that applies; the last one always does."""
    for row in TABLE:
        action = row.act(sight)
        if action is not None:
            return action
    raise AssertionError("the last row of the table always applies")


def _no_network(sight: Sight) -> Action | None:
    if sight.config is not None:
        return None
    return Wait("no_config", sight.config_gone)


def _no_address(sight: Sight) -> Action | None:
    for family in usable(sight).families:
        if sight.me.addresses.towards(family, via6=sight.me.via6) is None:
            return Wait("no_uplink", f"this host has no usable IPv{family} address yet")
    return None


def _stranger(sight: Sight) -> Action | None:
    presence = sight.presence
    if presence is None or is_me(sight, presence) or was_me(sight, presence):
        return None
    who = f"{presence.node or 'a node'} at {presence.addresses} runs under our node id"
    code = "duplicate_identity" if sight.stranger_for > PRESENCE_TTL else "identity_unsure"
    return Wait(code, f"{who} {sight.me.node_id}")


def _former_life(sight: Sight) -> Action | None:
    presence = sight.presence
    if presence is None or is_me(sight, presence):
        return None
    return Depose(presence)


def _unannounced(sight: Sight) -> Action | None:
    return Announce() if sight.presence is None else None


def _address_held(sight: Sight) -> Action | None:
    """Give way to a living node at our address that came first."""
    first = incumbent(sight)
    return Wait("duplicate_address", contested(sight, first)) if first is not None else None


def _second_lease(sight: Sight) -> Action | None:
    mine = own_lease(sight)
    for lease in own(sight):
        if lease is not mine:
            return Withdraw(lease, (unchanged(lease), fence(sight)))
    return None


def _as_it_should_be(sight: Sight) -> Action | None:
    mine = own_lease(sight)
    if mine is None or not says(mine, sight):
        return None
    return Keep(mine, misfit(sight, mine.subnets), lacks_ipv6(sight))


def _said_otherwise(sight: Sight) -> Action | None:
    """Correct our key where it tells an old address or name, or was put in quarantine."""
    mine = own_lease(sight)
    if mine is None:
        return None
    return rewrite(sight, mine, "rewritten", None if mine.backend != HOST_GW else mine.etcd_lease)


def _spoilt(sight: Sight) -> Action | None:
    """Write our key again where what stands there cannot be read, and so is nobody's."""
    assert sight.config is not None
    subnets = sight.remembered
    if not any(subnets) or fits(sight.config, subnets) is not None:
        return None
    key = sight.keys.lease(subnets)
    for entry in sight.spoilt:
        if entry.key == key and alone(sight, key, subnets):
            if not sight.me.addresses.cover(subnets):
                return Wait("no_uplink", f"there is no IPv6 address to write {subnets} with")
            same = Compare(Span(key), "modified", entry.modified)
            hold = Hold("put right", subnets, key, value(sight, subnets), (same, fence(sight)))
            return guarded(sight, hold)
    return None


def _flannels(sight: Sight) -> Action | None:
    """Adopt flannel's record of this host: its subnet, on an etcd lease of our own."""
    lease = adoptable(sight, lambda node_id: not node_id)
    if lease is None:
        return None
    etcd_lease = None if lease.etcd_lease else 0
    return guarded(sight, rewrite(sight, lease, "adopted from flannel", etcd_lease))


def _former_host(sight: Sight) -> Action | None:
    """Adopt the lease of a dead node at our address: this host, before it was made anew."""
    known = {"", sight.me.node_id, *sight.alive}
    lease = adoptable(sight, lambda node_id: node_id not in known)
    if lease is None:
        return None
    etcd_lease = None if lease.etcd_lease else 0
    return guarded(sight, rewrite(sight, lease, "adopted from a former life", etcd_lease))


def _network_gone(sight: Sight) -> Action | None:
    """Take nothing new in a network that others may have replaced already."""
    return Wait("no_config", sight.config_gone) if sight.config_gone else None


def _free_subnet(sight: Sight) -> Action | None:
    assert sight.config is not None
    assert sight.presence is not None
    others = [r for r in sight.reservations if not ours(sight, r)]
    kept = [subnet for reservation in others for subnet in reservation.subnets]
    # What is too much of the network for any node is nobody's: one such key must not take it all.
    occupied = (each for each in sight.occupied if not too_much(sight.config, each))
    taken = Taken([*occupied, *sight.avoid, *kept])
    config = usable(sight)
    for how, subnets in _choices(sight, config):
        if fits(config, subnets) is not None or any(map(taken.overlaps, subnets)):
            continue
        compares = (
            Compare(sight.keys.block(subnets), "version", 0),
            Compare(Span(sight.keys.config), "modified", sight.config.revision),
            *reservation_compares(sight, subnets),
            fence(sight),
        )
        if not any(fails(sight, compare) for compare in compares):
            key = sight.keys.lease(subnets)
            return guarded(sight, Hold(how, subnets, key, value(sight, subnets), compares))
    return None


def _exhausted(sight: Sight) -> Action:
    ours = ", ".join(map(str, sight.avoid))
    aside = (
        f"; one that meets a network of this host's link ({ours}) is never taken" if ours else ""
    )
    return Wait("subnets_exhausted", f"{len(sight.leases)} leases, and no subnet is left{aside}")


TABLE: Final = (
    Row("the store of another cluster answers", another_cluster),
    Row("our note about our address is not what is so", note),
    Row("this node has left on purpose", left),
    Row("this node is to leave on purpose", leaves),
    Row("there is no network yet", _no_network),
    Row("this host has no address yet", _no_address),
    Row("somebody else lives under our node id", _stranger),
    Row("our own former life is still announced", _former_life),
    Row("we are not announced", _unannounced),
    Row("the network that we know went with the store's history", network_lost),
    Row("another node lives at our address and came first", _address_held),
    Row("our lease went with the store's history", put_back),
    Row("we hold more than one lease", _second_lease),
    Row("our lease lacks the IPv6 subnet that it could have now", widen),
    Row("our lease is there, as it should be", _as_it_should_be),
    Row("our lease is there and says something else", _said_otherwise),
    Row("our lease is there and cannot be read", _spoilt),
    Row("flannel leased a subnet for this host", _flannels),
    Row("a dead node with our address holds a subnet", _former_host),
    Row("the network that we know is not in the store any more", _network_gone),
    Row("a subnet is free: ours by reservation, the one we had, or the next", _free_subnet),
    Row("no subnet is free", _exhausted),
)


def _choices(sight: Sight, config: ClusterConfig) -> Iterator[tuple[str, Subnets]]:
    """Give the subnets to try, in order, and the word for each."""
    for reservation in sight.reservations:
        if ours(sight, reservation):
            yield "reserved", reservation.subnets.only(config.families)
    yield "the same again", same_again(sight)
    assert sight.config is not None
    for subnets in candidates(sight.config, sight.me.node_id):
        yield "new", subnets.only(config.families)
