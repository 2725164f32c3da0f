"""Every other node with the state that it is in and the cause: the words of DESIGN and documents.

What is wrong with the record comes first, then what the kernel says of the routes, then what the
probes have found out: what stands before hides what stands behind. That it shares its address with
another node is of the record, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from hostgw_core.model import FAMILIES
from hostgw_daemon.kernel import Verdict
from hostgw_daemon.probe.evidence import FINE, Cause, Diagnosis
from hostgw_daemon.probe.target import Key
from hostgw_daemon.routes.foreign import take_away
from hostgw_daemon.routes.peers import Peer, PeerState
from hostgw_daemon.told.doubles import ASTRAY, DUPLICATE, astray, at_our_address, doubles
from hostgw_daemon.told.overview import Parts, missing
from hostgw_daemon.told.rejected import REJECTED, rejected
from hostgw_daemon.told.withdrawn import SAID

WELL = frozenset({"ok", "unprobed"})
"""States that are no trouble."""

WORDS = {Verdict.OFF_LINK: "off_subnet", Verdict.CONFLICT: "conflict"}
_NOT_YET = Diagnosis(Cause.UNPROBED, "it has not been probed yet")


def peer_states(parts: Parts) -> Iterator[tuple[Peer, str, str]]:
    """Give every other node with its state, and the reason."""
    state_of = _judge(parts)
    for peer in _peers(parts):
        if peer.state is not PeerState.SELF:
            yield peer, *state_of(peer)
    yield from _routeless(parts)


def troubled_peers(parts: Parts) -> Iterator[tuple[Peer, str, str]]:
    """Give those that have a trouble, and look closely at nobody else: of ten thousand mostly none.

    Where the kernel holds routes that are not as they should be, everybody is looked at.
    """
    anyone = bool(parts.routes.fights or parts.routes.shadows or parts.routes.missing)
    bad = {key for (key, _), each in (parts.probes or {}).items() if each.cause not in FINE}
    state_of, shared = _judge(parts), doubles(parts.understanding)
    for peer in _peers(parts):
        suspect = anyone or peer.lease.key in bad or peer.lease.node_id in shared
        if peer.state is PeerState.OK and not suspect:
            continue
        if peer.state is not PeerState.SELF:
            state, reason = state_of(peer)
            if state not in WELL:
                yield peer, state, reason
    yield from _routeless(parts)


def _routeless(parts: Parts) -> Iterator[tuple[Peer, str, str]]:
    """Give the nodes that no route leads to, for what their records say."""
    for peer, reason in at_our_address(parts.understanding):
        yield peer, DUPLICATE, reason
    for peer, reason in rejected(parts.understanding):
        yield peer, REJECTED, reason


def _peers(parts: Parts) -> Iterable[Peer]:
    now = parts.understanding
    return now.roster.peers.values() if now is not None and now.roster is not None else ()


def _judge(parts: Parts) -> Callable[[Peer], tuple[str, str]]:
    """Give what says of a peer in which state it is, and the reason."""
    troubled = _troubled(parts)
    fights, shared = set(parts.routes.fights), doubles(parts.understanding)
    withdrawn = parts.withdrawn.routes
    looked_at = bool(troubled or fights)  # most days nothing is wrong with ten thousand peers

    def judge(peer: Peer) -> tuple[str, str]:
        state, reason = str(peer.state), peer.reason
        well = peer.state in (PeerState.OK, PeerState.PARTIAL)
        if well and peer.lease.node_id in shared:
            return DUPLICATE, shared[peer.lease.node_id]
        for subnet in peer.lease.subnets if looked_at and well else ():
            prefix = (subnet.network_address.packed, subnet.prefixlen)
            if str(subnet) in fights:
                state, reason = "fight", "somebody deletes its route as fast as it is put back"
            elif prefix in troubled:
                state, reason = troubled[prefix]
        if well and state == peer.state and parts.probes is not None:
            found, why = _probed(parts, parts.probes, peer.lease.key)
            if peer.state is PeerState.OK or found not in WELL:
                state, reason = found, why
        if any((peer.lease.key, family) in withdrawn for family in FAMILIES):
            reason = f"{SAID}: {reason}" if reason else SAID
        return state, reason

    return judge


def _troubled(parts: Parts) -> dict[tuple[bytes, int], tuple[str, str]]:
    """Give what the kernel says of the routes that are not as they should be."""
    found = {
        (outcome.write.route.destination, outcome.write.route.length): (
            WORDS.get(outcome.verdict, "failed"),
            outcome.message,
        )
        for outcome in missing(parts)
    }
    for route in parts.routes.shadows:
        state = "conflict" if route in parts.routes.holders else "shadowed"
        found.setdefault((route.destination, route.length), (state, take_away(route)))
    return found


def _probed(parts: Parts, probes: Mapping[Key, Diagnosis], key: bytes) -> tuple[str, str]:
    """Give what the probes say, of two families the one that is in trouble."""
    found = [each for family in FAMILIES if (each := probes.get((key, family))) is not None]
    bad = [each for each in found if each.cause not in FINE]
    good = [each for each in found if each.cause is Cause.OK]
    said = (bad or good or found or [_NOT_YET])[0]
    if astray(parts.understanding, said.cause):
        return str(Cause.UNPROBED), ASTRAY
    return str(said.cause), said.reason
