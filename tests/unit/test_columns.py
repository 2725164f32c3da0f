"""Tables: what a person sees of them in a terminal of any width."""

from __future__ import annotations

import pytest

from hostgw_cli.columns import columns, fitted

CURE = "it does not forward packets: `sysctl -w net.ipv4.ip_forward=1` there, or see its link"
CELLS = [
    ("NODE", "SUBNET", "GATEWAY", "STATE", "WHY"),
    ("n3", "10.244.206.0/24", "198.18.0.3", "not_forwarding", CURE),
    ("n2", "10.244.70.0/24", "198.18.0.2", "ok", ""),
]


def lines(width: int) -> list[str]:
    """Lay the table out."""
    return ["".join([*cells, words]).rstrip() for cells, words in fitted(CELLS, width)]


@pytest.mark.parametrize("width", [20, 60, 80, 100, 132, 400])
def test_nothing_is_cut(width: int):
    """Not a word of the cure, nor of a state, however narrow the terminal is."""
    shown = " ".join(" ".join(lines(width)).split())
    for words in (word for row in CELLS for cell in row for word in cell.split()):
        assert words in shown
    assert "not_forwarding" in shown


def test_room_is_used_as_far_as_it_goes():
    """Wide: as in a pipe. Less: below itself, in its column. Narrow: below the row."""
    assert lines(400) == columns(CELLS)
    column = columns(CELLS)[0].index("WHY")
    wide = lines(column + 50)
    assert max(map(len, wide)) <= column + 50
    assert len(wide) == 4
    assert wide[2][:column].isspace()
    narrow = lines(70)
    assert narrow[1].endswith("not_forwarding")
    assert narrow[2].startswith("    it does not forward packets:")
    assert max(map(len, narrow)) <= 70
    assert narrow[-1] == columns(CELLS)[-1]
