"""The loop that has connections forgotten, on a table that a test makes up, in virtual time."""

from __future__ import annotations

import asyncio
import errno
from contextlib import asynccontextmanager
from dataclasses import replace
from ipaddress import ip_network

import pytest

from hostgw_daemon.rules.flows import PATIENCE, SETTLE, Flows, FlowsState, own_moved
from support.loops import now, until
from support.rule_specs import SPEC

pytestmark = pytest.mark.looptime

ONE, TWO = ip_network("10.5.1.0/24"), ip_network("10.5.2.0/24")


class Table:
    """Notes what was to be forgotten, and when; fails as often as it is told."""

    def __init__(self):
        self.asked = []
        self.faults = []

    async def forget(self, networks):
        """Forget three connections of each network."""
        self.asked.append((now(), set(networks)))
        if self.faults:
            raise self.faults.pop()
        return 3 * len(networks)


@asynccontextmanager
async def running(table, settled=lambda: True):
    """Run the loop; give it and what it tells."""
    states = []
    flows = Flows(table, states.append, settled=settled)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(flows.run())
        yield flows, states
        task.cancel()


async def test_moves_of_one_moment_are_forgotten_together():
    """One look at the table for all; without a move there is none."""
    table = Table()
    async with running(table) as (flows, states):
        flows.moved(())
        await asyncio.sleep(60.0)
        assert not table.asked
        begun = now()
        flows.moved([ONE])
        await asyncio.sleep(SETTLE / 2)
        flows.moved([TWO])
        await asyncio.sleep(60.0)
        assert [(at - begun, what) for at, what in table.asked] == [(SETTLE, {ONE, TWO})]
        flows.moved([TWO])
        await until(lambda: flows.state.forgotten == 9, within=2 * SETTLE)
    assert states == [FlowsState(6), FlowsState(9)]


async def test_the_rules_come_first():
    """What is forgotten before they are in force would be remembered wrongly again."""
    table, in_force = Table(), asyncio.Event()
    async with running(table, in_force.is_set) as (flows, _):
        flows.moved([ONE])
        await asyncio.sleep(10 * SETTLE)
        assert not table.asked
        in_force.set()
        await until(lambda: bool(table.asked), within=1.1 * SETTLE)


async def test_rules_that_never_come_are_not_waited_for():
    """A host without nft has connections that stay, too."""
    table = Table()
    async with running(table, lambda: False) as (flows, _):
        flows.moved([ONE])
        await asyncio.sleep((PATIENCE + 1) * SETTLE)
        assert len(table.asked) == 1


async def test_a_failure_is_told_and_tried_again():
    """With what moved meanwhile; when it works the reason is gone."""
    table = Table()
    table.faults = [PermissionError(errno.EPERM, "Operation not permitted")] * 2
    async with running(table) as (flows, states):
        flows.moved([ONE])
        await until(lambda: bool(states), within=2 * SETTLE)
        assert states == [FlowsState(0, "Operation not permitted")]
        flows.moved([TWO])
        await until(lambda: flows.state == FlowsState(6), within=10 * SETTLE)
    assert [what for _, what in table.asked] == [{ONE}, {ONE, TWO}, {ONE, TWO}]


def test_our_own_subnet_moves_with_the_rules():
    """The old one and the new one; what is the same, and what was first, moved nowhere."""
    assert own_moved(None, SPEC) == frozenset()
    assert own_moved(SPEC, replace(SPEC, forward_rules=False)) == frozenset()
    assert own_moved(SPEC, replace(SPEC, own=(TWO,))) == {ONE, TWO}
    assert own_moved(SPEC, replace(SPEC, own=())) == {ONE}
