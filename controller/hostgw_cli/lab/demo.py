"""`make demo`: a cluster on this machine, and every promise looked at while it is kept or broken.

Each part does something to the cluster and then claims something, and what it claims is measured by
somebody else: the packet at the other end, `ip route`, `ip monitor`, `etcdctl`. A claim that does
not hold is printed as such and the exit status says so.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_network
from itertools import combinations

from hostgw_cli.lab.build import Lab, take_down
from hostgw_cli.lab.container import Container
from hostgw_cli.lab.deletion import time_to_return
from hostgw_cli.lab.echo import Echo, ping
from hostgw_cli.lab.host import HTTP_PORT, Host
from hostgw_cli.lab.interrupt import ignore_from_now_on
from hostgw_cli.lab.pairs import ping_all
from hostgw_cli.lab.screen import Screen
from hostgw_cli.lab.status import PROTOCOL, our_routes
from hostgw_cli.lab.topology import LabError, LabSpec
from hostgw_cli.lab.waiting import wait_for
from hostgw_core.model import Family, IPNetwork

LEASES = "/coreos.com/network/subnets/"
_IP_ROUTE: dict[Family, str] = {4: "ip route", 6: "ip -6 route"}
LEASES6 = "/coreos.com/network/hostgw/subnets6/"
DELETIONS = 5
BACK_WITHIN = 1.0  # seconds: a claim; what is measured is some milliseconds
METRICS = r"^hostgw_(ready|peers.* [1-9]|routes.*(desired|install)|convergence_seconds_(sum|count))"


def run(spec: LabSpec, *, keep: bool, screen: Screen) -> int:
    """Show everything; give the exit status. Raise LabError, CommandError, Interrupted."""
    begun = time.monotonic()
    screen.step("A cluster on this machine")
    with screen.busy("building"):
        lab = Lab.build(spec, say=screen.say)
    standing = False
    try:
        screen.claim(
            all(host.ready for host in lab.hosts),
            f"every hostgwd is ready, {time.monotonic() - begun:.1f} s after the start",
        )
        for part in PARTS:
            part(lab, screen)
        if keep:
            ignore_from_now_on()
        standing = keep
    finally:
        if not standing:
            take_down(spec.name)
    _end(lab, screen, keep=keep)
    screen.say(f"{time.monotonic() - begun:.0f} s in all.")
    for sentence in screen.false:
        screen.say(f"This did not hold: {sentence}")
    return 1 if screen.false else 0


def everyone_reaches_everyone(lab: Lab, screen: Screen) -> None:
    """Have the plugins check every container, and ping from each to every other."""
    screen.step("Containers on different hosts reach each other")
    for host in lab.hosts:
        for container in host.containers:
            host.plugins.check(container.namespace)  # raises what the plugin complains of
    screen.claim(
        all(each.addresses for each in lab.containers),
        f"{len(lab.containers)} containers are attached by real CNI plugins "
        f"({lab.hosts[0].conflist().words}), told by the list that hostgwd wrote",
    )
    _claim_all_reach_all(lab, screen)


def leases_are_plain(lab: Lab, screen: Screen) -> None:
    """Show the leases with etcdctl."""
    screen.step("The leases, as anybody reads them")
    families = lab.spec.families
    leases = LEASES if 4 in families else LEASES6
    command = ["get", "--prefix", leases]
    screen.show(f"etcdctl {' '.join(command)}", lab.etcd.ctl(*command).stdout)
    keys = lab.etcd.keys(leases)
    for number, family in enumerate(families):
        subnets = [_subnets_of(key)[number] for key in keys]
        apart = not any(one.overlaps(other) for one, other in combinations(subnets, 2))
        screen.claim(
            len(subnets) == len(lab.hosts) and apart,
            f"{len(lab.hosts)} hosts hold {len(subnets)} IPv{family} subnets, and no two overlap",
        )


def routes_are_plain(lab: Lab, screen: Screen) -> None:
    """Show the routes of the first host with ip route."""
    host = lab.hosts[0]
    screen.step(f"The routes of {host.name}, as the kernel has them")
    for family in lab.spec.families:
        screen.show(_IP_ROUTE[family], host.routes(family=family))
    ours = {(each["dst"], each.get("gateway")) for each in our_routes(host)}
    wanted = {
        (str(subnet), str(address.ip))
        for other in lab.hosts[1:]
        for subnet, address in zip(other.subnets().values(), other.plan.addresses, strict=True)
    }
    screen.claim(
        ours == wanted,
        f"one route for each other host's subnet, through that host; protocol {PROTOCOL} "
        "marks them as ours, everything else is untouched",
    )


def metrics_are_plain(lab: Lab, screen: Screen) -> None:
    """Show a few lines of /metrics."""
    host = lab.hosts[0]
    screen.step(f"What {host.name} says to Prometheus")
    status, body = host.http("/metrics")
    lines = [line for line in body.splitlines() if re.search(METRICS, line)]
    screen.show(
        f"curl -s http://127.0.0.1:{HTTP_PORT}/metrics | grep -E '{METRICS}'", "\n".join(lines)
    )
    values = dict(line.rsplit(" ", 1) for line in lines)
    installed = sum(float(n) for name, n in values.items() if 'state="installed"' in name)
    screen.claim(
        status == 200 and installed == len(our_routes(host)),
        f"it counts {installed:.0f} routes installed, as many as `ip route` has of ours",
    )


def a_stopped_daemon_stops_no_packet(lab: Lab, screen: Screen) -> None:
    """Stop and start a daemon under a steady ping."""
    host = lab.hosts[0]
    screen.step(f"Stop hostgwd on {host.name}, then start it again: packets go on")
    source, target = host.container(0), lab.hosts[1].container(0)
    routes = our_routes(host)
    with _steadily(lab, source, target) as echoes, screen.busy("pinging"):
        obeyed = host.stop_daemon()
        kept = our_routes(host) == routes
        stopped = not host.running
        source.ping(target, count=25)
        host.start_daemon()
        source.ping(target, count=25)
    screen.claim(obeyed and stopped, "it ended by SIGTERM")
    screen.claim(kept, f"its {len(routes)} routes stayed in the kernel without it")
    screen.claim(
        all(echoes),
        f"{source.name} pinged {target.name} all the while: {_counted(echoes)}",
    )


def a_deleted_route_comes_back(lab: Lab, screen: Screen) -> None:
    """Delete a route by hand, several times, and measure its absence."""
    host, other = lab.hosts[0], lab.hosts[1]
    screen.step(f"Delete a route of {host.name} by hand")
    for family, subnet in other.subnets().items():
        screen.show(f"{_IP_ROUTE[family]} delete {subnet}", "")
        back: list[float] = []
        for _ in range(DELETIONS):
            route = f"{subnet} proto {PROTOCOL}"
            took = time_to_return(host.namespace, route, within=BACK_WITHIN)
            if took is None:
                screen.claim(False, f"the deleted route came back within {BACK_WITHIN:g} s")
                return
            back.append(took)
        times = ", ".join(f"{each * 1000:.1f}" for each in back)
        screen.say(f"from the command until `ip monitor` saw it again: {times} ms")
        screen.claim(
            len(back) == DELETIONS,
            f"deleted {DELETIONS} times, it was back each time, "
            f"after {statistics.median(back) * 1000:.1f} ms (median)",
        )


def a_dead_host_takes_nobody_along(lab: Lab, screen: Screen) -> None:
    """Cut one host's power; the others go on; it comes back with its subnet."""
    if len(lab.hosts) < 3:
        return
    one, other, dead = lab.hosts[0], lab.hosts[1], lab.hosts[-1]
    screen.step(f"Cut the power of {dead.name}")
    subnets = _listed(dead)
    source, target = one.container(0), other.container(0)
    with _steadily(lab, source, target) as echoes, screen.busy("pinging"):
        answered = ping(one.namespace, dead.plan.address.ip)
        dead.power_off()
        silent = not ping(one.namespace, dead.plan.address.ip, within=0.5)
        source.ping(target, count=50)
    screen.claim(bool(answered) and silent, f"{dead.name} answers no more")
    screen.claim(
        all(echoes) and one.ready and other.ready,
        f"{one.name} and {other.name} go on: {_counted(echoes)}, both ready",
    )
    screen.say(f"Its lease lives on in etcd, and keeps {subnets} for this host alone. Power on.")
    with screen.busy("booting"):
        dead.power_on()
        dead.start_daemon()
        dead.attach_containers()
    screen.claim(_listed(dead) == subnets, f"{dead.name} has {_listed(dead)} again")
    _claim_all_reach_all(lab, screen)


