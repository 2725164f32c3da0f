from __future__ import annotations

import re
from pathlib import Path

import pytest

from hostgw_core.keys import Keys
from hostgw_core.model import Refusal
from hostgw_core.network import config_of
from hostgw_core.records import lease_of, presence_of, reservation_of, status_of
from hostgw_core.store import Entry

PAGE = (Path(__file__).parents[2] / "docs" / "store.md").read_text()
KEYS = Keys("/coreos.com/network")
EXAMPLES = re.findall(r"^    (/coreos\.com/network/\S+)\n    (\{.*\})$", PAGE, re.MULTILINE)


def test_the_page_has_an_example_of_every_record():
    """A network, leases of three kinds and of flannel's, a presence, reservations of two kinds."""
    assert len(EXAMPLES) == 8


@pytest.mark.parametrize(("key", "value"), EXAMPLES)
def test_every_example_of_the_page_is_understood(key: str, value: str):
    """What docs/store.md shows is what the programs read."""
    entry = Entry(key.encode(), value.encode(), 1, 1, 1, 0)
    if entry.key == KEYS.config:
        found = [config_of(entry)]
    elif entry.key in KEYS.nodes:
        found = [presence_of(KEYS, entry), status_of(entry)]
    elif entry.key in KEYS.reservations:
        found = [reservation_of(KEYS, entry)]
    else:
        found = [lease_of(KEYS, entry)]
    assert not any(isinstance(each, Refusal) for each in found), found
