"""The snapshot file: what was written comes back, and nothing else does."""

from __future__ import annotations

import json
from dataclasses import astuple
from hashlib import blake2b

import pytest

from hostgw_core.store import Entry, Header
from hostgw_daemon.disk import recollection as file
from hostgw_daemon.disk.recollection import Past, Recollection, decode, encode
from support.recollections import KNOWN, NODE_ID, PREFIX, recollection, record

WHOLE = encode(recollection())


def read(content: bytes, *, prefix: str = PREFIX, node_id: str = NODE_ID) -> Recollection | str:
    """Read it as the node that wrote it, or as another."""
    return decode(content, prefix=prefix, node_id=node_id)


BODY = WHOLE.removeprefix(file.MAGIC).rpartition(b"blake2b ")[0]


def signed(body: bytes, *, magic: bytes = file.MAGIC) -> bytes:
    """Put a digest on a body that nobody wrote out; it is counted here by hand."""
    content = magic + body
    return content + b"blake2b " + blake2b(content, digest_size=32).hexdigest().encode() + b"\n"


@pytest.mark.parametrize(
    "written",
    [
        recollection(),
        recollection(config=None, leases=()),
        recollection(
            past=Past(KNOWN, Header(1, 9, 2), Header(1, 12, 2), frozenset({"id-2", "id-3"}))
        ),
        recollection(leases=tuple(record(third, node=f"n{third}") for third in range(256))),
    ],
)
def test_what_was_written_comes_back(written: Recollection):
    """Every field, in order; but for the version of a key, which nothing goes by."""
    found = read(encode(written))
    assert isinstance(found, Recollection)
    assert astuple(found) == astuple(written)


def test_the_file_is_text_that_a_person_can_read():
    """Format and version, what all is of, a line for each record, and the digest."""
    first, head, *records, seal = WHOLE.decode().splitlines()
    assert first == "hostgw-snapshot 1"
    assert json.loads(head)["prefix"] == PREFIX
    assert [json.loads(record)[0].rpartition("/")[2] for record in records] == [
        "10.5.1.0-24",
        "10.5.2.0-24",
        "10.5.3.0-24",
    ]
    assert seal.startswith("blake2b ")


def test_every_truncation_is_refused():
    """A file of which any part of the end is missing is not used, be it the last byte alone."""
    assert [n for n in range(len(WHOLE)) if not isinstance(read(WHOLE[:n]), str)] == []


def test_every_change_of_a_byte_is_refused():
    """One bit or all of them, wherever it is."""
    for at, byte in enumerate(WHOLE):
        for other in {byte ^ 1, byte ^ 0x20, byte ^ 0xFF, 0}:
            if other != byte:
                spoilt = WHOLE[:at] + bytes([other]) + WHOLE[at + 1 :]
                assert isinstance(read(spoilt), str), (at, byte, other)


@pytest.mark.parametrize("more", [b"\n", b" ", b"\0" * 512, WHOLE])
def test_more_than_was_written_is_refused(more: bytes):
    """Also where it is nothing to JSON."""
    assert isinstance(read(WHOLE + more), str)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no snapshot"),
        (b"hostgw-snapshot 2\n" + WHOLE.removeprefix(file.MAGIC), "no snapshot of a version"),
        (b'{"version": 1}\n', "no snapshot"),
        (file.MAGIC + b"\n", "digest"),
        (signed(b"{}\n"), "required field"),
        (signed(b'{"x":' + b"[" * 100_000 + b"\n"), "recursion"),
        (signed(BODY.replace(b"1000000000.0", b"1e300")), "<= 253402300799"),
        (signed(BODY.replace(b"1000000000.0", b"-1e300")), ">= 0"),
    ],
)
def test_what_nobody_here_wrote_is_refused_with_a_reason(content: bytes, words: str):
    """Of another version, no file of ours at all, or with a digest that is right by design."""
    reason = read(content)
    assert isinstance(reason, str)
    assert words in reason


def test_the_file_of_another_node_is_refused():
    """A disk that was copied knows another node's own lease; both are named."""
    assert read(WHOLE, node_id="id-9") == ("it was written by the node id-1, and this one is id-9")


def test_the_file_of_another_prefix_is_refused():
    """The leases of another cluster are no memory of this one."""
    assert read(WHOLE, prefix="/other") == (
        "it is of the prefix /coreos.com/network, and --etcd-prefix is /other"
    )


def test_a_file_that_is_too_large_is_refused_unread(monkeypatch: pytest.MonkeyPatch):
    """Its size alone decides, whatever is in it."""
    monkeypatch.setattr(file, "LARGEST", len(WHOLE) - 1)
    assert read(WHOLE) == f"it has more than {len(WHOLE) - 1} bytes"


def test_a_value_that_is_no_text_is_written_all_the_same():
    """One bad byte in the network's record, of which JSON thinks nothing, costs no snapshot."""
    config = Entry(f"{PREFIX}/config".encode(), b'{"x": "\xff"}', 2, 2, 1, 0)
    found = read(encode(recollection(config=config)))
    assert isinstance(found, Recollection)
    assert found.config is not None
    assert found.config.value.decode() == '{"x": "�"}'
