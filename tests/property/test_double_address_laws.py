"""Laws of two nodes with one address: the notes that are known, that are left, and the hardware."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hostgw_core.records import dispute_of, presence_value
from hostgw_core.store import Deleted, Entry
from hostgw_daemon.claim.action import Concede, Contend
from hostgw_daemon.claim.contest import MOST, incumbent, note
from hostgw_daemon.probe.hardware import CALM, Hardware
from hostgw_daemon.routes.disputes import amended, disputes_in
from support.sights import HERE, KEYS, ME, THERE, lease, note_at, seen

NAMES = st.sampled_from(["a", "b", "me"])
CARDS = st.sampled_from([b"\1", b"\2", b"\3"])


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Give a note, something in their range that is none, or something else."""
    key = KEYS.dispute(draw(NAMES), draw(NAMES))
    said = presence_value(
        instance="i", node=draw(NAMES), addresses=draw(st.sampled_from([HERE, THERE]))
    )
    spoilt = Entry(key, b"{}", 1, 1, 1, 0)
    return draw(
        st.sampled_from([Entry(key, said, 1, 1, 1, 0), spoilt, Entry(KEYS.config, b"", 1, 1, 1, 0)])
    )


@given(st.lists(entries()), st.lists(st.tuples(entries(), st.booleans())))
def test_what_is_amended_is_what_would_be_read_anew(
    there: list[Entry], changes: list[tuple[Entry, bool]]
) -> None:
    """Whatever comes, goes, or becomes nonsense."""
    store = {each.key: each for each in there}
    known = disputes_in(KEYS, store.values())
    for entry, gone in changes:
        known = amended(known, KEYS, [Deleted(entry.key, 9) if gone else entry])
        store.pop(entry.key, None)
        if not gone:
            store[entry.key] = entry
    assert known == disputes_in(KEYS, store.values())


@given(
    st.lists(st.tuples(NAMES, st.sampled_from(["now", "before", "copy"])), max_size=5),
    st.integers(0, MOST + 1),
    st.booleans(),
    st.booleans(),
)
def test_our_notes_come_to_rest_with_what_is_so(
    ours: list[tuple[str, str]], crowd: int, has_lease: bool, lives: bool
) -> None:
    """In as many steps as there are notes and one: none is left that is not true, one that is."""
    notes = {KEYS.dispute(holder, "me"): note_at(holder, instance=of) for holder, of in ours}
    others = [note_at("a", node_id=f"n{number}") for number in range(crowd)]
    leases = [lease(5, "a", node="db"), *([lease(3, gateways=THERE)] if has_lease else [])]
    alive = frozenset({"a"} if lives else ())
    sight = seen(leases=tuple(leases), alive=alive)
    for _ in range(len(notes) + 2):
        sight = replace(sight, disputes=(*notes.values(), *others))
        match note(sight):
            case Contend(key, value):
                read = dispute_of(KEYS, Entry(key, value, 1, 1, 1, 1))
                notes[key] = read  # type: ignore[assignment]  # it is read, or the test fails below
            case Concede(key, _):
                del notes[key]
            case None:
                break
    assert note(sight) is None
    first = incumbent(sight)
    assert (first is not None) is lives
    own = {each.holder for each in notes.values() if each.claimant.instance in ("now", ME.former)}
    right = {KEYS.dispute("a", "me")} & notes.keys() if lives else set()
    assert own <= ({"a"} if lives else set())
    assert bool(right) is (lives and (crowd < MOST or KEYS.dispute("a", "me") in notes))


@given(st.lists(st.one_of(CARDS, st.sampled_from(["answered", "silent", "taken", "gone"]))), CARDS)
def test_a_node_that_answers_by_one_card_for_long_enough_has_it(
    story: list[bytes | str], card: bytes
) -> None:
    """Whatever was before; and a stranger is told of only while its card is not the node's own."""
    known = Hardware()
    for each in story:
        known = known.seen(each) if isinstance(each, bytes) else getattr(known, each)()
        assert known.strange is (b"" not in (known.own, known.now) and known.own != known.now)
        assert known.stranger == b"" or known.stranger != known.own
    known = known.seen(card)
    for _ in range(CALM):
        known = known.answered()
    assert (known.own, known.bound, known.strange, known.stranger) == (card, True, False, b"")
