"""What `hostgwctl hold` shows, and which of it a name means."""

from __future__ import annotations

import json

import pytest

from hostgw_cli.columns import columns
from hostgw_cli.hold_list import (
    HEADINGS,
    Held,
    History,
    Holdings,
    Leftovers,
    chosen,
    holdings,
    remarks,
    rows,
)

PREFIX = "/coreos.com/network/subnets/"
LAST = Held(
    *(f"{PREFIX}10.5.1.0-24", "n1", ("10.5.1.0/24",), ("192.0.2.1",), "many went"),
    grave=True,
    since=1000.0,
    until=1300.0,
)
DUAL = Held(
    f"{PREFIX}10.5.2.0-24&fd00:5:0:2::-64",
    "",
    ("10.5.2.0/24", "fd00:5:0:2::/64"),
    ("192.0.2.2", "fd00::2"),
    "it has just gone",
    grave=False,
    since=1000.0,
    until=1060.0,
)
WIPED = Held(
    *(f"{PREFIX}10.5.3.0-24", "n3", ("10.5.3.0/24",), ("192.0.2.3",), "another history"),
    grave=True,
    since=1000.0,
    until=None,
)
ALL = (LAST, DUAL, WIPED)


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("10.5.1.0/24", LAST),
        ("10.5.1.0-24", LAST),
        (f"{PREFIX}10.5.1.0-24", LAST),
        ("10.5.2.0/24", DUAL),
        ("fd00:5:0:2::/64", DUAL),
        ("FD00:5:0:2:0::/64", DUAL),
        ("10.5.2.0-24&fd00:5:0:2::-64", DUAL),
        ("10.5.1.0", None),
        ("10.5.1.7/24", None),
        ("10.5.0.0/16", None),
        ("n1", None),
        ("", None),
    ],
)
def test_a_name_is_a_key_its_end_or_a_subnet(name: str, held: Held | None):
    """Anything else means nothing: a subnet that is only near could be another node's."""
    found = chosen(ALL, [name])
    assert found.keys == ((held.key,) if held else ())
    assert found.unknown == (() if held else (name,))


def test_two_names_of_one_hold_are_one_key():
    """An order names each key once, in the order of the names; what is unknown is told apart."""
    found = chosen(ALL, ["10.5.3.0/24", "fd00:5:0:2::/64", "x", "10.5.2.0/24", "y"])
    assert found.keys == (WIPED.key, DUAL.key)
    assert found.unknown == ("x", "y")


def test_the_table():
    """Since when, until when, and what ends it: a moment, silence, or a person."""
    head, first, second, third = columns([HEADINGS, *rows(ALL, 1048.0)])
    assert head.split() == ["SUBNET", "GATEWAY", "NODE", "SINCE", "UNTIL", "WHY"]
    assert first.split("  ")[-1] == "many went"
    for line, words in ((first, "in 4m12s, if silent"), (second, "in 12s"), (third, "you decide")):
        assert line.index(words) == head.index("UNTIL")
        assert line.index("48s ago") == head.index("SINCE")
    assert second.startswith("10.5.2.0/24 fd00:5:0:2::/64  192.0.2.2 fd00::2  -     48s ago")


def test_the_document_is_read_as_far_as_it_is_used():
    """A newer daemon may say more; one that says less, or no JSON at all, is an error."""
    held = {
        **{name: getattr(LAST, name) for name in LAST.__struct_fields__},
        "cause": "many",
        "more": [1],
    }
    document = {"holds": [held], "history": {"broken": False, "known": None}, "new": 1}
    assert holdings(json.dumps(document).encode()) == Holdings((LAST,))
    for bad in (b'{"holds": [{}]}', b"[]", b"not JSON"):
        with pytest.raises(ValueError, match=r"."):
            holdings(bad)


def test_the_state_of_the_history_says_what_to_do():
    """Nothing for one that goes on; a broken one is told with its leftovers and the cure."""
    assert remarks(History()) == []
    leftovers = Leftovers(102, ("/p/a", "/p/b"))
    said = remarks(History(broken=True, sentence="revision 4 came", leftovers=leftovers))
    assert said[0] == "another history: revision 4 came"
    assert said[1] == "not believed (102): /p/a, /p/b and 100 more"
    assert "mends itself" in said[2]
    foreign = remarks(History(broken=True, foreign=True, sentence="cluster ab answers"))
    assert "correct --etcd-endpoints" in foreign[-1]
    assert all("hostgwctl hold accept --history" in each[-1] for each in (said, foreign))
