"""Make a lab and take it down.

Making goes in the order in which a machine room is built: switch, store, network configuration,
hosts, daemons, containers. Whatever stops it half way, an error or a signal, everything that was
made is taken down before the exception goes on. Taking down asks nobody what was made: namespaces
are known by the lab's prefix, processes by being inside them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from hostgw_cli.lab import ledger as ledgers
from hostgw_cli.lab import processes
from hostgw_cli.lab.container import Container
from hostgw_cli.lab.host import Host
from hostgw_cli.lab.interrupt import held
from hostgw_cli.lab.ledger import Ledger
from hostgw_cli.lab.machine import SWITCH_BRIDGE, build_machine, quiet_ipv6
from hostgw_cli.lab.netns import DIRECTORY, Namespace, bridge
from hostgw_cli.lab.store import CONFIG_KEY, Etcd
from hostgw_cli.lab.topology import LabError, LabSpec, Topology, plan

Say = Callable[[str], None]


def _silence(_sentence: str) -> None:
    """Say nothing."""


class Lab:
    """A lab that stands. Made by `Lab.up` (a context manager), `Lab.build` or `Lab.find`."""

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.spec = topology.spec
        self.ledger = Ledger(self.spec.name)
        self.etcd = Etcd(topology, self.ledger)
        self.hosts = [Host(each, topology, self.ledger) for each in topology.hosts]
        self.switch = Namespace(topology.switch)

    @classmethod
    @contextmanager
    def up(cls, spec: LabSpec, *, say: Say = _silence) -> Iterator[Lab]:
        """Make a lab for as long as the block lasts."""
        lab = cls.build(spec, say=say)
        try:
            yield lab
        finally:
            lab.down()

    @classmethod
    def build(
        cls, spec: LabSpec, *, say: Say = _silence, at_last: Callable[[], None] = lambda: None
    ) -> Lab:
        """Make a lab; it stays until `down`. Raise LabError, CommandError; then nothing is left.

        `at_last` is called when all is made, before a signal can strike again.
        """
        lab = cls(plan(spec))
        # A ledger that is there means a lab of somebody: then there is nothing of ours to remove.
        lab.ledger.open(spec)
        try:
            _remove(spec.prefix)  # of a lab whose /run survived, or whose maker was killed
            lab._build(say)
            with held():
                lab.ledger.finish()
                at_last()
        except BaseException:
            lab.down()
            raise
        return lab

    @classmethod
    def find(cls, name: str) -> Lab:
        """Give the lab of a name. Raise LabError when none stands."""
        if (record := Ledger(name).read()) is None:
            known = ", ".join(ledgers.names()) or "none"
            raise LabError(f"no lab named {name} stands here (there is: {known})")
        return cls(plan(record.spec))

    def host(self, name: str) -> Host:
        """Give a host by its name. Raise LabError."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise LabError(f"no host {name}: there are {', '.join(each.name for each in self.hosts)}")

    @property
    def containers(self) -> list[Container]:
        """Every container, host by host."""
        return [each for host in self.hosts for each in host.containers]

    def namespace(self, name: str) -> Namespace:
        """Give the namespace that a person calls n1, n1/c1, switch or etcd1. Raise LabError."""
        known = self.topology.namespaces
        if name not in known:
            raise LabError(f"nothing in the lab is called {name}: there are {', '.join(known)}")
        return Namespace(known[name])

    def environment(self, name: str) -> dict[str, str]:
        """Give the variables with which commands run there: the store's, and a host's daemon's.

        The commands of this very installation come first in PATH.
        """
        there = next((each.environment for each in self.hosts if each.name == name), {})
        commands = str(Path(sys.executable).parent)
        path = os.pathsep.join(filter(None, (commands, os.environ.get("PATH"))))
        return {**self.etcd.environment, **there, "PATH": path}

    def configure(self, **changes: object) -> None:
        """Write the cluster's network configuration, flannel's JSON; `changes` go on top."""
        self.etcd.ctl("put", CONFIG_KEY, json.dumps(self.spec.config | changes))

    def down(self) -> None:
        """Take everything down; what is gone already is no error."""
        take_down(self.spec.name)

    def _build(self, say: Say) -> None:
        say(f"a switch, {_many(self.spec.etcd, 'etcd member')}, {_many(self.spec.nodes, 'host')}")
        with held():
            switch = Namespace.create(self.topology.switch)
            if 6 in self.spec.families:
                quiet_ipv6(switch)
            bridge(switch, SWITCH_BRIDGE)
            with switch.links() as links:
                for gateway in self.topology.gateways:
                    links.add_address(SWITCH_BRIDGE, str(gateway))
        for machine in self.topology.machines:
            with held():
                build_machine(machine, self.topology)
        say(f"etcd at {self.etcd.endpoints}")
        self.etcd.start()
        self.configure()
        if self.spec.daemons:
            self._start_daemons(say)

    def _start_daemons(self, say: Say) -> None:
        say(f"hostgwd on {_many(self.spec.nodes, 'host')}")
        for host in self.hosts:
            host.start_daemon(wait=False)
        for host in self.hosts:
            host.wait_ready()
            host.attach_containers()
        if self.containers:
            chain = self.hosts[0].conflist().words
            say(f"{_many(len(self.containers), 'container')} attached by CNI: {chain}")


def take_down(name: str) -> bool:
    """Remove a lab of that name, whole, half built or half removed; tell if there was anything.

    The known processes first, then whoever else is inside, then the namespaces with their links;
    the ledger last, so that a removal that was cut short can be done again.
    """
    ledger, prefix = Ledger(name), LabSpec(name=name).prefix
    with held():
        there = ledger.folder.exists() or bool(_namespaces(prefix))
        if (record := ledger.read()) is not None:
            processes.kill(record.processes.values())
        _remove(prefix)
        ledger.close()
    return there


def _remove(prefix: str) -> None:
    inside = _namespaces(prefix)
    processes.end_all_inside(inside)
    for namespace in inside:
        namespace.delete()


def _namespaces(prefix: str) -> Sequence[Namespace]:
    """Give the namespaces of a lab that there are, whoever made them."""
    directory: Path = DIRECTORY
    if not directory.is_dir():
        return []
    return sorted(
        Namespace(each.name) for each in directory.iterdir() if each.name.startswith(prefix)
    )


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
