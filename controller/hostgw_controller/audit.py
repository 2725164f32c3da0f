"""What is wrong between the records of a cluster, that no node can see alone.

Every finding is a function of one census: nothing is remembered, so a finding is over when the
records are right. Each names the keys it is about, and says what to do.

| kind | what it says |
|---|---|
| `overlap` | two keys take subnets that have addresses in common |
| `duplicate_address` | several leases are reached through one address |
| `outside_config` | a lease takes a subnet that the configuration would not give out |
| `partial` | a lease lacks IPv6, which the network has |
| `other_backend` | a lease's node carries packets in another way, so nobody routes to it here |
| `refused` | a record that could not be understood |
| `no_config` | there is no network configuration |

A lease in quarantine still takes its subnet, but is no finding: somebody put it there on purpose.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hostgw_controller.census import QUARANTINE, Census, Holder
from hostgw_controller.occupancy import Occupancy, occupancy_of
from hostgw_core.keys import quoted
from hostgw_core.model import FAMILIES, HOST_GW, Family, IPAddress, Lease
from hostgw_core.subnets import fits, lacks

KINDS = (
    "overlap",
    "duplicate_address",
    "outside_config",
    "partial",
    "other_backend",
    "refused",
    "no_config",
)

REASONS = ("malformed_key", "malformed_value", "bad_address", "bad_config")
"""Why a record is refused: the codes of `hostgw_core.records` and `hostgw_core.network`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `subject` is what it is about: a subnet, an address, a reason."""

    kind: str
    subject: str
    keys: tuple[bytes, ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class Findings:
    """All that is wrong, in the order of KINDS, and what was counted on the way."""

    findings: tuple[Finding, ...] = ()
    occupancy: Occupancy = field(default_factory=Occupancy)
    leases: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)

    def of(self, kind: str) -> tuple[Finding, ...]:
        """Give the findings of one kind."""
        return tuple(finding for finding in self.findings if finding.kind == kind)


def audit(census: Census) -> Findings:
    """Judge a census."""
    found = (
        *_overlaps(census.holders),
        *_duplicates(census.routed),
        *_outside(census),
        *_partial(census),
        *_other_backends(census.leases),
        *(
            Finding("refused", refusal.reason, (refusal.key,), refusal.detail)
            for refusal in census.refusals
        ),
        *_no_config(census),
    )
    occupancy = occupancy_of(
        census.config,
        (holder.subnets for holder in census.holders),
        (reservation.subnets for reservation in census.reservations),
    )
    refused = Counter(refusal.reason for refusal in census.refusals)
    return Findings(found, occupancy, len(census.leases), dict(refused))


def _overlaps(holders: tuple[Holder, ...]) -> Iterator[Finding]:
    """Give each pair of keys once, though both their families may overlap."""
    pairs: dict[tuple[bytes, bytes], tuple[Holder, Holder]] = {}
    for family in FAMILIES:
        for pair in _nested(holders, family):
            one, other = sorted(pair, key=lambda holder: holder.key)
            pairs.setdefault((one.key, other.key), (one, other))
    for keys, (one, other) in sorted(pairs.items(), key=lambda item: item[0]):
        yield Finding(
            "overlap",
            f"{one.subnets}, {other.subnets}",
            keys,
            f"{one.subnets} of {one.owner} and {other.subnets} of {other.owner} have addresses in"
            " common, so that packets reach only one of the two; find out which of them really has"
            f" containers there, and delete the other's key ({quoted(one.key)} or"
            f" {quoted(other.key)})",
        )


def _nested(holders: tuple[Holder, ...], family: Family) -> Iterator[tuple[Holder, Holder]]:
    """Give the pairs that overlap. Two networks nest or are apart: the open ones make a stack."""
    spans = sorted(
        (int(subnet.network_address), subnet.prefixlen, number, int(subnet.broadcast_address))
        for number, holder in enumerate(holders)
        if (subnet := holder.subnets.of(family)) is not None
    )
    open_ones: list[tuple[int, Holder]] = []
    for first, _, number, last in spans:
        while open_ones and open_ones[-1][0] < first:
            open_ones.pop()
        for _, outer in open_ones:
            yield outer, holders[number]
        open_ones.append((last, holders[number]))


def _duplicates(leases: tuple[Lease, ...]) -> Iterator[Finding]:
    by_address: dict[IPAddress, list[Lease]] = defaultdict(list)
    for lease in leases:
        for address in lease.gateways:
            by_address[address].append(lease)
    shared = [item for item in by_address.items() if len(item[1]) > 1]
    for address, users in sorted(shared, key=lambda item: (item[0].version, int(item[0]))):
        named = " and ".join(f"{lease.subnets} ({lease.owner})" for lease in users)
        yield Finding(
            "duplicate_address",
            str(address),
            tuple(lease.key for lease in users),
            f"{address} is the address of {len(users)} leases, {named}: either one host has"
            " several, or several hosts have one address; give each host an address of its own, and"
            " delete the keys that no host uses",
        )


def _outside(census: Census) -> Iterator[Finding]:
    if census.config is None:
        return
    for lease in census.leases:
        why = fits(census.config, lease.subnets)
        if why is not None and lacks(census.config, lease.subnets, lease.gateways) is None:
            yield Finding(
                "outside_config",
                str(lease.subnets),
                (lease.key,),
                f"the lease of {lease.owner} does not fit the network configuration: {why}; drain"
                " the node so that it takes another subnet, or change the configuration back",
            )


def _partial(census: Census) -> Iterator[Finding]:
    if census.config is None:
        return
    for lease in census.routed:
        why = lacks(census.config, lease.subnets, lease.gateways)
        if why is not None:
            yield Finding(
                "partial",
                str(lease.subnets),
                (lease.key,),
                f"only IPv4 is routed to {lease.owner}: {why}; give its host an IPv6 address on the"
                " link, and restart it if it runs flannel",
            )


def _other_backends(leases: tuple[Lease, ...]) -> Iterator[Finding]:
    for lease in leases:
        if lease.backend not in {HOST_GW, QUARANTINE}:
            yield Finding(
                "other_backend",
                str(lease.subnets),
                (lease.key,),
                f"no node routes to {lease.subnets} of {lease.owner}: its BackendType is"
                f" {quoted(lease.backend)}, not {quoted(HOST_GW)}; give its node the backend of the"
                " others",
            )


def _no_config(census: Census) -> Iterator[Finding]:
    if census.config is None and "bad_config" not in {each.reason for each in census.refusals}:
        yield Finding(
            "no_config",
            "config",
            (),
            "there is no network configuration, so that no node can take a subnet; write one with"
            " `hostgwctl config set`",
        )
