"""What is wrong with the host: a pure function of the facts.

A finding says what happens to which packet, and the command that cures it, word for word. It
`sets` sysctls where these are the cure: what `--fix-sysctls` writes. Everything here was measured:
docs/host.md says how. A healthy host gives no finding; what cannot be seen gives none either, but
for tables of iptables-legacy, which may drop every packet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from hostgw_core.model import Family
from hostgw_daemon.host.facts import HostFacts
from hostgw_daemon.host.networkmanager import spares
from hostgw_daemon.host.overlap import overlap
from hostgw_daemon.switches import ALL_LINKS, NeighbourTable

STRICT, LOOSE = 1, 2
FULL: Final = 0.8
"""The share of the neighbour table from which on it is called too small."""
THRESHOLDS: Final = (128, 512, 1024)
"""gc_thresh1 to gc_thresh3 as Linux has them."""
NETWORKD_FILE = "/etc/systemd/networkd.conf.d/hostgw.conf"
NETWORKMANAGER_FILE = "/etc/NetworkManager/conf.d/hostgw.conf"


@dataclass(frozen=True, slots=True)
class Sysctl:
    """A sysctl by its path below /proc/sys, and what it should say."""

    path: str
    value: int

    @property
    def name(self) -> str:
        """The name that sysctl(8) takes: with dots, unless a link has a dot in its name."""
        return self.path if "." in self.path else self.path.replace("/", ".")

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: the code of its condition, a sentence, and the cure as a command."""

    code: str
    sentence: str
    cure: str
    sets: tuple[Sysctl, ...] = ()

    @property
    def detail(self) -> str:
        """The particulars of its condition."""
        return f"{self.sentence}: {self.cure}"


def findings(facts: HostFacts) -> tuple[Finding, ...]:
    """Give all that is wrong."""
    return (
        *_forwarding(facts),
        *_rp_filter(facts),
        *_dead_ways(facts),
        *_bridge_filter(facts),
        *_neighbours(facts),
        *_networkd(facts),
        *_networkmanager(facts),
        *_overlap(facts),
        *_hidden_tables(facts),
    )


def _forwarding(facts: HostFacts) -> Iterator[Finding]:
    """IPv4 asks the link that a packet came in by (ip_route_input_slow), IPv6 asks `all`."""
    wanted = facts.about.families
    if 4 in wanted and (deaf := _deaf(facts)):
        here = facts.switches[4]
        whole = ALL_LINKS not in here or not here[ALL_LINKS].forwarding
        sets = tuple(Sysctl(f"net/ipv4/conf/{name}/forwarding", 1) for name in deaf)
        yield _by_sysctl(
            "forwarding_off",
            f"this host forwards no IPv4 packet that comes in by {' or '.join(deaf)}: what goes to"
            " or from its containers is dropped there",
            (Sysctl("net/ipv4/ip_forward", 1),) if whole else sets,
        )
    everywhere = facts.switches.get(6, {}).get(ALL_LINKS)
    if 6 in wanted and everywhere is not None and not everywhere.forwarding:
        sets = (Sysctl("net/ipv6/conf/all/forwarding", 1),)
        if facts.about.link is not None and facts.around.accept_ra == 1:
            # A host that forwards hears no router's advertisement any more, unless this says so.
            ra = Sysctl(f"net/ipv6/conf/{facts.about.link.name}/accept_ra", 2)
            sets = (ra, *sets)
        yield _by_sysctl(
            "forwarding_off",
            "this host forwards no IPv6 packet: what goes to or from its containers is dropped",
            sets,
        )


def _deaf(facts: HostFacts) -> list[str]:
    """Give the names of the links from which no IPv4 packet is forwarded, though it should be."""
    here = facts.switches.get(4, {})
    link = facts.about.link
    needed = dict.fromkeys((*((link,) if link is not None else ()), *facts.doors))
    return [each.name for each in needed if each.index in here and not here[each.index].forwarding]


def _rp_filter(facts: HostFacts) -> Iterator[Finding]:
    """Strict drops what comes in by another link than the answer would leave by.

    Our routes lead back through the uplink, and so does a default route through it. One through
    another link does not; without any, loose mode would drop the packet as well.
    """
    link, here = facts.about.link, facts.switches.get(4, {})
    if link is None or 4 not in facts.about.families or link.index not in here:
        return
    own = here[link.index].rp_filter
    everywhere = here[ALL_LINKS].rp_filter if ALL_LINKS in here else 0
    defaults = [
        route for route in facts.foreign if not route.length and len(route.destination) == 4
    ]
    best = min((route.metric for route in defaults), default=0)
    out = {route.link for route in defaults if route.metric == best}
    if max(own, everywhere) != STRICT or not out or link.index in out:
        return
    name, elsewhere = link.name, facts.name_of(min(out))
    yield _by_sysctl(
        "rp_filter_strict",
        f"rp_filter is strict on {name} (all {everywhere}, {name} {own}), and the default route"
        f" leaves by {elsewhere}: a packet that comes in by {name} from an address without a route"
        " through it is dropped, such as one from a node's containers before their route is here,"
        " or from a client outside",
        (Sysctl(f"net/ipv4/conf/{name}/rp_filter", LOOSE),),
    )


