"""The page about packets shows what nft shows."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from hostgw_daemon.rules.ruleset import RulesetSpec, desired

pytestmark = pytest.mark.root

PAGE = Path(__file__).parents[2] / "docs" / "packets.md"
SPEC = RulesetSpec(
    networks=(ip_network("10.5.0.0/16"),),
    own=(ip_network("10.5.1.0/24"),),
    masquerade=True,
    forward_rules=True,
    nodes={4: frozenset({"192.0.2.11", "192.0.2.12"})},
    unmasqueraded=(ip_network("198.51.100.0/24"),),
)


async def test_the_table_on_the_page_is_the_table_in_the_kernel(site, firewall):
    """Word for word, with the network, the subnet and the nodes that the page names."""
    await firewall.write(desired(SPEC), ())
    page = PAGE.read_text(encoding="utf-8")
    blocks = page.split("```\n")[1::2]
    (shown,) = [block for block in blocks if block.startswith("table ip hostgw {")]
    assert shown == site.run("nft list table ip hostgw")


def test_every_rule_has_its_packet():
    """Each comment's first half is a row of the page's table of packets."""
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    named = {row.split("|")[1].strip() for row in rows}
    (postrouting, _forward) = desired(SPEC).tables[4]
    assert {rule.comment.partition(":")[0] for rule in postrouting.rules} <= named
