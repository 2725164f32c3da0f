"""The etcd of the lab: one member, or three or five, each in a namespace of its own.

Real `etcd` processes on plain HTTP (nobody else can reach them), data below `/run`. `ctl` runs
`etcdctl` beside a member: the independent witness of what is stored.
"""

from __future__ import annotations

import json
import shutil
import signal
from collections.abc import Sequence
from subprocess import CompletedProcess
from typing import Any

from hostgw_cli.lab import processes
from hostgw_cli.lab.interrupt import held
from hostgw_cli.lab.ledger import Ledger
from hostgw_cli.lab.netns import CommandError, Namespace
from hostgw_cli.lab.topology import CLIENT_PORT, PEER_PORT, LabError, MachinePlan, Topology
from hostgw_cli.lab.waiting import tail, wait_for

HEALTHY_WITHIN = 20.0  # seconds
CONFIG_KEY = "/coreos.com/network/config"


class Member:
    """One etcd process and its data."""

    def __init__(self, plan: MachinePlan, topology: Topology, ledger: Ledger) -> None:
        self.plan = plan
        self.name = plan.name
        self.namespace = Namespace(plan.namespace)
        self.run = self.namespace.run
        self.data = ledger.folder / plan.name
        self.log = ledger.folder / f"{plan.name}.log"
        self._topology = topology
        self._ledger = ledger

    @property
    def url(self) -> str:
        """Where a client finds it."""
        return self.plan.url(CLIENT_PORT)

    def argv(self) -> list[str]:
        """Give the command: flags of etcd 3.4 and newer."""
        peers = [f"{each.name}={each.url(PEER_PORT)}" for each in self._topology.etcd]
        return [
            *["etcd", f"--name={self.name}", f"--data-dir={self.data}"],
            f"--listen-client-urls={self.url},http://127.0.0.1:{CLIENT_PORT}",
            f"--advertise-client-urls={self.url}",
            f"--listen-peer-urls={self.plan.url(PEER_PORT)}",
            f"--initial-advertise-peer-urls={self.plan.url(PEER_PORT)}",
            f"--initial-cluster={','.join(peers)}",
            f"--initial-cluster-token={self._topology.spec.prefix}etcd",
            *["--auto-compaction-mode=periodic", "--auto-compaction-retention=1h"],
        ]

    @property
    def process(self) -> processes.Process | None:
        """The process that was started last."""
        return self._ledger.process(self.name)

    @property
    def running(self) -> bool:
        """Whether the process is there (a paused one is)."""
        return self.process is not None and self.process.alive

    def start(self) -> None:
        """Start the process on the data that is there; does not wait."""
        if self.running:
            raise LabError(f"{self.name} runs already")
        with held():
            # etcd 3.4 runs on ARM only when it finds this; on other machines it is ignored.
            environment = {"ETCD_UNSUPPORTED_ARCH": "arm64"}
            process = processes.start(
                self.name,
                self.argv(),
                inside=self.namespace,
                log=self.log,
                environment=environment,
            )
            self._ledger.note(process)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End the process; its data stays."""
        if self.process is not None:
            processes.stop(self.process, number)

    def send(self, number: int) -> None:
        """Send a signal. Raise LabError when the process is gone."""
        if self.process is None or not processes.send(self.process, number):
            raise LabError(f"{self.name} does not run")


class Etcd:
    """All members together; each verb is for all of them. One alone: `members[0]`."""

    def __init__(self, topology: Topology, ledger: Ledger) -> None:
        self.endpoints = topology.endpoints
        self.members = [Member(plan, topology, ledger) for plan in topology.etcd]

    @property
    def environment(self) -> dict[str, str]:
        """What etcdctl is to find in its environment."""
        return {"ETCDCTL_API": "3", "ETCDCTL_ENDPOINTS": self.endpoints}

    def ctl(
        self,
        *arguments: str,
        members: Sequence[int] | None = None,
        check: bool = True,
        timeout: float = 15.0,
    ) -> CompletedProcess[str]:
        """Run etcdctl from beside the first member, against these members (all by default).

        Raise CommandError.
        """
        endpoints = ",".join(each.url for each in self._some(members))
        words = ["ETCDCTL_API=3", f"ETCDCTL_ENDPOINTS={endpoints}"]
        return self.members[0].run(
            "env", *words, "etcdctl", *arguments, check=check, timeout=timeout
        )

    def ctl_json(self, *arguments: str) -> Any:
        """Run etcdctl and give its JSON (keys and values are in base64 there)."""
        return json.loads(self.ctl(*arguments, "--write-out=json").stdout)

    def keys(self, prefix: str = "/") -> list[str]:
        """Give all keys below a prefix, in order."""
        said = self.ctl("get", "--prefix", "--keys-only", prefix).stdout
        return [line for line in said.splitlines() if line]

    def start(self, *, within: float = HEALTHY_WITHIN) -> None:
        """Start every member that does not run, and wait until they answer as one."""
        for member in self.members:
            if not member.running:
                member.start()
        self.wait_healthy(within=within)

    def wait_healthy(self, *, within: float = HEALTHY_WITHIN) -> None:
        """Wait until every member takes a proposal. Raise LabError with their last words."""

        def look() -> bool:
            for member in self.members:
                if not member.running:
                    raise LabError(f"{member.name} has ended; {tail(member.log)}")
            try:
                return self.ctl("endpoint", "health", timeout=6.0, check=False).returncode == 0
            except CommandError:
                return False

        wait_for(look, what="etcd healthy", within=within, why=self._last_words)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End every member; the data stays."""
        for member in self.members:
            member.stop(number)

    def pause(self, members: Sequence[int] | None = None) -> None:
        """Freeze members (all by default): connections stay open and nothing answers."""
        for member in self._some(members):
            member.send(signal.SIGSTOP)

    def resume(self, members: Sequence[int] | None = None) -> None:
        """Let frozen members go on."""
        for member in self._some(members):
            member.send(signal.SIGCONT)

    def wipe(self) -> None:
        """End every member, lose all data, and start again, empty."""
        self.stop(signal.SIGKILL)
        for member in self.members:
            shutil.rmtree(member.data, ignore_errors=True)
        self.start()

    def _some(self, members: Sequence[int] | None) -> list[Member]:
        return self.members if members is None else [self.members[each] for each in members]

    def _last_words(self) -> str:
        return "\n".join(tail(member.log) for member in self.members)
