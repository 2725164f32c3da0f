"""Whatever lies where the snapshot should, it is a snapshot or a reason, and no exception."""

from __future__ import annotations

from dataclasses import astuple
from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from hostgw_core.store import Entry, Header
from hostgw_daemon.disk.recollection import MAGIC, Past, Recollection, decode, encode
from support.recollections import NODE_ID, PREFIX, recollection

WHOLE = encode(recollection())
numbers = st.integers(0, 2**63 - 1)
headers = st.builds(Header, cluster=st.integers(0, 2**64 - 1), revision=numbers, term=numbers)
texts = st.text(st.characters(exclude_categories=["Cs"])).map(str.encode)
entries = st.builds(Entry, texts, texts, numbers, numbers, st.just(1), numbers)
pasts = st.builds(Past, headers) | st.builds(
    Past,
    headers,
    headers,
    headers,
    st.frozensets(st.text(st.characters(exclude_categories=["Cs"]))),
)
recollections = st.builds(
    Recollection,
    st.just(PREFIX),
    st.just(NODE_ID),
    st.floats(0, 4e9),
    pasts,
    st.none() | entries,
    st.lists(entries, max_size=5).map(tuple),
)


@given(recollections)
def test_what_is_written_comes_back(written: Recollection):
    """Any numbers that etcd may have, and any text."""
    found = decode(encode(written), prefix=PREFIX, node_id=NODE_ID)
    assert isinstance(found, Recollection)
    assert astuple(found) == astuple(written)


def signed(content: bytes) -> bytes:
    """Put a digest under what nobody wrote out; it is counted here by hand."""
    return content + b"blake2b " + blake2b(content, digest_size=32).hexdigest().encode() + b"\n"


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(content: bytes):
    """Nothing that is not ours is taken, and nothing raises."""
    assert isinstance(decode(content, prefix=PREFIX, node_id=NODE_ID), str)


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda t: t.encode(errors="replace")))
def test_any_bytes_under_a_right_digest_are_refused(body: bytes):
    """A digest says that nothing was lost; whether it means anything is asked after that."""
    content = signed(MAGIC + body)
    assert isinstance(decode(content, prefix=PREFIX, node_id=NODE_ID), str)


@given(st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)), st.binary(max_size=8), st.booleans())
def test_any_part_that_is_another_is_refused(start: int, end: int, other: bytes, right: bool):
    """Cut out, put in or written over; with the digest made right, it may also be another one."""
    start, end = sorted((start, end))
    spoilt = WHOLE[:start] + other + WHOLE[end:]
    if right:
        spoilt = signed(MAGIC + spoilt.partition(b"\n")[2].rpartition(b"blake2b ")[0])
        assert decode(spoilt, prefix=PREFIX, node_id=NODE_ID) is not None
    elif spoilt != WHOLE:
        assert isinstance(decode(spoilt, prefix=PREFIX, node_id=NODE_ID), str)
