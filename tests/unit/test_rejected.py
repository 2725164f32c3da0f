"""Nodes whose records are not used: each is told with what can be read of it, and why."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from hostgw_core.model import Refusal
from hostgw_core.store import Entry
from hostgw_core.view import Snapshot
from hostgw_daemon.told.peerstates import peer_states, troubled_peers
from hostgw_daemon.told.rejected import MOST
from support.parts import HEADER, lease, parts, roster, understanding

WELL = b'{"PublicIP":"192.0.2.9","BackendType":"host-gw","Node":"n9"}'
VXLAN = b'{"PublicIP":"192.0.2.9","BackendType":"vxlan","Node":"n9"}'


def of(*records: tuple[bytes, bytes, str]):
    """Make the parts of a daemon with records (key, value, reason) that it does not use."""
    entries = {key: Entry(key, value, 1, 1, 1, 0) for key, value, _ in records}
    refusals = tuple(Refusal(key, reason, "why") for key, _, reason in records)
    snapshot = replace(Snapshot(HEADER), entries=MappingProxyType(entries))
    return parts(
        understanding=understanding(snapshot=snapshot, roster=roster(3, refusals=refusals))
    )


def told(*records: tuple[bytes, bytes, str]) -> list[tuple[str, list[str], str, str]]:
    """Give node, subnets, state and reason of everybody that is not well."""
    return [
        (peer.lease.node, list(map(str, peer.lease.subnets)), state, why)
        for peer, state, why in troubled_peers(of(*records))
    ]


@pytest.mark.parametrize(
    ("value", "node"),
    [
        (WELL, "n9"),
        (VXLAN, "n9"),
        (b"nonsense", ""),
        (b'{"PublicIP":"127.0.0.1","Node":"n9"}', "n9"),
    ],
)
def test_a_node_whose_record_is_not_used_is_rejected(value: bytes, node: str) -> None:
    """With its name, if that can be read; its subnet is in the key."""
    record = (lease(9).key, value, "bad_gateway")
    assert told(record) == [(node, ["10.0.9.0/24"], "rejected", "bad_gateway: why")]
    assert [state for _, state, _ in peer_states(of(record))].count("rejected") == 1


@pytest.mark.parametrize("reason", ["leftover", "quarantined", "malformed_key"])
def test_what_is_not_used_for_other_reasons_is_no_node(reason: str) -> None:
    """A leftover of another history, a node that leaves on purpose, a key that names no subnet."""
    assert told((lease(9).key, WELL, reason)) == []
    assert told((b"/coreos.com/network/subnets/mine", WELL, "malformed_key")) == []


def test_a_peer_that_is_kept_is_not_rejected_besides() -> None:
    """Its last good record is gone by."""
    assert told((lease(2).key, b"nonsense", "malformed_value")) == []


def test_of_very_many_only_the_first_are_looked_at() -> None:
    """Whoever writes rubbish by the thousand does not keep us busy."""
    records = [(lease(n).key, WELL, "overlap") for n in range(4, 4 + 3 * MOST)]
    assert len(told(*records)) == MOST
