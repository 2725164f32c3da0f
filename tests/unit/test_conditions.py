"""The daemon's table of conditions: complete, consistent, readable."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from hostgw_core.health import Board, Kind
from hostgw_daemon.told.conditions import CODES, KINDS

DOCS = Path(__file__).parents[2] / "docs"
# Written by hand: what must keep a node from being given work.
UNREADY = {
    "draining",
    "drained",
    "no_config",
    "no_uplink",
    "no_vrf",
    "lease_lost",
    "subnets_exhausted",
    "duplicate_identity",
    "duplicate_address",
}


def test_codes_are_unique_and_plain():
    """A code is a label of metrics and alerts: one meaning each, in lower case."""
    codes = [kind.code for kind in KINDS]
    assert len(codes) == len(CODES)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_title_and_cure_are_one_sentence_each(kind: Kind):
    """A person reads both on one line: capital first, one full stop, at the end."""
    for text in (kind.title, kind.cure):
        assert re.fullmatch(r"[A-Z][^.!?\n]*\.", text.replace("iptables-forward", "")), text
        assert len(text) <= 110


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_explanations_name_kinds_and_never_a_circle(kind: Kind):
    """Following explanations ends, or two conditions would hide each other for ever."""
    by_code = {kind.code: kind for kind in KINDS}
    seen: set[str] = set()
    todo = list(kind.explained_by)
    while todo:
        code = todo.pop()
        assert code != kind.code
        seen.add(code)
        todo += [further for further in by_code[code].explained_by if further not in seen]


def test_only_these_keep_a_node_from_being_ready():
    """An outage of the store is none of them: the routes stand."""
    assert {kind.code for kind in KINDS if kind.unready} == UNREADY


def test_an_outage_shows_one_condition_for_one_cause():
    """With the store denied from the start, the operator reads of the denial only."""
    board = Board(KINDS, lambda: 0.0)
    board.report("store", {"store_unavailable": "", "store_denied": ""})
    board.report("claim", {"no_config": ""})
    assert [condition.kind.code for condition in board.standing()] == ["store_denied"]


def test_the_page_is_current():
    """docs/conditions.md says what the table says."""
    rendered = subprocess.run(
        [sys.executable, DOCS / "render_conditions.py"], capture_output=True, check=True, text=True
    )
    assert (DOCS / "conditions.md").read_text() == rendered.stdout
