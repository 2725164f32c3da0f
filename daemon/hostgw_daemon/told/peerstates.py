"""Every other node with the state that it is in and the cause: the words of DESIGN and documents.

What is wrong with the record comes first, then what the kernel says of the routes, then what the
probes have found out: what stands before hides what stands behind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hostgw_core.model import FAMILIES
from hostgw_daemon.kernel import Verdict
from hostgw_daemon.probe.evidence import FINE, Cause, Diagnosis
from hostgw_daemon.probe.target import Key
from hostgw_daemon.routes.foreign import take_away
from hostgw_daemon.routes.peers import Peer, PeerState
from hostgw_daemon.told.overview import Parts, missing

WELL = frozenset({"ok", "unprobed"})
"""States that are no trouble."""

WORDS = {Verdict.OFF_LINK: "off_subnet", Verdict.CONFLICT: "conflict"}
_NOT_YET = Diagnosis(Cause.UNPROBED, "it has not been probed yet")


def peer_states(parts: Parts) -> Iterator[tuple[Peer, str, str]]:
    """Give every other node with its state, and the reason."""
    now = parts.understanding
    roster = now.roster if now is not None else None
    if roster is None:
        return
    troubled = _troubled(parts)
    fights = set(parts.routes.fights)
    looked_at = bool(troubled or fights)  # most days nothing is wrong with ten thousand peers
    for peer in roster.peers.values():
        if peer.state is PeerState.SELF:
            continue
        state, reason = str(peer.state), peer.reason
        well = peer.state in (PeerState.OK, PeerState.PARTIAL)
        for subnet in peer.lease.subnets if looked_at and well else ():
            prefix = (subnet.network_address.packed, subnet.prefixlen)
            if str(subnet) in fights:
                state, reason = "fight", "somebody deletes its route as fast as it is put back"
            elif prefix in troubled:
                state, reason = troubled[prefix]
        if well and state == peer.state and parts.probes is not None:
            found, why = _probed(parts.probes, peer.lease.key)
            if peer.state is PeerState.OK or found not in WELL:
                state, reason = found, why
        yield peer, state, reason


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
        found.setdefault((route.destination, route.length), ("shadowed", take_away(route)))
    return found


def _probed(probes: Mapping[Key, Diagnosis], key: bytes) -> tuple[str, str]:
    """Give what the probes say, of two families the one that is in trouble."""
    found = [each for family in FAMILIES if (each := probes.get((key, family))) is not None]
    bad = [each for each in found if each.cause not in FINE]
    good = [each for each in found if each.cause is Cause.OK]
    said = (bad or good or found or [_NOT_YET])[0]
    return str(said.cause), said.reason
