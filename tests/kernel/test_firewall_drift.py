"""Whatever is done to our tables by hand is undone at once, in a real kernel: no audit is due."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from hostgw_daemon.rules.firewall import NftFirewall
from hostgw_daemon.rules.masquerade import Masquerade, Standing
from support.pod_site import source_seen, spec
from support.waiting import eventually_async

pytestmark = pytest.mark.root

FIRST, OUTSIDER = "192.168.50.1", "192.168.50.3"
SOON = 10.0  # seconds: a tenth of one, on a machine with nothing else to do
SLOW = 3600.0  # seconds: an audit that no test lives to see


@asynccontextmanager
async def keeping(firewall, wanted, *, audit=SLOW):
    """Run the loop on the first host until the block ends."""
    states = []
    masquerade = Masquerade(firewall, states.append, audit=audit)
    masquerade.want(wanted)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(masquerade.run())
        await eventually_async(lambda: states)
        yield masquerade
        task.cancel()


CHANGES = {
    "table deleted": "delete table ip hostgw",
    "everything flushed": "flush ruleset",
    "chain flushed": "flush chain ip hostgw postrouting",
    "IPv6 chain flushed": "flush chain ip6 hostgw postrouting",
    "rule put before": "insert rule ip hostgw postrouting accept",
    "rule added": "add rule ip hostgw postrouting counter",
    "policy": "add chain ip hostgw forward { policy drop; }",
    "dormant": "add table ip hostgw { flags dormant; }",
    "set added": "add set ip hostgw strange { type ipv4_addr; }",
    "node deleted": "delete element ip hostgw nodes { 192.168.50.2 }",
    "IPv6 node deleted": "delete element ip6 hostgw nodes { fd50::2 }",
    "stranger among the nodes": "add element ip hostgw nodes { 192.168.50.3 }",
    "nodes flushed": "flush set ip hostgw nodes",
    "node with a comment": 'add element ip6 hostgw nodes { fd50::9 comment "mine" }',
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
async def test_a_change_is_undone_at_once(site, firewall, change):
    """The rules are exactly as before, and the pod's packets leave with the host's address."""
    async with keeping(firewall, spec()) as masquerade:
        before = site.run("nft list ruleset")
        assert "masquerade" in before
        site.run("nft -f -", given=change)
        await eventually_async(lambda: masquerade.state.drifts == 1, within=SOON)
        assert site.run("nft list ruleset") == before
        assert source_seen(site.pod, site.outsider, OUTSIDER) == FIRST
        assert masquerade.state.standing is Standing.IN_FORCE


async def test_another_programs_table_with_flags_is_no_hindrance(site, firewall):
    """Nft 1.0.6 prints nonsense about its flags; ours are read, and put back, all the same."""
    site.run("nft -f -", given="add table ip other { flags dormant; }")
    async with keeping(firewall, spec()) as masquerade:
        before = site.run("nft list ruleset")
        site.run("nft -f -", given="delete table ip hostgw")
        await eventually_async(lambda: masquerade.state.drifts == 1, within=SOON)
        assert sorted(site.run("nft list ruleset").split()) == sorted(before.split())


async def test_a_rule_replaced_or_deleted_comes_back(site, firewall):
    """A single rule, changed by its handle, keeping its comment."""
    async with keeping(firewall, spec()) as masquerade:
        before = site.run("nft list ruleset")
        for count, verb in enumerate(("delete", "replace"), start=1):
            shown = site.run("nft -a list chain ip hostgw postrouting")
            (line,) = [each for each in shown.splitlines() if "pod to outside" in each]
            handle = line.rpartition("handle ")[2]
            body = 'accept comment "pod to outside: the host\'s address"' if count == 2 else ""
            change = f"{verb} rule ip hostgw postrouting handle {handle} {body}"
            site.run("nft -f -", given=change)
            await eventually_async(lambda n=count: masquerade.state.drifts == n, within=SOON)
            assert site.run("nft list ruleset") == before


async def test_changes_of_other_tables_wake_nobody(site, firewall, monkeypatch):
    """Hundreds of rules in iptables, as kube-proxy writes them, cause not one look at ours."""
    looks = 0
    read = firewall.read

    async def counted():
        nonlocal looks
        looks += 1
        return await read()

    monkeypatch.setattr(firewall, "read", counted)
    async with keeping(firewall, spec()) as masquerade:
        await eventually_async(lambda: looks == 3)  # before and after our own write, and its ring
        rules = "\n".join(f"-A KUBE -s 10.96.0.{n}/32 -j RETURN" for n in range(1, 255))
        site.run("iptables-restore --noflush", given=f"*nat\n:KUBE - [0:0]\n{rules}\nCOMMIT\n")
        await asyncio.sleep(0.2)
        assert looks == 3
        site.run("nft -f -", given="delete table ip hostgw")
        await eventually_async(lambda: masquerade.state.drifts == 1, within=SOON)
        assert looks > 3


async def test_the_audit_finds_what_the_doorbell_missed(site):
    """With a doorbell in another namespace, as deaf as can be, the audit puts the table back."""
    with NftFirewall(nft=site.first.argv("nft")) as deaf:
        async with keeping(deaf, spec(), audit=0.5) as masquerade:
            site.run("nft -f -", given="delete table ip hostgw")
            await eventually_async(lambda: masquerade.state.drifts == 1, within=SOON)
            assert source_seen(site.pod, site.outsider, OUTSIDER) == FIRST


async def test_a_table_of_a_former_run_is_replaced(site, firewall):
    """What an older version left in our table goes with the first write, without a gap."""
    site.run(
        "nft -f -", given="table ip hostgw { chain old { drop; }; map m { type mark : mark; }; }"
    )
    async with keeping(firewall, spec()) as masquerade:
        shown = site.run("nft list table ip hostgw")
        assert "old" not in shown
        assert "map" not in shown
        assert (masquerade.state.resyncs, masquerade.state.drifts) == (1, 0)


async def test_switched_off_removes_the_table_of_a_former_run(site, firewall):
    """A daemon started with both switches off leaves no table of ours behind."""
    site.run("nft -f -", given="table ip hostgw { chain old { drop; }; }")
    async with keeping(firewall, spec(masquerade=False, forward_rules=False)) as masquerade:
        assert site.run("nft list ruleset") == ""
        assert masquerade.state.standing is Standing.OFF
