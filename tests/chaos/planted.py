"""Routes of somebody else, planted on every host: nobody may touch them, whatever happens.

On a link of their own, so that the kernel does not take them away with the underlay.
"""

from __future__ import annotations

from typing import Final

from hostgw_cli.lab.netns import Namespace, run_here

LINK: Final = "foreign0"

# Destination, table, protocol, and how `ip route` is told the rest.
_ROUTES: Final = (
    ("203.0.113.0/24", 254, 4, f"via 172.30.255.2 dev {LINK} metric 50"),
    ("198.51.100.0/24", 100, 99, f"dev {LINK}"),
    ("192.0.2.0/25", 254, 12, f"via 172.30.255.3 dev {LINK} metric 20"),
    ("192.0.2.128/25", 254, 186, "blackhole metric 1500"),
    # In our own shape, inside the cluster's network, and of the neighbouring protocol.
    ("10.244.250.0/24", 254, 105, f"via 172.30.255.4 dev {LINK} metric 1500"),
    # Our own protocol in a table that is not ours to write.
    ("10.244.251.0/24", 77, 105, f"via 172.30.255.4 dev {LINK} metric 1024"),
)

PLANTED: Final = frozenset(
    (destination, table, protocol) for destination, table, protocol, _ in _ROUTES
)


def plant(inside: Namespace) -> None:
    """Plant them on a host."""
    run_here(
        ["ip", "-n", inside.name, "-batch", "-"],
        input="\n".join(
            [
                f"link add {LINK} type bridge",
                f"link set {LINK} up",
                f"address add 172.30.255.1/24 dev {LINK}",
                *(
                    f"route add {_spelled(destination, rest)} table {table} proto {protocol}"
                    for destination, table, protocol, rest in _ROUTES
                ),
            ]
        )
        + "\n",
    )


def missing(inside: Namespace) -> list[str]:
    """Give those that are there no longer, as `ip` sees it."""
    there = set()
    for route in inside.ip_json("-4", "-N", "route", "show", "table", "all"):
        table = int(route.get("table", 254))
        there.add((route["dst"], table, int(route.get("protocol", 3))))
    return [f"{dst} table {table} proto {protocol}" for dst, table, protocol in PLANTED - there]


def _spelled(destination: str, rest: str) -> str:
    kind, _, more = rest.partition(" ")
    return f"{kind} {destination} {more}" if kind == "blackhole" else f"{destination} {rest}"
