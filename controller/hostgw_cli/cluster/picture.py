"""A cluster as a picture: from facts to SVG, and to lines of a terminal. Pure.

host-gw is one link and a route from each node to each, so lines between all pairs would say
nothing. The link is drawn as a bus, in as many rows as are needed, and every node hangs on it by a
line that says what packets to its containers meet. No line crosses another. What is well is thin
and quiet; what is not is thick, coloured, comes first, and has its word in the card. Nothing is
told by colour alone: each state has its own shape and dash, and the colours are those of Okabe and
Ito, which people of every colour vision can tell apart (https://jfly.uni-koeln.de/color/).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WELL: Final = frozenset({"ok", "self"})
UNKNOWN: Final = frozenset({"unprobed", "leased", "reserved", "flannel"})
MIDDLING: Final = frozenset({"held", "partial", "silent", "mtu", "quarantine"})

_BLUE, _GREY, _ORANGE, _VERMILION = "#0072B2", "#767676", "#E69F00", "#D55E00"
_INK, _PALE = "#1a1a1a", "#595959"
_STYLES: Final = {  # colour, width, dash, shape
    "well": (_BLUE, 1.5, "", "circle"),
    "unknown": (_GREY, 1.5, "2 4", "ring"),
    "middling": (_ORANGE, 3.0, "8 4", "diamond"),
    "bad": (_VERMILION, 4.0, "", "square"),
}
_MEANS: Final = {
    "well": "packets arrive",
    "unknown": "not known",
    "middling": "in doubt",
    "bad": "packets do not arrive",
}
_CARD: Final = (176, 78)
"""Width and height of what is written of a node, in pixels."""
_GAP: Final = 16  # between two cards
_DROP: Final = 26  # from the bus to a card
_HEAD, _FOOT, _LEFT = 92, 56, 44


@dataclass(frozen=True, slots=True)
class Node:
    """A node: what it is called, what it has, how it is seen, and what it says of itself.

    `state` is the word of this host's daemon about it, or of the store where that is away. `here`
    marks the node that looks.
    """

    name: str
    subnets: tuple[str, ...]
    gateways: tuple[str, ...]
    state: str
    conditions: tuple[str, ...] = ()
    alive: bool | None = None
    here: bool = False

    @property
    def kind(self) -> str:
        """How bad it is."""
        if self.state in WELL:
            return "well"
        if self.state in UNKNOWN:
            return "unknown"
        return "middling" if self.state in MIDDLING else "bad"

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be said beside its state."""
        silent = ("no presence",) if self.alive is False else ()
        return (*silent, *self.conditions)


def ordered(nodes: Iterable[Node]) -> list[Node]:
    """Put the one that looks first, then who is in trouble, then the rest as they come."""
    rank = {"bad": 1, "middling": 2, "unknown": 3, "well": 4}
    return sorted(nodes, key=lambda node: 0 if node.here else rank[node.kind])


def svg(nodes: Sequence[Node], *, title: str, caption: str) -> str:
    """Draw; every text is escaped. The size follows the number of nodes."""
    wide, high = _CARD
    across = _columns(len(nodes))
    rows = math.ceil(len(nodes) / across)
    width = max(_LEFT + across * (wide + _GAP) + 12, 720)
    whole = _HEAD + rows * (high + _DROP + 22) + _FOOT
    drawn = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {whole}"'
            f' width="{width}" height="{whole}" role="img"'
            ' font-family="DejaVu Sans, Verdana, sans-serif">'
        ),
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(caption)}</desc>",
        '<rect width="100%" height="100%" fill="#ffffff"/>',
        _text(24, 36, title, size=20, weight="bold"),
        _text(24, 60, caption, size=13, fill=_PALE),
    ]
    for row in range(rows):
        some = nodes[row * across : (row + 1) * across]
        drawn += _row(some, _HEAD + row * (high + _DROP + 22), first=row == 0)
    if rows > 1:
        last = _HEAD + (rows - 1) * (high + _DROP + 22)
        drawn.insert(6, _bus(24, _HEAD, 24, last))
    drawn += [_legend(nodes, 24, whole - 20), "</svg>\n"]
    return "\n".join(drawn)


def lines(nodes: Sequence[Node], *, title: str, caption: str) -> list[str]:
    """Draw with characters: the link as a trunk, each node on a branch of it."""
    marks = {"well": "──●", "unknown": "··○", "middling": "╌╌◆", "bad": "━━■"}
    width = max((len(node.name) for node in nodes), default=0)
    subnets = max((len(" ".join(node.subnets)) for node in nodes), default=0)
    gateways = max((len(" ".join(node.gateways)) for node in nodes), default=0)
    drawn = [title, caption, "", "  link"]
    for number, node in enumerate(nodes):
        corner = "└" if number == len(nodes) - 1 else "├"
        here = "this host" if node.here else node.state
        words = "; ".join([here, *node.remarks])
        drawn.append(
            f"   {corner}{marks[node.kind]} {node.name:{width}}  {' '.join(node.subnets):{subnets}}"
            f"  {' '.join(node.gateways):{gateways}}  {words}".rstrip()
        )
    used = {node.kind for node in nodes}
    legend = [f"{marks[kind][2]} {words}" for kind, words in _MEANS.items() if kind in used]
    return [*drawn, "", "   ".join(legend)]


