"""The adapter to iptables: its FORWARD chains, in either of the two forms the kernel has.

`iptables-nft` keeps its tables in nftables, `iptables-legacy` in a machinery of its own; a host may
have both at once, and a packet must pass both. Listing with the legacy form *makes* its table where
there is none, so the kernel is asked first which ones it has. A chain that `iptables-nft` cannot
list, because somebody wrote it with nft or because it is not installed, is not iptables' business:
whoever wrote that chain decides in it, and nft lists it (`obstacles`). A legacy table is seen by
its own command alone, so one that the kernel has and that cannot be listed is told of: the command
wants CAP_NET_RAW, and a lock file of root's, beside CAP_NET_ADMIN. Where this process may not even
know which legacy tables there are, the check of the host says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from hostgw_core.model import FAMILIES, Family, IPNetwork
from hostgw_daemon.rules.command import Refused, run_command
from hostgw_daemon.rules.forwarding import CHAIN, DOCKER_USER, calls_docker_user, changes
from hostgw_daemon.rules.nftables import FirewallError, FirewallMissing
from hostgw_daemon.rules.ruleset import RulesetSpec

COMMANDS: Final[Mapping[Family, str]] = {4: "iptables", 6: "ip6tables"}
NAMES: Final[Mapping[Family, str]] = {4: "ip_tables_names", 6: "ip6_tables_names"}
"""The files with the names of the legacy tables that there are."""

_LEGACY = "-legacy"
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
        """Let pods' packets through where a policy drops them; give how many rules that took.

        Raise FirewallError, when all that can be done is done.
        """
        done = 0
        failures: list[FirewallError] = []
        for family in FAMILIES:
            networks = [n for n in spec.networks if n.version == family]
            for tool in self._tools(family):
                try:
                    done += await self._let_through(tool, networks, wanted=spec.forward_rules)
                except FirewallError as error:
                    failures.append(error)
        if failures:
            raise failures[0]
        return done

    async def filters(self) -> dict[str, str]:
        """Give, by the command, what `-S` prints of the filter table. Raise FirewallError."""
        listings: dict[str, str] = {}
        for tool in (tool for family in FAMILIES for tool in self._tools(family)):
            with suppress(Refused, FirewallMissing):  # `ensure` says so
                listings[tool] = await self._run(tool, "-S")
        return listings

    async def _let_through(self, tool: str, networks: Sequence[IPNetwork], *, wanted: bool) -> int:
        listing = await self._listing(tool, CHAIN, needed=wanted)
        if calls_docker_user(listing):
            listing += await self._listing(tool, DOCKER_USER, needed=wanted)
        lines = changes(listing, networks, wanted=wanted)
        for arguments in lines:
            await self._run(tool, *arguments)
        return len(lines)

    def _tools(self, family: Family) -> list[str]:
        """Give the commands whose filter table the kernel has, or may have at no cost."""
        name = COMMANDS[family]
        try:
            legacy = "filter" in (self._proc_net / NAMES[family]).read_text().split()
        except OSError:  # the kernel has no legacy form, or does not show us its tables
            legacy = False
        return [f"{name}-nft", *([f"{name}{_LEGACY}"] if legacy else [])]

    async def _listing(self, tool: str, chain: str, *, needed: bool) -> str:
        try:
            return await self._run(tool, "-S", chain)
        except (FirewallMissing, Refused):
            if needed and tool.endswith(_LEGACY):
                raise
            return ""

    async def _run(self, tool: str, *arguments: str) -> str:
        command = (*self._prefix, tool, *_LOCK, *arguments)
        return await run_command(command, name=tool, package="iptables", deadline=self._deadline)
