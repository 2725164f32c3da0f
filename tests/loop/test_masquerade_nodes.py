"""The set of nodes, kept by the masquerade loop on a firewall made of memory, in virtual time."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hostgw_daemon.rules.masquerade import AUDIT, Standing
from support.loops import until
from support.masquerade_loop import running
from support.memory_firewall import MemoryFirewall
from support.rule_specs import SPEC

pytestmark = pytest.mark.looptime

NODES = frozenset({"192.0.2.1", "192.0.2.2"})


def with_nodes(nodes=NODES):
    """Ask for an exception of these nodes."""
    return replace(SPEC, nodes={4: frozenset(nodes)})


async def test_a_node_that_comes_or_goes_is_an_element_and_no_new_table():
    """The difference is written, once; it is no drift, and the rules stay the same."""
    firewall = MemoryFirewall()
    async with running(firewall) as (masquerade, _):
        masquerade.want(with_nodes())
        await asyncio.sleep(1.0)
        masquerade.want(with_nodes({"192.0.2.2", "192.0.2.9"}))
        await until(lambda: set(firewall.nodes(4)) == {"192.0.2.2", "192.0.2.9"}, within=0.1)
        await asyncio.sleep(3 * AUDIT)
        assert (masquerade.state.resyncs, masquerade.state.drifts) == (2, 0)
    assert (firewall.writes, firewall.amendments) == (1, 1)


@pytest.mark.parametrize("nodes", [["192.0.2.1"], ["192.0.2.1", "192.0.2.2", "192.0.2.9"], []])
async def test_an_element_changed_by_others_comes_right(nodes):
    """One deleted, one added, all flushed: put back by its difference, and counted."""
    firewall = MemoryFirewall()
    async with running(firewall) as (masquerade, _):
        masquerade.want(with_nodes())
        await asyncio.sleep(AUDIT)
        firewall.set_nodes(4, nodes)
        firewall.changed()
        await until(lambda: set(firewall.nodes(4)) == {"192.0.2.1", "192.0.2.2"}, within=0.1)
        await until(lambda: masquerade.state.drifts == 1, within=0.1)
        await asyncio.sleep(3 * AUDIT)
        assert masquerade.state.drifts == 1
    assert (firewall.writes, firewall.amendments) == (1, 1)


async def test_a_change_beside_a_drift_of_the_rules_is_one_new_table():
    """Whatever of the table is not as it was written, the whole is written, nodes included."""
    firewall = MemoryFirewall()
    async with running(firewall) as (masquerade, _):
        masquerade.want(with_nodes())
        await asyncio.sleep(1.0)
        firewall.deaf = True
        firewall.replace_rule()
        firewall.deaf = False
        masquerade.want(with_nodes(NODES | {"192.0.2.9"}))
        await until(lambda: firewall.writes == 2, within=0.1)
        await asyncio.sleep(1.0)
        assert len(firewall.nodes(4)) == 3
        assert masquerade.state.drifts == 1
    assert firewall.amendments == 0


async def test_an_amendment_that_is_refused_is_followed_by_a_whole_table():
    """Another program deleted the very element in that moment: it comes right all the same."""
    firewall = MemoryFirewall()
    amend = firewall.amend

    async def beaten(amendment):
        firewall.set_nodes(4, ["192.0.2.2"])
        firewall.amend = amend
        await amend(amendment)

    async with running(firewall) as (masquerade, states):
        masquerade.want(with_nodes())
        await asyncio.sleep(1.0)
        firewall.amend = beaten
        masquerade.want(with_nodes({"192.0.2.2"}))
        await until(lambda: states[-1].standing is Standing.FAILING, within=0.1)
        await until(lambda: masquerade.state.standing is Standing.IN_FORCE, within=2.0)
        assert firewall.nodes(4) == ["192.0.2.2"]
    assert firewall.writes == 2


async def test_a_burst_of_nodes_is_a_few_amendments():
    """A hundred nodes that come within a second are written in some steps, not in a hundred."""
    firewall = MemoryFirewall()
    async with running(firewall) as (masquerade, _):
        masquerade.want(with_nodes())
        await asyncio.sleep(1.0)
        nodes = set(NODES)
        for number in range(100):
            nodes.add(f"192.0.3.{number}")
            masquerade.want(with_nodes(nodes))
            await asyncio.sleep(0.01)
        await until(lambda: len(firewall.nodes(4)) == 102, within=0.2)
    assert firewall.writes == 1
    assert firewall.amendments <= 20


async def test_a_long_look_is_followed_by_a_long_rest():
    """Where ten thousand nodes take a tenth of a second to list, rings cost a fifth of the time."""
    firewall = MemoryFirewall()
    async with running(firewall) as (masquerade, _):
        masquerade.want(with_nodes())
        await asyncio.sleep(1.0)
        firewall.takes = 0.1
        before = firewall.reads
        for _ in range(1000):
            firewall.changed()
            await asyncio.sleep(0.01)
        assert firewall.reads - before <= 10.0 / 0.5 + 2
