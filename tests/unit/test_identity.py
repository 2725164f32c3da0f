"""Who a node is, when its name, its disk or its machine changes."""

from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostgw_daemon.disk.identity import Identity, decide, machine_id

MACHINE, OTHER = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
FRESH = UUID("00000000-0000-4000-8000-000000000001")
FIRST = str(uuid5(UUID(MACHINE), "n1"))
KEPT = "11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize(
    ("stored", "machine", "expected", "why"),
    [
        (None, MACHINE, Identity(FIRST, MACHINE), "new"),
        (None, "", Identity(str(FRESH)), "new"),
        (Identity(KEPT, MACHINE), MACHINE, Identity(KEPT, MACHINE), "kept"),
        (Identity(KEPT, MACHINE), "", Identity(KEPT, MACHINE), "kept"),
        (Identity(KEPT), MACHINE, Identity(KEPT, MACHINE), "kept"),
        (Identity(KEPT), "", Identity(KEPT), "kept"),
        (Identity(KEPT, OTHER), MACHINE, Identity(FIRST, MACHINE), "machine-id changed"),
    ],
)
def test_the_table(stored: Identity | None, machine: str, expected: Identity, why: str):
    """The file decides, unless it was made on another machine."""
    decision = decide(stored, machine, node="n1", fresh=FRESH)
    assert (decision.identity, decision.why) == (expected, why)


def test_a_lost_disk_gives_the_same_id_again():
    """The first id depends on machine and name alone."""
    again = decide(None, MACHINE, node="n1", fresh=UUID(int=5))
    assert again.identity.node_id == FIRST


def test_clones_with_names_of_their_own_differ():
    """Hosts made from one image share a machine-id; their names still tell them apart."""
    other = decide(None, MACHINE, node="n2", fresh=FRESH)
    assert other.identity.node_id != FIRST


@pytest.mark.parametrize("identity", [Identity(KEPT, MACHINE), Identity(KEPT)])
def test_what_was_written_is_read_back(identity: Identity):
    """The id is the first line, for a person to read."""
    assert Identity.decode(identity.encode()) == identity
    assert identity.encode().startswith(KEPT.encode() + b"\n")


@given(st.integers(0, len(Identity(KEPT, MACHINE).encode()) - 1))
def test_a_torn_file_is_no_identity(length: int):
    """However much of the file is left, part of it is nothing."""
    assert Identity.decode(Identity(KEPT, MACHINE).encode()[:length]) is None


@given(st.binary())
def test_no_bytes_raise(content: bytes):
    """Whatever lies there, reading it gives a value."""
    Identity.decode(content)


@pytest.mark.parametrize(
    ("text", "expected"),
    [(MACHINE + "\n", MACHINE), ("uninitialized\n", ""), ("", ""), (MACHINE[:-1], "")],
)
def test_reading_a_machine_id(text: str, expected: str):
    """Early in the first boot the file says "uninitialized": that is none."""
    assert machine_id(text) == expected
