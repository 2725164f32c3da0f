"""A cluster of five nodes with a container each, and what every node says of every other."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_interface
from typing import Any, TypeAlias

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.host import Host
from hostgw_core.model import Family
from support.waiting import eventually

Verdicts: TypeAlias = Mapping[tuple[str, str], str]
"""What the first node says of the second."""

NODES = tuple(f"n{number}" for number in range(1, 6))
NAMED, CLEARED = 5.0, 10.0  # seconds: what is promised


@dataclass(frozen=True)
class Cluster:
    """The lab, and the questions that the tests ask of it."""

    lab: Lab

    def host(self, name: str) -> Host:
        """Give a node."""
        return self.lab.host(name)

    def subnet(self, name: str) -> str:
        """Give the subnet that a node has leased."""
        return str(ip_interface(self.host(name).subnet_env()["FLANNEL_SUBNET"]).network)

    def pod(self, name: str, family: Family = 4) -> str:
        """Give the address of a node's container."""
        return str(self.host(name).container(0).address_in(family))

    def peers(self, name: str) -> list[dict[str, Any]]:
        """Give what a node says of all others."""
        status, body = self.host(name).http("/v1/peers")
        assert status == 200, body
        found: list[dict[str, Any]] = json.loads(body)
        return found

    def verdicts(self) -> dict[tuple[str, str], str]:
        """Give what everybody says of everybody that is not `ok`; all must speak."""
        try:
            return {
                (name, peer["node"]): peer["state"]
                for name in NODES
                for peer in self.peers(name)
                if peer["state"] != "ok"
            }
        except OSError as error:  # a daemon has just been started
            raise AssertionError(f"somebody does not speak: {error}") from error

    def in_order(self) -> list[str]:
        """Give the nodes that have a lease, the oldest lease first."""
        keys = self.lab.etcd.ctl(
            *("get", "--prefix", "/coreos.com/network/subnets/", "--keys-only"),
            *("--sort-by=CREATE", "--order=ASCEND"),
        ).stdout.split()
        subnets = {self.subnet(name).replace("/", "-"): name for name in NODES}
        return [subnets[key.rpartition("/")[2]] for key in keys]

    def speaks(self, name: str) -> bool:
        """Tell whether a node's daemon answers: it may have just been started."""
        try:
            return bool(self.host(name).http("/livez")[0])
        except OSError:
            return False

    def conditions(self, name: str) -> dict[str, str]:
        """Give what a node says is wrong, by code; nothing before it speaks."""
        try:
            _, body = self.host(name).http("/v1/status")
        except OSError:
            return {}
        return {each["code"]: each["detail"] for each in json.loads(body)["conditions"]}

    def counted(self, name: str, state: str) -> int:
        """Give how many peers a node counts in a state, as Prometheus sees it."""
        return self._series(name, f'hostgw_peers{{state="{state}"}}')

    def probes(self, name: str, result: str) -> int:
        """Give how many of a node's probes ended so."""
        return self._series(name, f'hostgw_peer_probes_total{{result="{result}"}}')

    def _series(self, name: str, series: str) -> int:
        _, body = self.host(name).http("/metrics")
        found = re.search(rf"^{re.escape(series)} (\S+)$", body, re.MULTILINE)
        assert found, f"no series {series}"
        return int(float(found[1]))

    def explain(self, name: str, address: str) -> tuple[int, str]:
        """Ask `hostgwctl explain` on a node; give its exit status and what it says."""
        host = self.host(name)
        argv = [sys.executable, "-P", "-m", "hostgw_cli", "explain", address]
        done = host.namespace.run(*argv, f"--socket={host.socket}", check=False)
        return done.returncode, done.stdout

    def order(self, name: str, *words: str) -> None:
        """Let a node's operator type a command. Raise CommandError."""
        host = self.host(name)
        argv = [sys.executable, "-P", "-m", "hostgw_cli", *words, f"--socket={host.socket}"]
        host.namespace.run(*argv)

    def all_well(self, *, within: float) -> float:
        """Wait until nobody says anything of anybody; give the seconds that it took."""
        begun = time.monotonic()

        def look() -> bool:
            said = self.verdicts()
            assert said == {}, said
            assert all(len(self.peers(name)) == len(NODES) - 1 for name in NODES)
            return True

        eventually(look, within=within)
        return time.monotonic() - begun

    def named(
        self, expected: Verdicts, *, also: Verdicts, within: float, started: str = ""
    ) -> float:
        """Wait until all this is said; nothing else may be said meanwhile. Give the seconds.

        `also` is what may be said, and need not. That a node which has just come, or which was
        just `started`, is not probed yet is no cause, nor that it has probed nobody.
        """
        begun = time.monotonic()
        strange: dict[tuple[str, str], str] = {}
        meant = {**also, **expected}

        def look() -> bool:
            said = self.verdicts()
            others = {pair: it for pair, it in said.items() if meant.get(pair) != it}
            new = {
                pair
                for pair, it in others.items()
                if it == "unprobed" and (pair[1] not in NODES or started in pair)
            }
            strange.update({pair: it for pair, it in others.items() if pair not in new})
            assert expected.items() <= said.items(), said
            return True

        eventually(look, within=within)
        assert not strange, f"said meanwhile: {strange}"
        return time.monotonic() - begun


def about(node: str, cause: str) -> dict[tuple[str, str], str]:
    """Expect every other node to say this of one."""
    return {(other, node): cause for other in NODES if other != node}


def by(node: str, cause: str) -> dict[tuple[str, str], str]:
    """Expect one node to say this of all others."""
    return {(node, other): cause for other in NODES if other != node}


def both_ways(node: str, cause: str) -> dict[tuple[str, str], str]:
    """Expect both."""
    return about(node, cause) | by(node, cause)


@dataclass(frozen=True)
class Case:
    """How a cause is made and taken away, and what is then said by whom.

    `also` is what may be said besides, sooner or later, by who suffers from the same; `started` is
    a node whose daemon is started to make the cause. It clears within `cleared` seconds.
    `explained` are words of `hostgwctl explain`; by default it ends with the exit status 1, and
    the cause in the last line.
    """

    inject: Callable[[Cluster], object]
    heal: Callable[[Cluster], object]
    expected: Callable[[Cluster], Verdicts]
    also: Verdicts = field(default_factory=dict)
    started: str = ""
    cleared: float = CLEARED
    explained: str = ""
