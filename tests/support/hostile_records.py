"""Records that a writer of the prefix might leave: seeded, each with a key of its own, none usable.

What makes a record hostile is written here by hand, in the words of the wire: nothing is asked of
the program whose judgement is tried.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

Record: TypeAlias = tuple[bytes, bytes]
"""A key below the prefix, and its value."""

Kind: TypeAlias = Callable[[random.Random, Sequence[str]], Record]
"""What makes one record, of chance and of the subnets that are leased."""

GATEWAY = "192.168.51.66"  # on the link of a site, and nobody's
NOWHERE = (  # subnets that no node can have
    *("0.0.0.0-0", "0.0.0.0-1", "128.0.0.0-1", "0.0.0.0-8", "127.0.0.0-8", "127.0.0.0-24"),
    *("224.0.0.0-4", "224.0.0.0-24", "255.255.255.255-32", "169.254.0.0-16", "240.0.0.0-4"),
    *("10.0.0.0-8", "10.77.0.0-16", "10.77.0.0-17", "10.76.0.0-15", "192.168.48.0-20"),
    *("192.168.48.0-21", "192.168.50.0-24", "192.168.51.66-32"),
)
NO_GATEWAYS = (
    *("0.0.0.0", "127.0.0.1", "224.0.0.9", "255.255.255.255", "", "::1", "fe80::1", "1.2.3"),
    *("1.2.3.4.5", "01.2.3.4", "1.2.3.256", "0x7f000001", "2130706433", "192.168.51.66/20"),
    *(" 192.168.51.66", "192.168.51.66\n", "\uff11\uff19\uff12.168.51.66", "fd00::1%eth0", "\0"),
)


def lease(gateway: object = GATEWAY, **more: object) -> bytes:
    """Write a lease's value in flannel's words."""
    fields = {"PublicIP": gateway, "PublicIPv6": None, "BackendType": "host-gw", **more}
    return json.dumps(fields).encode()


def junk(seed: int, count: int, *, within: Sequence[str]) -> Iterator[Record]:
    """Give so many records. `within` are subnets, each a /24 like 10.77.9, that are leased."""
    chance = random.Random(seed)
    seen: set[bytes] = set()
    kinds: tuple[Kind, ...] = (
        _any_bytes,
        _near_key,
        _outside,
        _nested,
        _bad_value,
        _bad_gateway,
        _other_family,
    )
    while len(seen) < count:
        key, value = chance.choice(kinds)(chance, within)
        if key not in seen:
            seen.add(key)
            yield key, value


def _any_bytes(chance: random.Random, _: Sequence[str]) -> Record:
    """Nonsense as a key; below it a lease that would be good."""
    return b"subnets/" + chance.randbytes(chance.randrange(4, 60)), lease()


def _near_key(chance: random.Random, _: Sequence[str]) -> Record:
    """A key that is almost the spelling of a subnet inside the network."""
    subnet = f"10.77.{chance.randrange(256)}.{chance.randrange(256)}"
    spoilt = chance.choice(
        [
            f"{subnet}-33",
            f"{subnet}/{chance.randrange(33)}",
            f"0{subnet}-32",
            f"{subnet}-032",
            f" {subnet}-32",
            f"{subnet}-32\n",
            f"{subnet}-32/{chance.randrange(9)}",
            f"{subnet}-32&fd00::{chance.randrange(1, 9999):x}-64",
            f"{subnet}-32&10.77.1.0-24",
            f"10.77.{chance.randrange(256)}.{chance.randrange(1, 256)}-24",
            f"10.77.{chance.randrange(256)}.0-garbage{chance.randrange(9999)}",
            f"10.77.{chance.randrange(256)}.{chance.randrange(256, 9999)}-32",
            subnet.replace(".", chance.choice(["..", ",", "\u0660"]), 1) + "-32",
        ]
    )
    return f"subnets/{spoilt}".encode(), lease()


def _outside(chance: random.Random, _: Sequence[str]) -> Record:
    """A lease in perfect order, of a subnet outside the network, or of too much of it."""
    if chance.random() < 0.1:
        return f"subnets/{chance.choice(NOWHERE)}".encode(), lease()
    octets = [chance.randrange(256) for _ in range(4)]
    if octets[:2] == [10, 77]:
        octets[1] = 78
    return f"subnets/{'.'.join(map(str, octets))}-32".encode(), lease()


def _nested(chance: random.Random, within: Sequence[str]) -> Record:
    """A lease in perfect order, of a part of somebody's subnet."""
    length = chance.randrange(25, 33)
    part = chance.randrange(256) >> (32 - length) << (32 - length)
    return f"subnets/{chance.choice(within)}.{part}-{length}".encode(), lease()


def _bad_value(chance: random.Random, _: Sequence[str]) -> Record:
    """A good key, and a value that is no lease."""
    good = lease()
    key = f"subnets/10.77.{chance.randrange(40)}.{chance.randrange(256)}-32".encode()
    return key, chance.choice(
        [
            b"",
            chance.randbytes(chance.randrange(1, 200)),
            good[: chance.randrange(len(good))],
            b"[" * 3000,
            b'{"PublicIP":' * 500,
            b'{"PublicIP": 7}',
            b'{"PublicIP": NaN}',
            b'{"PublicIP": 1e999}',
            b'{"publicip": "192.168.51.66", "x": ' + b"9" * 5000 + b"}",
            lease(Node="\u0000" * 9),
            lease(Node="x" * 254),
            lease(NodeID="\u202e\n"),
            lease(BackendType="\U0001f600" * 300),
            lease(BackendType="vxlan"),
            b'{"BackendType":"host-gw","BackendType":"ipip","PublicIP":"192.168.51.66"}',
            b"\xff\xfe" + good,
            b'"\\ud800"',
        ]
    )


def _bad_gateway(chance: random.Random, _: Sequence[str]) -> Record:
    """A good key, and the address of nobody."""
    subnet = f"10.77.{chance.randrange(40, 80)}.{chance.randrange(256)}"
    gateway: object = chance.choice([*NO_GATEWAYS, subnet, 7, None, [], {}, True])
    return f"subnets/{subnet}-32".encode(), lease(gateway)


def _other_family(chance: random.Random, _: Sequence[str]) -> Record:
    """A lease of a family that the network does not have."""
    subnet = f"fd00:{chance.randrange(1, 9999):x}:{chance.randrange(1, 9999):x}::"
    return f"hostgw/subnets6/{subnet}-64".encode(), lease(None, PublicIPv6="fd00::9")