PARTS: tuple[Callable[[Lab, Screen], None], ...] = (
    everyone_reaches_everyone,
    leases_are_plain,
    routes_are_plain,
    metrics_are_plain,
    a_stopped_daemon_stops_no_packet,
    a_deleted_route_comes_back,
    a_dead_host_takes_nobody_along,
)


def _end(lab: Lab, screen: Screen, *, keep: bool) -> None:
    name = lab.spec.name
    if keep:
        screen.step("It is left standing; look around")
        words = f"hostgwctl lab exec --name {name}"
        for family in lab.spec.families:
            screen.say(f"{words} n1 -- {_IP_ROUTE[family]}")
        screen.say(f"{words} n1/c1 -- ping {lab.hosts[1].container(0).address}")
        screen.say(f"{words} etcd1 -- etcdctl get --prefix /coreos.com/network")
        screen.say(f"hostgwctl lab status --name {name}; logs: {lab.ledger.folder}/*.log")
        screen.say(f"Take it down: hostgwctl lab down --name {name}")
        return
    screen.step("Clean up")
    left = [
        each
        for each in lab.topology.namespaces.values()
        if lab.switch.path.parent.joinpath(each).exists()
    ]
    screen.claim(not left and not lab.ledger.folder.exists(), "nothing is left of it")


