"""Records of leases, judged by the real rules, and what became of each in a single word."""

from __future__ import annotations

from hostgw_core.store import Entry
from hostgw_daemon.routes.judgement import accept
from hostgw_daemon.routes.peers import Policy, Roster
from support.lease_world import config, policy

RULES = policy()
DUAL = policy(config(ipv6="fd00:5::/48"), address6="fd00::1")


def judged(*entries: Entry, rules: Policy = RULES, before: Roster | None = None) -> dict[str, str]:
    """Judge, and say of each key its state, or the reason of its refusal."""
    return told(accept(entries, rules, before))


def told(roster: Roster) -> dict[str, str]:
    """Say of each key, by the last part of its name, its state or the reason of its refusal."""
    found = {each: str(peer.state) for each, peer in roster.peers.items()}
    found |= {each: refusal.reason for each, refusal in roster.refusals.items()}
    return {each.decode().rpartition("/")[2]: word for each, word in found.items()}


def only(*entries: Entry, rules: Policy = RULES, before: Roster | None = None) -> str:
    """Judge what becomes of the first of these records."""
    name = entries[0].key.decode().rpartition("/")[2]
    return judged(*entries, rules=rules, before=before)[name]


def used(roster: Roster) -> dict[bytes, tuple[tuple[str, ...], set[str], str]]:
    """Say what is believed in the words of the brute force.

    Left out is the gateway of a family that the lease has no subnet of: it matters to nobody.
    """
    return {
        each: (
            tuple(map(str, peer.lease.subnets)),
            {str(g) for g in peer.lease.gateways if peer.lease.subnets.of(g.version) is not None},
            str(peer.state),
        )
        for each, peer in roster.peers.items()
    }


def reasons(roster: Roster) -> dict[bytes, str]:
    """Say why each refused record is refused."""
    return {each: refusal.reason for each, refusal in roster.refusals.items()}
