"""Which gateways the kernel is to keep resolved: a pure plan from the table as it is.

Every node's gateway, while they are few; each costs a question and an answer on the link every half
minute or so, for as long as it stands. Where there are more than `most`, those that packets go to:
the kernel has the others when they are needed. One that does not answer is let go of for a while,
for it is asked by broadcast, and a dead node must not be asked for by all the others for ever.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hostgw_core.model import IPAddress
from hostgw_daemon.switches import Neighbour


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done: entries to make, to take over from the kernel, to leave to it, to delete.

    Of those to delete, `failed` did not answer.
    """

    create: tuple[IPAddress, ...] = ()
    adopt: tuple[IPAddress, ...] = ()
    release: tuple[IPAddress, ...] = ()
    drop: tuple[IPAddress, ...] = ()
    failed: tuple[IPAddress, ...] = ()


def wanted(
    gateways: Collection[IPAddress],
    table: Mapping[IPAddress, Neighbour],
    *,
    most: int,
    resting: Collection[IPAddress] = (),
) -> Wanted:
    """Give what makes the table right; `resting` are let alone because they did not answer."""
    ours = [address for address, entry in table.items() if entry.ours and entry.managed]
    failed = [a for a in ours if a in gateways and table[a].failed]
    gone = [a for a in ours if a not in gateways]
    kept = [a for a in ours if a in gateways and not table[a].failed]
    quiet = {*failed, *(a for a in resting if a not in table or not table[a].used)}
    if len(gateways) <= most:
        more = [a for a in gateways if a not in quiet and a not in kept]
    else:
        more = [a for a, entry in table.items() if entry.used and a in gateways and a not in ours]
    more = [a for a in more if a not in table or not table[a].taken]
    room = max(0, most - len(kept))
    chosen = sorted(more, key=_order)[:room]
    return Wanted(
        create=tuple(a for a in chosen if a not in table),
        adopt=tuple(a for a in chosen if a in table),
        release=tuple(sorted(kept, key=_order)[most:]),
        drop=tuple(sorted((*gone, *failed), key=_order)),
        failed=tuple(sorted(failed, key=_order)),
    )


def _order(address: IPAddress) -> tuple[int, int]:
    return address.version, int(address)
