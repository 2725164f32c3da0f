"""What routes stand on: which link, which table, what form. A pure function of settings and host.

What a setting asks for and the host does not have is told, and spoils no more than it must: without
the address of --route-src there are routes without a source address, and an MTU that the link does
not carry, with which every large packet would be lost, is left out. Only without the VRF is there
nothing sensible to write: the same routes in the main table would lead other people's packets.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hostgw_core.model import Family, IPAddress
from hostgw_daemon.kernel import (
    BLACKHOLE,
    PLAIN,
    UNICAST,
    UNREACHABLE,
    Form,
    HostChanged,
    HostPicture,
    Link,
)
from hostgw_daemon.link.uplink import NoUplink, Uplink
from hostgw_daemon.routes.desired import RouteRule, Underlay
from hostgw_daemon.settings import Settings

_KINDS = {"none": UNICAST, "blackhole": BLACKHOLE, "unreachable": UNREACHABLE}


@dataclass(frozen=True, slots=True)
class Footing:
    """How routes are written, None while they cannot be; and what is wrong.

    `troubles` has every code that can be in it, with an empty detail where all is well. `further`
    are the links of --ecmp-iface that can be used, `addresses` ours on them.
    """

    rule: RouteRule | None
    troubles: tuple[tuple[str, str], ...]
    further: tuple[Underlay, ...] = ()
    addresses: tuple[IPAddress, ...] = ()


def footing(
    settings: Settings, uplink: Uplink | NoUplink, picture: HostPicture, *, offers_vrf: bool
) -> Footing:
    """Give the footing; `offers_vrf`: this kernel has devices of that kind at all."""
    link = uplink.link if isinstance(uplink, Uplink) and uplink.up else None
    missing, mtu, too_large = _missing_sources(settings, picture), settings.route_mtu, ""
    if link is not None and mtu > link.mtu:
        too_large = (
            f"an MTU of {mtu} was asked for and {link.name} carries {link.mtu} at most: routes are"
            " written without one"
        )
        mtu = 0
    further, addresses, lacking = _further(settings, uplink, picture)
    no_vrf, outside, table = "", "", settings.route_table
    if settings.vrf:
        vrf = next((each for each in picture.links if each.name == settings.vrf), None)
        no_vrf = _no_vrf(settings.vrf, vrf, offers=offers_vrf)
        if vrf is not None and not no_vrf:
            table = vrf.vrf_table
            if link is not None and link.master != vrf.index:
                outside = f"ip link set {link.name} master {vrf.name}"
    rule = None
    if link is not None and not no_vrf:
        rule = RouteRule(
            link.index,
            settings.route_metric,
            table,
            ipv4=_form(settings, picture, 4, mtu),
            ipv6=_form(settings, picture, 6, mtu),
            own=_KINDS[settings.own_route],
            unassigned=_KINDS[settings.unassigned_route],
            via6=settings.ipv4_via_ipv6,
            underlays=_underlays(uplink, further),
        )
    troubles = (
        ("no_vrf", no_vrf),
        ("uplink_outside_vrf", outside),
        ("route_src_missing", " and ".join(missing)),
        ("route_mtu_impossible", too_large),
        ("ecmp_link_missing", "; ".join(lacking)),
    )
    return Footing(rule, troubles, further, addresses)


def heeds(settings: Settings, picture: HostPicture, event: HostChanged) -> bool:
    """Tell whether a change of the host, elsewhere than at the uplink, may change the footing.

    `picture` is what was seen last: an address tells its link by the index alone.
    """
    names = (link.name for link in picture.links if link.index == event.link)
    name = event.name or next(names, "")
    named = name != "" and name in (settings.vrf, *settings.ecmp_iface)
    return named or (event.address is not None and event.address in settings.route_src)


def _further(
    settings: Settings, uplink: Uplink | NoUplink, picture: HostPicture
) -> tuple[tuple[Underlay, ...], tuple[IPAddress, ...], list[str]]:
    """Give the links of --ecmp-iface that are up, our addresses on them, and what others lack."""
    usable: list[Underlay] = []
    told: list[IPAddress] = []
    lacking: list[str] = []
    first = uplink.link.name if isinstance(uplink, Uplink) else ""
    links = {link.name: link for link in picture.links}
    for name in dict.fromkeys(settings.ecmp_iface):
        link = links.get(name)
        here = [a for a in picture.addresses if link is not None and a.link == link.index]
        stable = [each for each in here if each.stable]
        if name == first:
            continue
        if link is None or not link.up:
            lacking.append(f"{name} is {'not there' if link is None else 'down'}")
        elif not stable:
            lacking.append(f"{name} has no address that stays")
        if stable:  # told while the link is down, too: it comes again
            told += {each.address.version: each.address for each in reversed(stable)}.values()
            networks = tuple(dict.fromkeys(each.network for each in here))
            if link is not None and link.up:
                usable.append(Underlay(link.index, networks))
    return tuple(usable), tuple(sorted(told, key=lambda a: (a.version, int(a)))), lacking


def _underlays(uplink: Uplink | NoUplink, further: tuple[Underlay, ...]) -> tuple[Underlay, ...]:
    if not further or isinstance(uplink, NoUplink):
        return ()
    return (Underlay(uplink.link.index, uplink.networks), *further)


def _form(settings: Settings, picture: HostPicture, family: Family, mtu: int) -> Form:
    there = {each.address for each in picture.addresses}
    source = next((a.packed for a in settings.route_src if a.version == family and a in there), b"")
    form = Form(UNICAST, source, mtu)
    return PLAIN if form == PLAIN else form  # the very one: it is packed and read much faster


def _missing_sources(settings: Settings, picture: HostPicture) -> Iterator[str]:
    there = {each.address for each in picture.addresses}
    return (str(address) for address in settings.route_src if address not in there)


def _no_vrf(name: str, device: Link | None, *, offers: bool) -> str:
    if not offers:
        return f"this kernel has no VRF devices (CONFIG_NET_VRF), so {name} cannot be one"
    if device is None:
        return f"there is no device {name}: ip link add {name} type vrf table NUMBER"
    if not device.vrf_table:
        return f"the device {name} is no VRF; name another one"
    return ""
