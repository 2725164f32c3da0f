"""Many nodes that start at once on one machine: each a hostgwd process in a namespace of its own.

They are real programs from exec on, or forks of one process that has imported everything already
(*preloaded*), of which a machine holds more.

The clock starts before the first process and stops when etcd has a lease for every node, and again
when every node's kernel has a route to every other. All of them share this machine's cores, so the
time is that of the machine's CPU, not of the protocol: the CPU time a node is given beside it.
"""

from __future__ import annotations

import json
import select
import time
from base64 import b64decode
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from bench.population import CLUSTER, LENGTH
from bench.preloaded import Preloaded
from bench.process import cpu_seconds, memory
from bench.stage import LINK, PROTOCOL
from bench.witness import Witness
from bench.writer import Writer

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.host import Host
from hostgw_cli.lab.topology import CLIENT_PORT, LabSpec

WITHIN = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Crowd:
    """`nodes` started at once: seconds to all leases and to all routes; CPU seconds and bytes."""

    nodes: int
    preloaded: bool
    claimed: float
    routed: float
    cpu: float
    proportional: int


def measure(name: str, nodes: int, *, preloaded: bool = False) -> Crowd:
    """Build a lab of so many hosts, start all daemons, and take it down."""
    spec = LabSpec(
        nodes=nodes,
        name=name,
        network=CLUSTER,
        subnet_len=LENGTH,
        containers=0,
        daemons=False,
        daemon_args=(f"--iface={LINK}",),
    )
    with Lab.up(spec) as lab, ExitStack() as stack:
        member = lab.etcd.members[0].namespace
        writer = stack.enter_context(Writer.open(member, CLIENT_PORT))
        witnesses = [stack.enter_context(Witness.open(host.namespace)) for host in lab.hosts]
        start = stack.enter_context(Preloaded.up()).start if preloaded else _exec
        began = time.perf_counter()
        pids = start(lab.hosts)
        claimed, routed = _wait(writer, witnesses)
        cpu = sum(map(cpu_seconds, pids))
        time.sleep(2.0)
        proportional = sum(memory(pid).proportional for pid in pids)
        _check(lab, writer)
    return Crowd(nodes, preloaded, claimed - began, routed - began, cpu, proportional)


def _exec(hosts: Iterable[Host]) -> list[int]:
    return [host.start_daemon(wait=False).pid for host in hosts]


def _wait(writer: Writer, witnesses: Sequence[Witness]) -> tuple[float, float]:
    """Wait for a lease a node, and for a route from each node to each other."""
    nodes = len(witnesses)
    routes: dict[int, set[bytes]] = {each.fileno(): set() for each in witnesses}
    by_descriptor = {each.fileno(): each for each in witnesses}
    watch = select.poll()
    for each in witnesses:
        watch.register(each, select.POLLIN)
    claimed = 0.0
    end = time.perf_counter() + WITHIN
    while time.perf_counter() < end:
        for descriptor, _ in watch.poll(20):
            for seen in by_descriptor[descriptor].read():
                if seen.protocol == PROTOCOL:
                    there = routes[descriptor]
                    (there.discard if seen.gone else there.add)(seen.destination)
        if not claimed and writer.count() == nodes:
            claimed = time.perf_counter()
        if claimed and all(len(there) == nodes - 1 for there in routes.values()):
            return claimed, time.perf_counter()
    raise TimeoutError(f"{writer.count()} of {nodes} nodes hold a lease after {WITHIN:g} s")


def _check(lab: Lab, writer: Writer) -> None:
    """See that every node has its own subnet and a route to every other. Raise AssertionError."""
    values = [json.loads(b64decode(entry["value"])) for entry in writer.entries()]
    addresses = {value["PublicIP"] for value in values}
    assert len(values) == len(addresses) == len(lab.hosts), (len(values), len(addresses))
    for host in lab.hosts:
        there = host.ip_json("route", "show", "proto", str(PROTOCOL))
        assert {each["gateway"] for each in there} == addresses - {str(host.plan.address.ip)}