def _dead_ways(facts: HostFacts) -> Iterator[Finding]:
    """Only with this switch does the kernel stop at once to use a way whose link has no carrier.

    For IPv4 that of `all` does for every link (net/ipv4/fib_frontend.c, fib_netdev_event reads
    IN_DEV_IGNORE_ROUTES_WITH_LINKDOWN); for IPv6 each link's own.
    """
    sets = tuple(
        Sysctl(f"net/ipv{family}/conf/{facts.name_of(index)}/ignore_routes_with_linkdown", 1)
        for family in facts.about.families
        for here in (facts.switches.get(family, {}),)
        for index in facts.about.several
        if index in here and not here[index].leaves_dead
        if family == 6 or ALL_LINKS not in here or not here[ALL_LINKS].leaves_dead
    )
    if sets:
        yield _by_sysctl(
            "dead_ways_used",
            "of several ways to a node, the kernel goes on using one whose cable is out, and the"
            " packets that it sends there are lost",
            sets,
        )


def _bridge_filter(facts: HostFacts) -> Iterator[Finding]:
    """Between two containers of one bridge kube-proxy is passed by, unless bridging asks iptables.

    The way to a service is routed and rewritten; the answer would go over the bridge as it is, with
    an address that the client never asked.
    """
    if not facts.around.kubernetes or not (bridges := facts.bridges):
        return
    files: dict[Family, str] = {4: "iptables", 6: "ip6tables"}
    unheard = [f for f in facts.about.families if not facts.around.bridged.get(f, True)]
    loaded = all(facts.around.bridged.get(f) is not None for f in unheard)
    if not unheard:
        return
    sets = tuple(Sysctl(f"net/bridge/bridge-nf-call-{files[f]}", 1) for f in unheard)
    why = "is off" if loaded else "is not there, for br_netfilter is not loaded"
    command = _command(sets)
    yield Finding(
        "bridge_filter_off",
        f"{' and '.join(each.path.rpartition('/')[2] for each in sets)} {why}: on"
        f" {bridges[0].name}, the answer of a service to a container of the same host comes back"
        " without kube-proxy's address, and the connection fails",
        command if loaded else f"modprobe br_netfilter && {command}",
        sets if loaded else (),
    )


def _neighbours(facts: HostFacts) -> Iterator[Finding]:
    for family in facts.about.families:
        table = facts.tables.get(family)
        if table is None:
            continue
        need, limit = max(table.entries, facts.about.peers), table.thresholds[2]
        if need <= FULL * limit:
            continue
        sets = _wider(family, table, need)
        where = "" if facts.around.first else "in the host's first network namespace, "
        yield Finding(
            "neighbour_table_small",
            f"the IPv{family} neighbour table of this host, which all its network namespaces share,"
            f" takes {limit} entries, has {table.entries}, and there are {facts.about.peers} other"
            " nodes: when it is full, packets to neighbours that are not in it are dropped",
            where + _command(sets),
            sets if facts.around.first else (),
        )


def _wider(family: Family, table: NeighbourTable, need: int) -> tuple[Sysctl, ...]:
    """Give thresholds with room for twice as many; the last one first, for it bounds the others."""
    most = max(THRESHOLDS[2], 1 << (2 * need - 1).bit_length())
    sizes = {3: most, 2: most // 2, 1: most // 4}
    return tuple(
        Sysctl(f"net/ipv{family}/neigh/default/gc_thresh{number}", size)
        for number, size in sizes.items()
        if size > table.thresholds[number - 1]
    )


def _networkd(facts: HostFacts) -> Iterator[Finding]:
    if not facts.around.flushes or facts.about.link is None:
        return
    yield Finding(
        "networkd_flushes",
        f"systemd-networkd configures {facts.about.link.name} and removes routes that it did not"
        " make when it starts or configures the link anew: packets are lost until they are back",
        f"mkdir -p {NETWORKD_FILE.rpartition('/')[0]} && printf '[Network]\\nManageForeignRoutes=no"
        f"\\nManageForeignRoutingPolicyRules=no\\n' > {NETWORKD_FILE} && systemctl restart"
        " systemd-networkd",
    )


def _networkmanager(facts: HostFacts) -> Iterator[Finding]:
    """Containers' bridges alone: the uplink may well be NetworkManager's own to configure."""
    alone = facts.around.left_alone
    if alone is None:
        return
    names = [link.name for link in facts.bridges if not spares(link.name, alone)]
    if not names:
        return
    devices = ";".join(f"interface-name:{name}" for name in names)
    yield Finding(
        "networkmanager_manages",
        f"NetworkManager looks after {' and '.join(names)}, which leads to the containers, and may"
        " take its address and routes away",
        f"printf '[keyfile]\\nunmanaged-devices+={devices}\\n' > {NETWORKMANAGER_FILE} && nmcli"
        " general reload",
    )


def _overlap(facts: HostFacts) -> Iterator[Finding]:
    found = overlap(facts)
    if found is not None:
        yield Finding("network_overlap", *found)


def _hidden_tables(facts: HostFacts) -> Iterator[Finding]:
    """Tell of tables that the kernel names to root alone: nobody else can know what they drop.

    It has such a file only where somebody has loaded that form of iptables.
    """
    hidden = [family for family in facts.around.hidden if family in facts.about.families]
    if hidden:
        tools = [f"{'ip6tables' if family == 6 else 'iptables'}-legacy" for family in hidden]
        yield Finding(
            "host_unread",
            f"this user may not know whether {' or '.join(tools)} drops what goes to or from"
            " containers, and lets nothing through there; docs/packets.md has a user who may",
            "; ".join(f"{tool} -S FORWARD" for tool in tools),
        )


def _by_sysctl(code: str, sentence: str, sets: tuple[Sysctl, ...]) -> Finding:
    return Finding(code, sentence, _command(sets), sets)


def _command(sets: tuple[Sysctl, ...]) -> str:
    return f"sysctl -w {' '.join(map(str, sets))}"
