"""The adapter to iptables: its FORWARD chains, in either of the two forms the kernel has.

`iptables-nft` keeps its tables in nftables, `iptables-legacy` in a machinery of its own; a host may
have both at once, and a packet must pass both. Listing with the legacy form *makes* its table where
there is none, so the kernel is asked first which ones it has. A form that is not installed, and a
chain that iptables cannot list because somebody wrote it with nft, are not iptables' business:
whoever wrote that chain decides in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hostgw_core.model import FAMILIES, Family
from hostgw_daemon.rules.command import Refused, run_command
from hostgw_daemon.rules.forwarding import CHAIN, DOCKER_USER, calls_docker_user, changes
from hostgw_daemon.rules.nftables import FirewallMissing
from hostgw_daemon.rules.ruleset import RulesetSpec

_LOCK = ("-w", "5")  # seconds to wait for the lock that legacy commands share


class Iptables:
    """iptables of the network namespace whose `/proc/self/net` is `proc_net`.

    `prefix` is put before each command, `deadline` is the seconds that one may take.
    """

    def __init__(
        self,
        *,
        prefix: Sequence[str] = (),
        proc_net: Path = Path("/proc/self/net"),
        deadline: float = 10.0,
    ) -> None:
        self._prefix = tuple(prefix)
        self._proc_net = proc_net
        self._deadline = deadline

    async def ensure(self, spec: RulesetSpec) -> int:
        """Let pods' packets through where a policy drops them. Raise FirewallError."""
        done = 0
        for family in FAMILIES:
            networks = [n for n in spec.networks if n.version == family]
            for tool in self._tools(family):
                listing = await self._listing(tool, CHAIN)
                if calls_docker_user(listing):
                    listing += await self._listing(tool, DOCKER_USER)
                for arguments in changes(listing, networks, wanted=spec.forward_rules):
                    await self._run(tool, *arguments)
                    done += 1
        return done

    async def filters(self) -> dict[str, str]:
        """Give, by the command, what `-S` prints of the filter table. Raise FirewallError."""
        tools = [tool for family in FAMILIES for tool in self._tools(family)]
        return {tool: await self._listing(tool) for tool in tools}

    def _tools(self, family: Family) -> list[str]:
        """Give the commands whose filter table the kernel has, or may have at no cost."""
        name, tables = (
            ("iptables", "ip_tables_names")
            if family == 4
            else (
                "ip6tables",
                "ip6_tables_names",
            )
        )
        try:
            legacy = "filter" in (self._proc_net / tables).read_text().split()
        except OSError:  # the kernel has no legacy form
            legacy = False
        return [f"{name}-nft", *([f"{name}-legacy"] if legacy else [])]

    async def _listing(self, tool: str, *chain: str) -> str:
        try:
            return await self._run(tool, "-S", *chain)
        except (FirewallMissing, Refused):
            return ""

    async def _run(self, tool: str, *arguments: str) -> str:
        command = (*self._prefix, tool, *_LOCK, *arguments)
        return await run_command(command, name=tool, package="iptables", deadline=self._deadline)