def _claim_all_reach_all(lab: Lab, screen: Screen) -> None:
    # The other hosts learn of a new subnet some milliseconds after its owner is ready.
    _settled(lab)
    pairs = ping_all(lab.containers, count=2)
    for pair in pairs:
        screen.say(str(pair))
    reached = sum(bool(pair.echo) for pair in pairs)
    crossing = sum(pair.crosses for pair in pairs)
    screen.claim(
        reached == len(pairs) > 0,
        f"{reached} of {len(pairs)} pairs reach each other, {crossing} of them across hosts",
    )


def _settled(lab: Lab) -> None:
    wanted = (len(lab.hosts) - 1) * len(lab.spec.families)

    def look() -> bool:
        return all(len(our_routes(host)) == wanted for host in lab.hosts)

    try:
        wait_for(look, what="every host has a route to every other", within=10.0)
    except LabError:
        return  # what is missing shows in the claim that follows


@contextmanager
def _steadily(lab: Lab, source: Container, target: Container) -> Iterator[list[Echo]]:
    """Ping all the while the block lasts, in each family; what came of it is known afterwards."""
    echoes: list[Echo] = []
    with ExitStack() as stack:
        pings = [
            stack.enter_context(source.ping_steadily(target.address_in(family)))
            for family in lab.spec.families
        ]
        yield echoes
    echoes += [each.result for each in pings]


def _counted(echoes: list[Echo]) -> str:
    return f"{sum(each.sent for each in echoes)} sent, {sum(each.lost for each in echoes)} lost"


def _listed(host: Host) -> str:
    return " and ".join(map(str, host.subnets().values()))


def _subnets_of(key: str) -> list[IPNetwork]:
    """Read a lease's key: `.../10.244.3.0-24`, in dual stack `...-24&fd00:10:244:3::-64`."""
    return [ip_network(each.replace("-", "/")) for each in key.rpartition("/")[2].split("&")]
