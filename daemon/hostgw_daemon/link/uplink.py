"""Which link leads to the other nodes, and by which addresses they reach us. Pure.

The order is flannel's, with two ways of our own: `--iface` (names or addresses, the first that is
there), `--iface-regex` (an address or a name that it is found in), `--iface-can-reach`,
`--iface-cidr`; with none of these the link that has `--public-ip`; without that the one with the
best default route. A way that was asked for and leads nowhere is never replaced by the default
route: a person who named an interface did not mean another. `--iface-skip` rules out what was
merely found, never what was named.

**A choice once made stands** while its link is there (by name: the index changes when a driver is
loaded again) with its addresses, however default routes move: the other nodes know us by these
addresses. A link that is down proves nothing: the kernel takes its IPv6 addresses and its
default routes away with it. It is still the uplink, and its routes wait.

A port of a bridge or a bond stands for it once its address has moved there: it is the same wire.

Without an IPv6 address IPv4 goes on alone, and the uplink says what it lacks; not the other way
round, because leases are taken by IPv4 subnets.

host-gw needs peers on the link, so a public address that is not on it is refused, as flannel does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv6Address, ip_address

from hostgw_core.model import Addresses, Family, IPAddress, IPNetwork
from hostgw_daemon.kernel import HostPicture, Link


@dataclass(frozen=True, slots=True, kw_only=True)
class UplinkRule:
    """How the link is chosen; `regexes` are Python's, `skip` a shell's. `via6`: by IPv6 alone."""

    ifaces: tuple[str, ...] = ()
    regexes: tuple[str, ...] = ()
    can_reach: IPAddress | None = None
    cidrs: tuple[IPNetwork, ...] = ()
    skip: tuple[str, ...] = ()
    public_ip: IPv4Address | None = None
    public_ipv6: IPv6Address | None = None
    via6: bool = False

    def public(self, family: Family) -> IPAddress | None:
        """Give the public address that was set for a family."""
        return self.public_ip if family == 4 else self.public_ipv6


@dataclass(frozen=True, slots=True)
class Uplink:
    """The link to the others, our addresses and networks on it, why this one, what it `lacks`."""

    link: Link
    addresses: Addresses
    networks: tuple[IPNetwork, ...]
    reason: str
    lacks: str = ""

    @property
    def up(self) -> bool:
        """Whether the kernel takes routes through it now."""
        return self.link.up

    @property
    def carries(self) -> bool:
        """Whether packets leave by it now: the kernel takes them without a carrier, too."""
        return self.link.up and self.link.carrier


@dataclass(frozen=True, slots=True)
class NoUplink:
    """There is none; `reason` says why, and what would cure it."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Found:
    """A link, why it was taken, and the address by which it was named, if it was by one."""

    link: Link
    why: str
    address: IPAddress | None = None


def choose(
    picture: HostPicture,
    rule: UplinkRule,
    *,
    families: tuple[Family, ...],
    current: Uplink | None = None,
) -> Uplink | NoUplink:
    """Choose the link for these address families; `current` is the choice so far."""
    needed = tuple(dict.fromkeys(6 if rule.via6 else each for each in families or (4,)))
    if current is not None and (kept := _keep(picture, current, needed)):
        return kept
    found = _find(picture, rule, needed[0])
    if isinstance(found, NoUplink):
        return found
    found = _whole(picture, found, needed[0])
    chosen: dict[Family, IPAddress] = {}
    lacks = ""
    for family in dict.fromkeys((*needed, *families)):
        address = _address(picture, rule, found, family=family)
        if not isinstance(address, NoUplink):
            chosen[family] = address
        elif not chosen:
            return address
        elif family in needed:
            lacks = address.reason
    return Uplink(
        link=found.link,
        addresses=Addresses.by_family(chosen),
        networks=_networks(picture, found.link),
        reason=f"{found.link.name}: {found.why}",
        lacks=lacks,
    )


def _keep(picture: HostPicture, current: Uplink, families: tuple[Family, ...]) -> Uplink | None:
    """Give the current choice as it stands now, or None when it has to be made again."""
    link = next((link for link in picture.links if link.name == current.link.name), None)
    if link is None or any(current.addresses.of(family) is None for family in families):
        return None
    there = {each.address for each in picture.addresses if each.link == link.index}
    if link.up and not there.issuperset(current.addresses):
        return None
    return Uplink(link, current.addresses, _networks(picture, link), current.reason)


def _find(picture: HostPicture, rule: UplinkRule, family: Family) -> _Found | NoUplink:
    missed: list[str] = []
    for outcome in _asked_for(picture, rule):
        if isinstance(outcome, _Found):
            return outcome
        missed.append(outcome)
    if missed:
        return NoUplink(
            f"{'; '.join(missed)}. The interfaces here are {_listed(picture)}: name one of them"
            " with --iface, or wait for the one that was meant."
        )
    return _public(picture, rule) or _default(picture, rule, family)


def _asked_for(picture: HostPicture, rule: UplinkRule) -> Iterator[_Found | str]:
    """Try each way that was asked for: what it found, or the sentence that it found nothing."""
    for text in rule.ifaces:
        yield _named(picture, text) or f"no interface is named {text} or has that address"
    for regex in rule.regexes:
        yield _matched(picture, rule, regex) or f"no interface matches --iface-regex {regex}"
    if rule.can_reach is not None:
        yield (
            _reaching(picture, rule, rule.can_reach)
            or f"the kernel has no route to {rule.can_reach} of --iface-can-reach"
        )
    for cidr in rule.cidrs:
        yield _inside(picture, rule, cidr) or f"no interface has an address in {cidr}"