def _columns(count: int) -> int:
    """Say how many stand in a row: a picture somewhat wider than high, as screens are."""
    return max(3, math.ceil(math.sqrt(count))) if count > 4 else max(count, 1)


def _row(nodes: Sequence[Node], y: float, *, first: bool) -> list[str]:
    """Draw a piece of the bus, and what hangs on it."""
    wide = _CARD[0]
    end = _LEFT + (len(nodes) - 1) * (wide + _GAP) + wide / 2
    drawn = [_bus(24, y, max(end, 120), y)]
    if first:
        drawn.append(_text(26, y - 8, "the link", size=12, fill=_PALE))
    for number, node in enumerate(nodes):
        left = _LEFT + number * (wide + _GAP)
        colour, thick, dash, _ = _STYLES[node.kind]
        drawn.append(
            f'<path d="M{left + wide / 2:.0f} {y:.0f}v{_DROP}" stroke="{colour}"'
            f' stroke-width="{thick}"{_dashed(dash)}/>'
        )
        drawn.append(_card(left, y + _DROP, node))
    return drawn


def _bus(x: float, y: float, to_x: float, to_y: float) -> str:
    return (
        f'<path d="M{x:.0f} {y:.0f}L{to_x:.0f} {to_y:.0f}" stroke="{_INK}" stroke-width="5"'
        ' stroke-linecap="round"/>'
    )


def _dashed(dash: str) -> str:
    return f' stroke-dasharray="{dash}"' if dash else ""


def _card(left: float, top: float, node: Node) -> str:
    colour, _, dash, shape = _STYLES[node.kind]
    wide, high = _CARD
    words = ("this host" if node.here else node.state, *node.remarks)
    tip = "; ".join([node.name, *node.subnets, *node.gateways, *words])
    weight = "bold" if node.kind in {"bad", "middling"} or node.remarks else "normal"
    fill, thick = "#eef5fa" if node.here else "#ffffff", 3 if node.kind == "bad" else 1.5
    return "\n".join(
        [
            "<g>",
            f"<title>{escape(tip)}</title>",
            (
                f'<rect x="{left:.0f}" y="{top:.0f}" width="{wide}" height="{high}" rx="7"'
                f' fill="{fill}" stroke="{colour}" stroke-width="{thick}"{_dashed(dash)}/>'
            ),
            _mark(left + 17, top + 18, colour, shape),
            _text(left + 32, top + 23, _cut(node.name, 15), size=14, weight="bold"),
            _text(left + 10, top + 40, _cut(" ".join(node.subnets), 26), size=11),
            _text(left + 10, top + 54, _cut(" ".join(node.gateways), 26), size=11, fill=_PALE),
            _text(left + 10, top + 69, _cut(", ".join(words), 24), size=11, weight=weight),
            "</g>",
        ]
    )


def _mark(x: float, y: float, colour: str, shape: str) -> str:
    fill = f'fill="{colour}" stroke="{colour}" stroke-width="2"'
    return {
        "circle": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" {fill}/>',
        "ring": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="none" stroke="{colour}"'
        ' stroke-width="2"/>',
        "diamond": f'<path d="M{x:.1f} {y - 8:.1f}l8 8l-8 8l-8 -8z" {fill}/>',
        "square": f'<rect x="{x - 6:.1f}" y="{y - 6:.1f}" width="12" height="12" {fill}/>',
    }[shape]


def _legend(nodes: Sequence[Node], x: float, y: float) -> str:
    counted = Counter(node.kind for node in nodes)
    drawn = []
    for kind, words in _MEANS.items():
        if counted[kind]:
            colour, _, _, shape = _STYLES[kind]
            drawn += [_mark(x + 6, y - 5, colour, shape)]
            said = f"{words}: {counted[kind]}"
            drawn += [_text(x + 22, y, said, size=13)]
            x += 46 + 7.2 * len(said)
    return "\n".join(drawn)


def _text(
    x: float,
    y: float,
    words: str,
    *,
    size: int,
    fill: str = _INK,
    weight: str = "normal",
    anchor: str = "start",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{fill}" font-weight="{weight}"'
        f' text-anchor="{anchor}">{escape(words)}</text>'
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
