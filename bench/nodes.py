"""What a set of many nodes costs nft and the daemon: `unshare -n .venv/bin/python bench/nodes.py`.

Prints, for each step that the masquerade loop takes, its time and the CPU of nft and of our own
process, the median of five rounds. To be run as root, in a network namespace of its own.
"""

from __future__ import annotations

import asyncio
import resource
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Awaitable
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import TypeVar

from hostgw_daemon.rules.firewall import NftFirewall
from hostgw_daemon.rules.nftables import amendment, holds
from hostgw_daemon.rules.ruleset import RulesetSpec, desired

T = TypeVar("T")
ROUNDS = 5
COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000

SPEC = RulesetSpec(
    networks=(ip_network("10.128.0.0/9"), ip_network("fd00:5::/32")),
    own=(ip_network("10.128.1.0/24"),),
    masquerade=True,
    forward_rules=True,
    nodes={
        4: frozenset(str(ip_address("10.0.0.1") + n) for n in range(COUNT)),
        6: frozenset(str(ip_address("fd50::1") + n) for n in range(COUNT)),
    },
)


def clocks() -> list[float]:
    """Give the time, and the CPU time of our ended children and of ourselves, in seconds."""
    usages = map(resource.getrusage, (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF))
    return [time.monotonic(), *(usage.ru_utime + usage.ru_stime for usage in usages)]


async def main() -> None:
    """Write, list, amend, and tell what each took."""
    took = defaultdict(list)

    async def timed(step: str, work: Awaitable[T]) -> T:
        begun = clocks()
        done = await work
        took[step].append([after - before for before, after in zip(begun, clocks(), strict=True)])
        return done

    nodes = SPEC.nodes or {}
    more = desired(replace(SPEC, nodes={**nodes, 4: nodes[4] | {"192.0.2.1"}}))
    with NftFirewall() as firewall:
        for _ in range(ROUNDS):
            ruleset = desired(SPEC)
            await timed("write it all", firewall.write(ruleset, (4, 6)))
            seen = await timed("list it", firewall.read())
            assert holds(seen, ruleset)
            change = amendment(seen.elements, more.elements)
            await timed("add a node", firewall.amend(change))
            assert holds(await firewall.read(), more)
    print(f"{COUNT} nodes in each family        ms    nft's CPU    ours")
    for step, rounds in took.items():
        wall, theirs, ours = (
            1000 * statistics.median(column) for column in zip(*rounds, strict=True)
        )
        print(f"{step:28} {wall:9.1f} {theirs:9.1f} {ours:9.1f}")


if __name__ == "__main__":
    asyncio.run(main())
