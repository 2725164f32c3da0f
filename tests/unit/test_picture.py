"""The picture of a cluster: who is in it, that it is right SVG, that nothing lies on another."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from hostgw_cli.cluster.census import Census, census_of
from hostgw_cli.cluster.picture import Node, lines, ordered, svg
from hostgw_cli.cluster.portrait import portrait
from support.lease_entries import KEYS, config, flannels_lease, lease, listing, presence

SVG = "{http://www.w3.org/2000/svg}"
STATUS = {"node": "n1", "claim": {"key": "/p/subnets/10.5.1.0-24", "subnets": ["10.5.1.0/24"]}}


def node(number: int, state: str = "ok", **more: Any) -> Node:
    """Give node number n."""
    return Node(f"n{number}", (f"10.5.{number}.0/24",), (f"192.0.2.{number}",), state, **more)


def cards(drawn: str) -> list[tuple[float, float, float, float]]:
    """Give left, top, right and bottom of each card."""
    found = []
    for rect in ET.fromstring(drawn).iter(f"{SVG}rect"):  # noqa: S314 - our own
        if rect.get("rx"):
            x, y, w, h = (float(rect.get(name, "")) for name in ("x", "y", "width", "height"))
            found.append((x, y, x + w, y + h))
    return found


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 17, 50, 100])
def test_every_node_has_a_card_inside_the_picture_and_on_no_other(count: int):
    """From three nodes to a hundred."""
    drawn = svg([node(number) for number in range(count)], title="t", caption="c")
    root = ET.fromstring(drawn)  # noqa: S314 - our own
    width, height = float(root.get("width", "")), float(root.get("height", ""))
    found = cards(drawn)
    assert len(found) == count
    assert all(x >= 0 and y >= 0 and r <= width and b <= height for x, y, r, b in found)
    for one, two in combinations(found, 2):
        apart = one[2] < two[0] or two[2] < one[0] or one[3] < two[1] or two[3] < one[1]
        assert apart, (one, two)
    assert count < 5 or 0.5 < width / height < 3.5


def test_each_kind_of_state_has_a_shape_a_dash_and_its_word():
    """So colour is not needed."""
    nodes = [node(1, "ok"), node(2, "unprobed"), node(3, "held"), node(4, "not_forwarding")]
    drawn = svg(nodes, title="t", caption="c")
    drops = re.findall(r'v26" stroke="(#\w+)" stroke-width="([\d.]+)"(.*?)/>', drawn)
    assert len({(width, dash) for _, width, dash in drops}) == len(drops) == 4
    assert [each.state for each in nodes if each.state not in drawn] == []
    for words in ("packets arrive: 1", "not known: 1", "in doubt: 1", "packets do not arrive: 1"):
        assert words in drawn


def test_who_is_in_trouble_comes_first():
    """After the one that looks."""
    nodes = [node(1), node(2, "held"), node(3, "mtu"), node(4, "rp_filter"), node(5, here=True)]
    assert [each.name for each in ordered(nodes)] == ["n5", "n4", "n2", "n3", "n1"]


def test_names_of_others_are_text_and_nothing_else():
    """A node may be called anything that can be printed."""
    evil = Node('<script>"&', ("10.5.1.0/24",), (), "ok")
    drawn = svg([evil], title="<t>", caption='"c"')
    assert "<script>" not in drawn
    texts = [each.text for each in ET.fromstring(drawn).iter(f"{SVG}text")]  # noqa: S314 - our own
    assert '<script>"&' in texts


def test_the_terminal_shows_the_same():
    """A line for each, the last one at the corner."""
    shown = lines([node(1, here=True), node(2, "mtu", conditions=("x",))], title="t", caption="c")
    assert shown[4] == "   ├──● n1  10.5.1.0/24  192.0.2.1  this host"
    assert shown[5] == "   └╌╌◆ n2  10.5.2.0/24  192.0.2.2  mtu; x"
    assert shown[-1] == "● packets arrive   ◆ in doubt"
    assert lines([], title="t", caption="c")[:2] == ["t", "c"]
    assert svg([], title="t", caption="c").startswith("<svg")


def peer(number: int, state: str) -> dict[str, Any]:
    """Give a peer in the daemon's words."""
    return {
        "key": f"/p/subnets/10.5.{number}.0-24",
        "node": f"n{number}",
        "subnets": [f"10.5.{number}.0/24"],
        "gateways": [f"192.0.2.{number}"],
        "state": state,
    }


def test_the_store_and_the_daemon_are_put_together():
    """Each node once: as the daemon sees it, with what it says of itself."""
    census = census_of(
        KEYS,
        listing(
            config(),
            lease(1),
            presence(1),
            lease(2),
            presence(2, Conditions=["x"]),
            lease(3),
            flannels_lease(4),
        ),
    )
    found = portrait(census, STATUS, [peer(2, "mtu"), peer(3, "ok"), peer(9, "held")])
    assert [(n.name, n.state, n.conditions, n.alive, n.here) for n in found] == [
        ("n1", "self", (), True, True),
        ("n2", "mtu", ("x",), True, False),
        ("n3", "ok", (), False, False),
        ("(flannel)", "leased", (), None, False),
        ("n9", "held", (), None, False),
    ]


def test_one_of_the_two_is_enough():
    """With the daemon away the leases, with the store away the peers and this host."""
    census = census_of(KEYS, listing(config(), lease(1), presence(1), lease(2)))
    assert [(n.name, n.state) for n in portrait(census, {}, [])] == [
        ("n1", "leased"),
        ("n2", "silent"),
    ]
    alone = portrait(Census(), STATUS, [peer(10, "ok"), peer(2, "ok")])
    assert [(n.name, n.here) for n in alone] == [("n1", True), ("n2", False), ("n10", False)]
