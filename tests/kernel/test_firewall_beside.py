"""Our tables beside those of others, and while they are written: every packet is right."""

from __future__ import annotations

import asyncio
import threading

import pytest

from hostgw_daemon.rules.nftables import holds
from hostgw_daemon.rules.ruleset import desired
from support.pod_packets import FIRST, OUTSIDER, POD, RIGHT, all_packets
from support.pod_site import source_seen, spec

pytestmark = pytest.mark.root

FLANNEL_IPTABLES = """\
*nat
:FLANNEL-POSTRTG - [0:0]
-A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
-A FLANNEL-POSTRTG -m mark --mark 0x4000/0x4000 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.1.0/24 -d 10.5.0.0/16 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.0.0/16 -d 10.5.1.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.1.0/24 -m comment --comment "flanneld masq" -j RETURN
-A FLANNEL-POSTRTG -s 10.5.0.0/16 ! -d 224.0.0.0/4 -m comment --comment "flanneld masq" \
-j MASQUERADE --random-fully
-A FLANNEL-POSTRTG ! -s 10.5.0.0/16 -d 10.5.0.0/16 -m comment --comment "flanneld masq" \
-j MASQUERADE --random-fully
COMMIT
*filter
:FLANNEL-FWD - [0:0]
-A FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
-A FLANNEL-FWD -s 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
-A FLANNEL-FWD -d 10.5.0.0/16 -m comment --comment "flanneld forward" -j ACCEPT
COMMIT
"""
FLANNEL_GONE = """\
*nat
-D POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
-F FLANNEL-POSTRTG
-X FLANNEL-POSTRTG
COMMIT
*filter
-D FORWARD -m comment --comment "flanneld forward" -j FLANNEL-FWD
-F FLANNEL-FWD
-X FLANNEL-FWD
COMMIT
"""


@pytest.mark.usefixtures("in_force")
async def test_flannels_own_chains_do_no_harm_and_are_not_needed(site):
    """Beside flannel's rules, and after they are gone, every receiver sees the right address.

    While they are there, they decide what a node sees: the pod's host.
    """
    site.run("iptables-restore --noflush", given=FLANNEL_IPTABLES)
    assert all_packets(site) == RIGHT | {"pod to node": FIRST}  # as flannel does
    site.run("iptables-restore --noflush", given=FLANNEL_GONE)
    assert "FLANNEL" not in site.run("iptables-save")
    assert all_packets(site) == RIGHT


@pytest.mark.usefixtures("in_force")
async def test_a_special_rule_of_the_administrator_wins(site):
    """A source that somebody chose in iptables for a pod's packets is not overruled."""
    site.first.ip("address", "add", "192.168.50.77/24", "dev", "eth0")
    site.run(f"iptables -t nat -A POSTROUTING -s {POD} -d {OUTSIDER} -j SNAT --to 192.168.50.77")
    assert source_seen(site.pod, site.outsider, OUTSIDER) == "192.168.50.77"


async def test_a_rewrite_leaves_no_moment_without_masquerade(site, firewall, in_force):
    """Every connection begun while the table is written forty times is masqueraded."""
    ended = threading.Event()

    def connect():
        seen = []
        while not ended.is_set():
            seen.append(source_seen(site.pod, site.outsider, OUTSIDER))
        return seen

    async with asyncio.TaskGroup() as group:
        connecting = group.create_task(asyncio.to_thread(connect))
        try:
            for _ in range(40):
                await firewall.write(desired(spec()), (4, 6))
        finally:
            ended.set()
    assert set(connecting.result()) == {FIRST}
    assert len(connecting.result()) > 40


async def test_the_kernels_listing_is_that_of_what_was_written(site, firewall):
    """Reading after writing, in both families, and again: equal; after a rewrite: other handles."""
    ruleset = desired(spec())
    await firewall.write(ruleset, ())
    once = await firewall.read()
    assert holds(once, ruleset)
    assert await firewall.read() == once
    await firewall.write(ruleset, (4, 6))
    again = await firewall.read()
    assert holds(again, ruleset)
    assert again != once


async def test_a_drop_in_another_table_still_drops(site, firewall, in_force):
    """Our accept ends our chain only: what docs/packets.md says about other firewalls is true."""
    other = "table ip other { chain f { type filter hook forward priority 10; policy drop; }; }"
    site.run("nft -f -", given=other)
    with pytest.raises(TimeoutError):
        source_seen(site.pod, site.outsider, OUTSIDER, within=0.5)


async def test_foreign_tables_are_untouched(site, firewall):
    """Writing, rewriting and removing ours changes no byte of anybody else's."""
    site.run("iptables-restore --noflush", given=FLANNEL_IPTABLES)
    site.run("nft -f -", given="table inet hostgw-other { chain c { return; }; }")
    site.run("nft -f -", given="table inet hostgw { chain theirs { return; }; }")
    before = site.run("nft -a list ruleset")
    await firewall.write(desired(spec()), ())
    await firewall.write(desired(spec()), (4, 6))
    await firewall.write(desired(spec(masquerade=False, forward_rules=False)), (4, 6))
    assert site.run("nft -a list ruleset") == before
