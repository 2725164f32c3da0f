"""What others than hostgwd do to the store of a site of claims: people, and flannel."""

from __future__ import annotations

import json
from dataclasses import dataclass

from hostgw_core.store import Delete, Entry, Put
from support.claim_judge import Judge, name_in, told
from support.claim_networks import NAMES6, networks_in, numbers_in, pair
from support.claim_site import PREFIX, Host, Site

MEDDLING = (
    *("it is reserved", "a part of it is reserved", "it is spoilt", "it is deleted"),
    *("flannel takes it", "flannel takes it by another key", "its beginning is taken"),
)


@dataclass
class Outsiders:
    """They write what they like, without a compare; the judge is told what it cannot know."""

    site: Site
    judge: Judge

    def leases(self) -> list[Entry]:
        """Give everything under the two folders of leases, in order."""
        return [entry for key, entry in sorted(self.site.store.entries.items()) if name_in(key)]

    def of(self, host: Host) -> list[Entry]:
        """Give the leases of a host."""
        return [entry for entry in self.leases() if told(entry).get("NodeID") == host.node_id]

    def one_of(self, number: int) -> Entry | None:
        """Give one of the leases."""
        leases = self.leases()
        return leases[number % len(leases)] if leases else None

    def put(self, key: str, value: object, lease: int = 0) -> None:
        """Write a key below the prefix."""
        text = json.dumps(value).encode()
        self.site.store.commit_now([], [Put(f"{PREFIX}/{key}".encode(), text, lease)])

    def spoil(self, key: bytes, value: object) -> None:
        """Write something else over a key."""
        self.put(key.decode().removeprefix(f"{PREFIX}/"), value)

    def delete(self, key: bytes) -> None:
        """Delete a key."""
        self.site.store.commit_now([], [Delete(key)])

    def reserve(self, name: str, host: Host, *, good: bool = True) -> None:
        """Keep a subnet for a host; `good`: in words that can be read."""
        self.judge.foreign.add(name)
        self.put(f"hostgw/reservations/{name}", {"Node": host.node} if good else {})

    def copy(self, lease: Entry, first: int) -> None:
        """Write a lease once more, at the next free subnet from this one on: a node has two."""
        there = [subnet for each in self.leases() for subnet in networks_in(name_in(each.key))]
        both = b":" in lease.key
        for number in range(first, first + 4):
            name = pair(number % 4, number % 4 if both else None)
            if any(
                one.version == other.version and one.overlaps(other)
                for one in networks_in(name)
                for other in there
            ):
                continue
            key = f"{PREFIX}/subnets/{name}".encode()
            self.site.store.commit_now([], [Put(key, lease.value)])
            self.judge.foreign.add(name)
            self.judge.restored.add((key, self.site.store.revision))
            return

    def flannel_puts(self, name: str, host: Host) -> None:
        """As flanneld renews and takes over on a host: whatever stands there."""
        value = {
            "PublicIP": host.address,
            "PublicIPv6": host.address6 if ":" in name else None,
            "BackendType": "host-gw",
        }
        self.judge.foreign.add(name)
        self.put(f"subnets/{name}", value, self.site.store.grant_now(86400).id)

    def flannel_puts_another(self, name: str, host: Host, j: int) -> None:
        """Of both families where the key is of IPv4 alone, and of that where it is of both."""
        ipv4, both, _ = name.partition("&")
        if "." in ipv4:
            self.flannel_puts(ipv4 if both else f"{ipv4}&{NAMES6[j]}", host)

    def meddle(self, what: str, key: bytes, other: Host, j: int) -> None:
        """Do one of MEDDLING with a lease's key that a node is about to write."""
        name = name_in(key)
        match what if name else "":
            case "it is reserved":
                self.reserve(name, other)
            case "a part of it is reserved":
                self.reserve(name.partition("&")[0], other)
            case "it is spoilt":
                self.spoil(key, {})
            case "it is deleted":
                self.delete(key)
            case "flannel takes it" if "." in name:
                self.flannel_puts(name, other)
            case "flannel takes it by another key":
                self.flannel_puts_another(name, other, j)
            case "its beginning is taken":
                self.spoil(key.partition(b"-")[0] + b"-", {})

    def drain(self, host: Host) -> None:
        """Delete the leases of a host."""
        for entry in self.of(host):
            self.delete(entry.key)

    def clear_all_but_one(self) -> None:
        """Leave one thing that stands in the way of one subnet, and of no other."""
        kept = ("/subnets/", "/hostgw/subnets6/", "/hostgw/reservations/")
        folders = tuple(f"{PREFIX}{folder}".encode() for folder in kept)
        standing = [e for key, e in self.site.store.entries.items() if key.startswith(folders)]
        standing.sort(key=lambda entry: entry.modified)
        if standing and len(numbers_in(standing[-1].key.decode().rpartition("/")[2])) < 2:
            standing.pop()
        for entry in standing:
            self.delete(entry.key)
