"""What came of a round of probes that somebody ordered: `/v1/probes`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from hostgw_core.model import FAMILIES, Family
from hostgw_daemon.probe.datagram import Way
from hostgw_daemon.probe.evidence import Diagnosis
from hostgw_daemon.probe.rounds import Round, Tally
from hostgw_daemon.routes.peers import Peer

ORDER: Final = (Way.HOST, Way.POD, Way.FORWARD, Way.BIG)
"""The ways as they are shown: from the link upwards."""


@dataclass(frozen=True, slots=True)
class WayStatus:
    """One way: questions answered and lost, and the seconds there and back of each answer.

    `refused` is why this host's kernel would not send them, "" where they have gone.
    """

    way: str
    answered: int
    lost: int
    round_trips: tuple[float, ...]
    refused: str = ""

    @classmethod
    def of(cls, way: Way, tally: Tally) -> WayStatus:
        """Write out what one way has brought."""
        return cls(
            way.name.lower(), len(tally.trips), tally.lost, tuple(tally.trips), tally.refused
        )


@dataclass(frozen=True, slots=True)
class FamilyStatus:
    """A peer in one family: the ways by which it was asked, and what is to be said of it now."""

    family: Family
    cause: str
    reason: str
    ways: tuple[WayStatus, ...]


@dataclass(frozen=True, slots=True)
class ProbedStatus:
    """A peer that was asked, with the state that `/v1/peers` gives it now."""

    key: str
    node: str
    subnets: tuple[str, ...]
    gateways: tuple[str, ...]
    state: str
    reason: str
    families: tuple[FamilyStatus, ...]


@dataclass(frozen=True, slots=True)
class RoundStatus:
    """A round: whether it is done, how many of its questions' ends are asked, of how many.

    One end is a peer in one family. `peers` are there when all are asked.
    """

    round: int
    done: bool
    asked: int
    of: int
    peers: tuple[ProbedStatus, ...] = ()


def round_status(
    found: Round,
    peers: Iterable[tuple[Peer, str, str]],
    probes: Mapping[tuple[bytes, Family], Diagnosis],
) -> RoundStatus:
    """Write out how far a round is, and what came of it when it is done.

    `peers` are all of one network with their states, `probes` what is said of each now.
    """
    asked = found.count - len(found.left)
    if not found.done:
        return RoundStatus(found.number, done=False, asked=asked, of=found.count)
    told = (
        ProbedStatus(
            key=peer.lease.key.decode(),
            node=peer.lease.node,
            subnets=tuple(map(str, peer.lease.subnets)),
            gateways=tuple(map(str, peer.lease.gateways)),
            state=state,
            reason=reason,
            families=tuple(_families(peer.lease.key, found, probes)),
        )
        for peer, state, reason in peers
        if peer.lease.key in found.leases
    )
    return RoundStatus(found.number, done=True, asked=asked, of=found.count, peers=tuple(told))


def _families(
    key: bytes, found: Round, probes: Mapping[tuple[bytes, Family], Diagnosis]
) -> Iterable[FamilyStatus]:
    for family in FAMILIES:
        tallies = found.tallies.get((key, family))
        if tallies is not None:
            said = probes.get((key, family))
            cause, reason = (str(said.cause), said.reason) if said is not None else ("", "")
            ways = (WayStatus.of(way, tallies[way]) for way in ORDER if way in tallies)
            yield FamilyStatus(family, cause, reason, tuple(ways))
