"""Every loop that writes to the host, halted: it writes nothing, and later what was left."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hostgw_daemon.cni.doorway import Doorway
from hostgw_daemon.disk.paperwork import Paperwork
from hostgw_daemon.halt import Halt, Pause
from hostgw_daemon.host.hostcheck import AUDIT, SETTLE, HostCheck
from hostgw_daemon.host.sysctls import Changed
from hostgw_daemon.kernel import Child
from hostgw_daemon.rules.flows import Flows
from support.host_facts import ABOUT, HEALTHY, OFF, switched
from support.loops import running, settled
from support.masquerade_loop import running as masquerading
from support.memory_firewall import MemoryFirewall, MemoryForwarding
from support.reconciler_loop import ROUTE_A, ROUTE_B, A, B, C, quiet
from support.reconciler_loop import running as reconciling
from support.reconciler_site import ours
from support.rule_specs import SPEC

pytestmark = pytest.mark.looptime

PAUSE = Pause("uid 0", 5.0)


async def test_routes():
    """New leases, lost routes and ends wait, whoever asks; no pass is overdue meanwhile."""
    async with reconciling(A, B) as site:
        writes = len(site.kernel.writes)
        site.halt.begin(PAUSE)
        site.lease(C)
        site.expire(A)
        site.hear(site.kernel.remove(ROUTE_B))
        site.reconciler.look("a test")
        await quiet(3600)
        assert len(site.kernel.writes) == writes
        assert site.kernel.ours() == {ROUTE_A}
        assert site.reconciler.overdue(site.clock()) == 0
        site.halt.end()
        await quiet()
        assert site.kernel.ours() == {ROUTE_B, ours("10.5.3.0/24")}


async def test_rules():
    """Neither ours nor those in iptables' FORWARD; a change by others is undone at the end."""
    firewall, forwarding, halt = MemoryFirewall(), MemoryForwarding(), Halt()
    halt.begin(PAUSE)
    async with masquerading(firewall, forwarding=forwarding, halt=halt) as (masquerade, _):
        masquerade.want(SPEC)
        await asyncio.sleep(3600)
        assert (firewall.writes, forwarding.calls) == (0, 0)
        assert not masquerade.settled
        halt.end()
        await asyncio.sleep(1)
        assert firewall.writes == 1
        halt.begin(PAUSE)
        firewall.delete()
        await asyncio.sleep(3600)
        assert firewall.writes == 1
        halt.end()
        await asyncio.sleep(1)
        assert (firewall.writes, masquerade.state.drifts) == (2, 1)


class Writer:
    """Notes what it is asked to write, to make or to forget."""

    def __init__(self) -> None:
        self.done: list[object] = []

    async def forget(self, networks: object) -> int:
        """Forget connections."""
        self.done.append(networks)
        return 1

    def look(self, name: str) -> Child | None:
        """Find no link."""
        return None

    def make(self, name: str, child: Child) -> None:
        """Refuse, as a kernel may."""
        self.done.append(child)
        raise OSError(1, "no")

    def write(self, sysctl: object) -> Changed | str | None:
        """Set a sysctl, which changes nothing."""
        self.done.append(sysctl)
        return None

    def read(self, about: object) -> object:
        """Find forwarding switched off."""
        return replace(HEALTHY, switches={4: switched(all=OFF, eth0=OFF, cni0=OFF)})


async def test_connections():
    """They are forgotten when the rules may be written again, and not before."""
    halt, table = Halt(), Writer()
    flows = Flows(table, lambda _state: None, settled=lambda: True, halt=halt)
    halt.begin(PAUSE)
    async with running(flows.run):
        flows.moved(SPEC.own)
        await asyncio.sleep(3600)
        assert table.done == []
        halt.end()
        await asyncio.sleep(60)
        assert table.done == [{*SPEC.own}]


async def test_connections_whose_time_comes_in_a_pause():
    """The moment between the move and its doing is no hole in it."""
    halt, table = Halt(), Writer()
    flows = Flows(table, lambda _state: None, settled=lambda: True, halt=halt)
    async with running(flows.run):
        flows.moved(SPEC.own)
        await asyncio.sleep(0.1)
        halt.begin(PAUSE)
        await asyncio.sleep(3600)
        assert table.done == []
        halt.end()
        await asyncio.sleep(60)
        assert table.done == [{*SPEC.own}]


async def test_the_child_of_the_uplink():
    """It is neither made nor changed."""
    halt, children = Halt(), Writer()
    doorway = Doorway(children, told=lambda _why: None, halt=halt)
    halt.begin(PAUSE)
    async with running(doorway.run):
        doorway.want(Child("macvlan", 2, 1500, frozenset()))
        await asyncio.sleep(3600)
        assert children.done == []
        halt.end()
        await settled()
        assert len(children.done) == 1


async def test_sysctls():
    """The host is looked at, and what is wrong is told; --fix-sysctls waits."""
    halt, writer = Halt(), Writer()
    check = HostCheck(
        writer,
        writer,
        about=lambda: ABOUT,
        told=lambda: None,
        changed=lambda _changed: None,
        clock=lambda: 0.0,
        fix=True,
        halt=halt,
    )
    halt.begin(PAUSE)
    async with running(check.run):
        await asyncio.sleep(3 * AUDIT)
        assert check.state.details()
        assert writer.done == []
        halt.end()
        await asyncio.sleep(2 * SETTLE)  # it may have looked a moment ago
        assert writer.done


async def test_files():
    """Neither what is new, nor what others have changed, nor what has failed before."""
    halt, written, told = Halt(), list[str](), list[str]()
    papers = Paperwork[str](written.append, done=told.append, halt=halt)
    halt.begin(PAUSE)
    papers.want("a")
    papers.again()
    assert await papers.step() is None
    assert (written, told) == ([], [])
    halt.end()
    assert await papers.step() is None
    assert (written, told) == (["a"], [""])
