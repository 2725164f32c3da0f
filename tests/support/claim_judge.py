"""What a claim may do to the store, judged by hand: the keys are read here with `re` and `json`.

Nothing here asks the code under test what a key or a value means, so that a mistake in the reading
cannot hide one in the claim. The laws, after every single call that a node makes:

* it writes a lease only while the presence under its node id is this very process's;
* what it writes over or deletes has not changed since it looked;
* it deletes only its own, and takes over only what is nobody's, its own, or at its address;
* a new lease is written where no key with this first address is, under the network as it was when
  the node looked, and over nobody else's reservation; of one that gets an IPv6 subnet that is all
  that is new: what it held of IPv4 may have been reserved meanwhile, or before flannel took it;
* one that gets an IPv6 subnet takes the place of its own key of the same IPv4 subnet alone, in the
  very call that deletes it, and nothing else is there;
* the IPv6 subnet of a new lease has the number of its IPv4 subnet, unless somebody else brought
  that pair into the store before, or it came to an IPv4 subnet that was held;
* of the leases that hostgwd wrote no two share an address, in either family.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any

from hostgw_core.store import Entry
from support.claim_networks import networks_in, numbers_in
from support.claim_site import PREFIX, Host, Site

LEASE = re.compile(rf"{PREFIX}/(?:subnets|hostgw/subnets6)/(.+)")


def name_in(key: bytes) -> str:
    """Give the last part of a lease's key, "" for another key."""
    found = LEASE.fullmatch(key.decode())
    return found[1] if found else ""


def told(entry: Entry) -> dict[str, Any]:
    """Read a value; nothing where it is no object."""
    try:
        value = json.loads(entry.value)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _of_another_ipv6(key: bytes, name: str) -> bool:
    """Tell whether a reservation names no address of the IPv6 subnet of a lease."""
    reserved = networks_in(key.decode().rpartition("/")[2])
    pairs = product(reserved, networks_in(name))
    return not any(a.version == b.version == 6 and a.overlaps(b) for a, b in pairs)


def _addresses(value: Mapping[str, Any]) -> set[str]:
    return {value[name] for name in ("PublicIP", "PublicIPv6") if value.get(name)}


@dataclass
class Judge:
    """Lets the hosts of a site go on, and looks at what each call did.

    `foreign` are the names that others brought into the store, `restored` the keys that a person
    put back, with the revisions at which they were created: what they overlap is no node's doing.
    """

    site: Site
    foreign: set[str] = field(default_factory=set)
    restored: set[tuple[bytes, int]] = field(default_factory=set)

    def advance(self, host: Host) -> None:
        """Let a host go on to its next call of the store. An AssertionError names the law."""
        before = dict(self.site.store.entries)
        self.site.advance(host)
        after = self.site.store.entries
        for key in before.keys() | after.keys():
            old, new = before.get(key), after.get(key)
            if old == new:
                continue
            assert old is None or old.modified <= host.saw, f"{host.node} wrote over {old} blindly"
            if name_in(key):
                self._is_announced(host, before)
                if old is None:
                    self._is_free(host, after[key], before, after)
                elif new is not None:
                    self._is_no_theft(host, old)
                else:
                    assert told(old).get("NodeID") == host.node_id, f"{host.node} deleted {old}"
        self.no_overlap()

    def _is_announced(self, host: Host, before: Mapping[bytes, Entry]) -> None:
        presence = before.get(f"{PREFIX}/hostgw/nodes/{host.node_id}".encode())
        assert presence is not None, f"{host.node} wrote unannounced"
        assert told(presence)["Instance"] == host.instance, f"{host.node} wrote though deposed"

    def _is_free(
        self,
        host: Host,
        new: Entry,
        before: Mapping[bytes, Entry],
        after: Mapping[bytes, Entry],
    ) -> None:
        config = before[f"{PREFIX}/config".encode()]
        assert config.modified <= host.saw, f"{new.key!r} was taken under a network of the past"
        block = new.key.partition(b"-")[0] + b"-"
        there = [key for key in before if key.startswith(block)]
        name = name_in(new.key)
        narrow = new.key.partition(b"&")[0]
        widened = there == [narrow] and narrow not in after and b"&" in new.key
        assert widened or there == [], f"{new.key!r} was taken beside {there}"
        if widened:  # that the old key was its own is another law
            self.foreign.add(name)
        kept = f"{PREFIX}/hostgw/reservations/{name.partition('-')[0]}-".encode()
        for key, entry in before.items():
            if key.startswith(kept) and not (widened and _of_another_ipv6(key, name)):
                assert told(entry).get("Node") == host.node, (
                    f"{new.key!r} was kept: {entry.value!r}"
                )
        if name not in self.foreign:
            assert len(numbers_in(name)) == 1, f"{name} is no pair"

    @staticmethod
    def _is_no_theft(host: Host, old: Entry) -> None:
        value = told(old)
        if value.get("NodeID", "") not in ("", host.node_id):
            here = {host.address, host.address6}
            assert _addresses(value) & here, f"{host.node} took {old.key!r} from {value}"

    def no_overlap(self) -> None:
        """Hold all the leases that hostgwd wrote against each other."""
        ours = {
            key: networks_in(name_in(key))
            for key, entry in self.site.store.entries.items()
            if name_in(key) and told(entry).get("NodeID")
            if (key, entry.created) not in self.restored
        }
        for one, other in combinations(sorted(ours), 2):
            for a in ours[one]:
                for b in ours[other]:
                    both = a.version == b.version and a.overlaps(b)
                    assert not both, f"{one!r} and {other!r} overlap"
