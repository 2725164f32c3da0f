"""The masquerade loop on a firewall made of memory, in virtual time."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from ipaddress import ip_network

import pytest

from hostgw_daemon.rules.masquerade import AUDIT, FIGHT_SECONDS, Standing
from hostgw_daemon.rules.nftables import FirewallError, FirewallMissing
from support.loops import now, until
from support.masquerade_loop import running
from support.memory_firewall import MemoryFirewall, MemoryForwarding
from support.rule_specs import SPEC

pytestmark = pytest.mark.looptime

NOTHING = replace(SPEC, masquerade=False, forward_rules=False)


async def test_nothing_is_done_before_somebody_says_what_is_wanted():
    """Without a spec the firewall is not even read."""
    firewall = MemoryFirewall()
    async with running(firewall) as (masquerade, states):
        await asyncio.sleep(3 * AUDIT)
    assert firewall.reads == firewall.writes == 0
    assert not states
    assert masquerade.state.standing is Standing.WAITING


async def test_it_is_settled_where_everything_is_to_stay_as_it_is():
    """A host that had left, and has no subnet again yet: nothing is left to be done."""
    async with running(MemoryFirewall()) as (masquerade, _):
        assert masquerade.settled
        masquerade.want(SPEC)
        assert not masquerade.settled
        await asyncio.sleep(1)
        assert masquerade.settled
        masquerade.want(None)
        assert masquerade.settled


async def test_the_tables_are_written_once_and_then_left_alone():
    """A table that stands as written is only looked at; our own ring writes nothing."""
    firewall = MemoryFirewall()
    async with running(firewall) as (masquerade, states):
        masquerade.want(SPEC)
        await asyncio.sleep(10 * AUDIT)
    assert firewall.writes == 1
    assert [s.standing for s in states] == [Standing.IN_FORCE]
    assert firewall.tables[4]


@pytest.mark.parametrize("change", [MemoryFirewall.delete, MemoryFirewall.replace_rule])
async def test_a_change_by_others_is_undone_at_once(change):
    """The doorbell brings it back within a tenth of a second, and the drift is counted."""
    firewall = MemoryFirewall()
    async with running(firewall) as (masquerade, _):
        masquerade.want(SPEC)
        await asyncio.sleep(AUDIT)
        good = [next(iter(each)) for each in firewall.tables[4]]
        change(firewall)
        assert await until(lambda: masquerade.state.drifts == 1, within=0.1) < 0.1
        assert [next(iter(each)) for each in firewall.tables[4]] == good
        assert firewall.tables[4][-1]["rule"]["expr"]
        assert masquerade.state.standing is Standing.IN_FORCE
    assert firewall.writes == masquerade.state.resyncs == 2


async def test_without_a_doorbell_the_audit_finds_the_change():
    """A lost ring costs at most one period of the audit, give or take a tenth."""
    firewall = MemoryFirewall()
    async with running(firewall, audit=5.0) as (masquerade, _):
        masquerade.want(SPEC)
        await asyncio.sleep(20.0)
        firewall.deaf = True
        firewall.delete()
        await until(lambda: masquerade.state.drifts == 1, within=5.8)
        assert firewall.tables[4]


async def test_many_rings_are_few_looks():
    """A hundred rings in a tenth of a second cause a handful of looks."""
    firewall = MemoryFirewall()
    async with running(firewall) as (masquerade, _):
        masquerade.want(SPEC)
        await asyncio.sleep(AUDIT / 2)
        before = firewall.reads
        for _ in range(100):
            firewall.changed()
            await asyncio.sleep(0.001)
        await asyncio.sleep(1.0)
        assert firewall.reads - before <= 4


async def test_a_new_lease_is_written_at_once():
    """Another own subnet is another ruleset, and no drift."""
    firewall = MemoryFirewall()
    async with running(firewall) as (masquerade, _):
        masquerade.want(SPEC)
        await asyncio.sleep(1.0)
        masquerade.want(replace(SPEC, own=(ip_network("10.5.9.0/24"),)))
        await until(lambda: firewall.writes == 2, within=0.1)
        await asyncio.sleep(1.0)
        assert "10.5.9.0" in json.dumps(firewall.tables[4])
        assert masquerade.state.drifts == 0


async def test_switched_off_means_removed_and_kept_removed():
    """With neither masquerade nor forward rules our table goes, with one write and no more."""
    firewall = MemoryFirewall()
    async with running(firewall) as (masquerade, states):
        masquerade.want(SPEC)
        await asyncio.sleep(1.0)
        masquerade.want(NOTHING)
        await asyncio.sleep(1.0)
        assert not firewall.tables
        assert states[-1].standing is Standing.OFF
        await asyncio.sleep(3 * AUDIT)
    assert firewall.writes == 2


async def test_a_refusal_is_a_state_and_is_tried_again():
    """While nft fails the reason is told once; when it works again, all is well without a ring."""
    firewall = MemoryFirewall()
    firewall.fault = FirewallError("nft refused: Operation not permitted")
    async with running(firewall) as (masquerade, states):
        masquerade.want(SPEC)
        await asyncio.sleep(100.0)
        assert [(s.standing, s.reason) for s in states] == [
            (Standing.FAILING, "nft refused: Operation not permitted")
        ]
        assert firewall.reads < 15  # it backs off
        firewall.fault = None
        await until(lambda: masquerade.state.standing is Standing.IN_FORCE, within=31.0)
        assert firewall.tables[4]


async def test_a_missing_nft_is_no_fault_when_nothing_is_wanted():
    """Without nft there can be no table to remove: off, and no complaint."""
    firewall = MemoryFirewall()
    firewall.fault = FirewallMissing("there is no `nft` on this host")
    async with running(firewall) as (masquerade, states):
        masquerade.want(NOTHING)
        await asyncio.sleep(1.0)
        assert states[-1].standing is Standing.OFF
        masquerade.want(SPEC)
        await asyncio.sleep(1.0)
        assert states[-1].standing is Standing.FAILING


async def test_a_change_between_writing_and_reading_is_not_taken_for_ours():
    """What another program makes of our table in that moment never becomes the pattern."""
    firewall = MemoryFirewall()
    firewall.vandal = firewall.delete
    async with running(firewall) as (masquerade, _):
        masquerade.want(SPEC)
        await until(lambda: masquerade.state.standing is Standing.FAILING, within=0.1)
        assert "as it was just written" in masquerade.state.reason
        firewall.vandal = None
        await until(lambda: masquerade.state.standing is Standing.IN_FORCE, within=2.0)
        assert firewall.tables[4]


async def test_a_fight_is_named_and_calms_down():
    """A program that undoes our work at once gets at most about one answer a second."""
    firewall = MemoryFirewall()

    async def fight(seconds):
        end = now() + seconds
        while now() < end:
            await asyncio.sleep(0.06)
            if firewall.tables:
                firewall.delete()

    async with running(firewall) as (masquerade, states):
        masquerade.want(SPEC)
        await asyncio.sleep(1.0)
        await fight(5.0)
        assert masquerade.state.standing is Standing.CONTESTED
        before = firewall.writes
        await fight(10.0)
        assert firewall.writes - before <= 11
        await until(lambda: bool(firewall.tables), within=1.1)
        await until(
            lambda: masquerade.state.standing is Standing.IN_FORCE, within=2 * FIGHT_SECONDS + 3
        )
    assert states[0].standing is Standing.IN_FORCE


async def test_switched_off_on_a_clean_host_writes_nothing():
    """Nothing wanted and nothing there: not even an empty transaction."""
    firewall = MemoryFirewall()
    async with running(firewall) as (masquerade, states):
        masquerade.want(NOTHING)
        await asyncio.sleep(3 * AUDIT)
    assert firewall.writes == 0
    assert [s.standing for s in states] == [Standing.OFF]


async def test_iptables_is_seen_to_at_each_look():
    """A lost rule in FORWARD is put back on the next ring, and counts as a drift."""
    firewall, forwarding = MemoryFirewall(), MemoryForwarding()
    async with running(firewall, forwarding=forwarding) as (masquerade, _):
        masquerade.want(SPEC)
        await asyncio.sleep(1.0)
        assert forwarding.there
        assert (masquerade.state.resyncs, masquerade.state.drifts) == (2, 0)
        forwarding.there = False
        firewall.changed()
        await until(lambda: forwarding.there, within=0.1)
        await until(lambda: masquerade.state.drifts == 1, within=0.1)
        masquerade.want(replace(SPEC, forward_rules=False))
        await until(lambda: not forwarding.there, within=0.2)
        assert masquerade.state.drifts == 1


async def test_each_failure_spoils_its_own_part():
    """Iptables works without nft and nft without iptables; both reasons are told."""
    firewall, forwarding = MemoryFirewall(), MemoryForwarding()
    firewall.fault = FirewallMissing("no nft")
    async with running(firewall, forwarding=forwarding) as (masquerade, _):
        masquerade.want(SPEC)
        await asyncio.sleep(1.0)
        assert forwarding.there
        assert masquerade.state.reason == "no nft"
        forwarding.fault = FirewallError("no iptables")
        await until(lambda: masquerade.state.reason == "no nft; no iptables", within=AUDIT)
        firewall.fault = None
        await until(lambda: masquerade.state.reason == "no iptables", within=AUDIT)
        assert firewall.tables[4]


async def test_the_tables_stay_when_the_daemon_ends():
    """A stopped daemon leaves masquerading as it is: pods go on talking."""
    firewall = MemoryFirewall()
    async with running(firewall) as (masquerade, _):
        masquerade.want(SPEC)
        await asyncio.sleep(1.0)
    assert firewall.tables[4]
