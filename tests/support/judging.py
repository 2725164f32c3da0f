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