def _named(picture: HostPicture, text: str) -> _Found | None:
    for link in picture.links:
        if link.name == text:
            return _Found(link, "named by --iface")
    try:
        wanted = ip_address(text)
    except ValueError:
        return None
    for each in picture.addresses:
        if each.address == wanted:
            return _on(picture, each.link, f"has the address {text} of --iface", each.address)
    return None


def _matched(picture: HostPicture, rule: UplinkRule, regex: str) -> _Found | None:
    """Look at addresses first, as flannel does."""
    wanted = re.compile(regex)
    open_links = {link.index for link in _open(picture, rule)}
    for each in picture.addresses:
        if each.link in open_links and each.stable and wanted.search(str(each.address)):
            why = f"its address {each.address} matches --iface-regex {regex}"
            return _on(picture, each.link, why, each.address)
    for link in _open(picture, rule):
        if wanted.search(link.name):
            return _Found(link, f"matches --iface-regex {regex}")
    return None


def _reaching(picture: HostPicture, rule: UplinkRule, target: IPAddress) -> _Found | None:
    index = dict(picture.reached_by).get(target)
    for link in _open(picture, rule):
        if link.index == index:
            return _Found(link, f"leads to {target} of --iface-can-reach")
    return None


def _inside(picture: HostPicture, rule: UplinkRule, cidr: IPNetwork) -> _Found | None:
    open_links = {link.index for link in _open(picture, rule)}
    for each in picture.addresses:
        if each.link in open_links and each.stable and each.address in cidr:
            why = f"has {each.address} in {cidr} of --iface-cidr"
            return _on(picture, each.link, why, each.address)
    return None


def _public(picture: HostPicture, rule: UplinkRule) -> _Found | NoUplink | None:
    """Look the link up by the public address, None when none was set."""
    for public in (rule.public_ip, rule.public_ipv6):
        if public is None:
            continue
        for each in picture.addresses:
            if each.address == public:
                return _on(picture, each.link, f"has the public address {public}", public)
        return NoUplink(
            f"No interface has the public address {public}; behind NAT host-gw cannot work, for the"
            " nodes must share one network. Set an address of this host, or none."
        )
    return None


def _default(picture: HostPicture, rule: UplinkRule, family: Family) -> _Found | NoUplink:
    open_links = {link.index: link for link in _open(picture, rule)}
    defaults = [
        route for route in picture.defaults if route.family == family and route.link in open_links
    ]
    if not defaults:
        return NoUplink(
            f"There is no IPv{family} default route to choose the interface by. Add one, or name"
            f" the interface with --iface; there are {_listed(picture)}."
        )
    best = min(defaults, key=lambda route: route.metric)
    return _Found(open_links[best.link], f"has the default route (metric {best.metric})")


def _whole(picture: HostPicture, found: _Found, family: Family) -> _Found:
    """Give the bridge or bond instead of a port that has no address of its own any more."""
    stable = {a.link for a in picture.addresses if a.stable and a.address.version == family}
    port = found.link
    if port.index in stable or port.master not in stable:
        return found
    why = f"its port {port.name} {found.why}"
    return _on(picture, port.master, why, None) or found


def _address(
    picture: HostPicture, rule: UplinkRule, found: _Found, *, family: Family
) -> IPAddress | NoUplink:
    """Choose our address: the public one, the one that was named, or the first that stays."""
    on_it = [each for each in picture.addresses if each.link == found.link.index]
    here = [each for each in on_it if each.address.version == family]
    name, public = found.link.name, rule.public(family)
    if public is not None:
        if any(each.address == public for each in here):
            return public
        return NoUplink(
            f"The public address {public} is not on {name}: this host is probably behind NAT, which"
            " host-gw cannot cross. Leave --public-ip out, or name the interface that has it."
        )
    if found.address is not None and found.address.version == family:
        return found.address
    for each in here:
        if each.stable:
            return each.address
    return NoUplink(
        f"{name} ({found.why}) has no IPv{family} address that stays: one of more than link scope,"
        " neither temporary, deprecated nor tentative. Give it one, or choose another interface"
        " with --iface."
    )


def _open(picture: HostPicture, rule: UplinkRule) -> list[Link]:
    """Give the links that may be found: not the loopback, not what --iface-skip rules out."""
    others = (link for link in picture.links if not link.loopback)
    return [each for each in others if not any(fnmatchcase(each.name, skip) for skip in rule.skip)]


def _on(picture: HostPicture, index: int, why: str, address: IPAddress | None) -> _Found | None:
    found = (_Found(link, why, address) for link in picture.links if link.index == index)
    return next(found, None)


def _networks(picture: HostPicture, link: Link) -> tuple[IPNetwork, ...]:
    """Give the networks on a link, but for fe80::/64, which is on every link (RFC 4291).

    It is nobody's subnet, and it goes and comes with the link: no reason to judge all leases anew.
    """
    here = (each.network for each in picture.addresses if each.link == link.index)
    return tuple(n for n in dict.fromkeys(here) if n.version == 4 or not n.is_link_local)


def _listed(picture: HostPicture) -> str:
    names = [link.name for link in picture.links if not link.loopback]
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return shown or "none but the loopback"
