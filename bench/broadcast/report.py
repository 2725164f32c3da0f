"""What a run writes into docs/broadcast.md: its figures, as tables and sentences. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

from bench.broadcast import fit
from bench.broadcast.cost import Cost
from bench.broadcast.counting import Count
from bench.broadcast.law import Arrangement
from bench.broadcast.results import Results
from bench.broadcast.spanning import DEFAULT, LEAST
from bench.budgets import percent, times
from bench.report import table
from bench.samples import seconds, spread

BEGIN: Final = "<!-- written by make broadcast: from here -->"
END: Final = "<!-- written by make broadcast: to here -->"
Measured = TypeVar("Measured", Count, Cost)
LARGE: Final = (100, 100)  # hosts, containers of each


def render(results: Results) -> str:
    """Write everything."""
    before, after = results.load
    lines = [
        f"Measured on {results.machine}.",
        f"Load averages of 1, 5 and 15 minutes: {before} before, {after} after.",
        f"It took {results.took / 60:.0f} minutes.",
    ]
    for title, part in (
        ("Who hears a container start", _counts(results)),
        ("What else the first packet asks", _others(results)),
        ("100 hosts with 100 containers each", _large(results)),
        ("What a broadcast costs", _costs(results)),
        ("A loop, without a spanning tree", _storms(results)),
        ("The same loop, with a spanning tree", _spanning(results)),
    ):
        if body := list(part):
            lines += ["", f"### {title}", "", *body]
    return "\n".join(lines) + "\n"


def _counts(results: Results) -> Iterator[str]:
    if not results.counts:
        return
    lawful = sum(each.lawful for each in results.counts)
    yield (
        "Network stacks that received the broadcast, in brackets the interfaces it arrived on. The "
        "container's gratuitous ARP and its first ARP request are counted apart, and each must be "
        f"heard as the law says: so it was, exactly, in {lawful} of {len(results.counts)} starts."
    )
    yield ""
    rows: list[Sequence[str]] = [("hosts", "containers a host", *Arrangement)]
    for (hosts, containers), by in _by_size(results.counts).items():
        rows.append((str(hosts), str(containers), *(_cell(by.get(each)) for each in Arrangement)))
    yield from table(rows)
    yield ""
    yield (
        "The gratuitous ARP that the CNI plugin itself sent, at the largest size, was heard by "
        + ", ".join(
            f"{each.by_plugin.stacks:,} of {each.law.stacks:,} ({each.arrangement})"
            for each in largest(results.counts)
        )
        + ": the bridge plugin sends it before the new port of the bridge forwards. The counts "
        "above are of the same frame, sent again when it does."
    )


def _cell(count: Count | None) -> str:
    if count is None:
        return "-"
    heard = f"{count.announced.stacks:,} ({count.announced.interfaces:,})"
    return heard if count.lawful else f"**{heard}**, not lawful"


def _others(results: Results) -> Iterator[str]:
    if not results.counts:
        return
    yield (
        "The first packet to a container of another host, when nobody knows a MAC address yet: how "
        "many broadcasts it causes, and how many stacks hear each. By host-gw the container asks "
        "for its host, its host for the other host, and that one for the other container. The "
        "second is asked once for a pair of hosts, not for each container."
    )
    yield ""
    yield from table(
        [
            ("arrangement", "hosts x containers", "broadcasts", "heard by", "together"),
            *(
                (
                    each.arrangement,
                    f"{each.hosts} x {each.containers}",
                    str(1 + len(each.others)),
                    " + ".join(str(heard) for heard in (each.asked.stacks, *each.others)),
                    str(each.asked.stacks + sum(each.others)),
                )
                for each in largest(results.counts)
            ),
        ]
    )


def largest(counts: Sequence[Count]) -> list[Count]:
    """Give the counts at the largest size, one for each arrangement."""
    most = max((each.hosts, each.containers) for each in counts)
    return [each for each in counts if (each.hosts, each.containers) == most]


def _large(results: Results) -> Iterator[str]:
    fits = [fit.listeners(results.counts, each) for each in Arrangement]
    found = [each for each in fits if each is not None]
    if not found:
        return
    hosts, containers = LARGE
    stacks = hosts * (containers + 1)
    yield (
        "**Extrapolated**, not measured: least squares through the counts above, continued to a "
        f"size that was not built. {hosts} hosts with {containers} containers each are {stacks:,} "
        "stacks, of which the sender is not counted."
    )
    yield ""
    yield from table(
        [
            (
                *("arrangement", "hosts x containers", "hosts", "containers", "constant"),
                *("largest residual", f"**listeners at {hosts} x {containers}**"),
            ),
            *(
                (
                    each.arrangement,
                    *map(_coefficient, (each.product, each.hosts, each.containers, each.constant)),
                    _coefficient(abs(each.residual)),
                    f"**{each.at(hosts, containers):,}**",
                )
                for each in found
            ),
        ]
    )
    yield ""
    yield (
        "Arithmetic, no measurement: if every container sent one broadcast a minute, each stack "
        f"would be interrupted {hosts * containers / 60:.0f} times a second in a flat network, and "
        f"{containers / 60:.1f} times by host-gw."
    )


def _coefficient(value: float) -> str:
    """Give a figure without what is below a millionth: that is the processor's and no result."""
    return f"{round(value, 6) + 0.0:g}"


def _costs(results: Results) -> Iterator[str]:
    routed = [each for each in results.costs if each.arrangement is Arrangement.HOST_GW]
    line = fit.cost(routed)
    if line is None:
        return
    yield (
        "CPU time of one broadcast, on all hosts together; median, smallest and largest round, and "
        "the medians' ratio. In brackets the time for each listener. Not measured for macvlan, "
        "whose broadcasts the kernel hands to a worker of its own."
    )
    yield ""
    rows: list[Sequence[str]] = [
        ("hosts", "containers a host", "flat bridge", "host-gw", "flat bridge / host-gw")
    ]
    for (hosts, containers), by in _by_size(results.costs).items():
        flat, ours = by[Arrangement.FLAT_BRIDGE], by[Arrangement.HOST_GW]
        ratio = times(flat.broadcast.median / ours.broadcast.median)
        rows.append((str(hosts), str(containers), _took(flat), _took(ours), ratio))
    yield from table(rows)
    hosts, containers = LARGE
    one = line.at(containers)
    # A share of a core on each host, when each container sends one broadcast a minute.
    flat_share, routed_share = (each * containers / 60 for each in (one * hosts, one))
    yield ""
    yield (
        "Here one core does the work of all hosts, and a listener costs it more in a large flat "
        "network than on a single host, probably because less of its data is in the core's caches. "
        "Hosts of a cluster have cores of their own, so what follows takes the cheaper figure. A "
        f"line through the medians of host-gw: {seconds(line.own)} for a broadcast and "
        f"{seconds(line.listener)} for each listener; the farthest median is "
        f"{seconds(line.residual)} from it."
    )
    yield ""
    yield (
        f"**Extrapolated** by that line to {containers} containers on a host: {seconds(one)} of "
        f"CPU for a broadcast by host-gw, on one host; in a flat network of {hosts} such hosts "
        f"each of them spends that, {seconds(one * hosts)} together. With one broadcast a minute "
        f"from every container it is {percent(flat_share)} of a core on every host, all the time, "
        f"against {percent(routed_share)}. The ratio is the number of hosts on any machine; the "
        "times are this one's."
    )


def _took(cost: Cost) -> str:
    return f"{spread(cost.broadcast)} [{seconds(cost.broadcast.median / cost.stacks)}]"


def _storms(results: Results) -> Iterator[str]:
    if not results.storms:
        return
    yield (
        "One gratuitous ARP in a flat network (bridges) on two switches, both cables between them "
        "plugged in; nothing else was sent. A fuse set one cable down after the time given. The "
        "kernel's counters say how many frames each other container received: the least, the most."
    )
    yield ""
    yield from table(
        [
            (
                *("hosts", "containers a host", "the loop lasted", "frames at each container"),
                *("a second", "over the two cables", "frames of one ARP after the cut"),
            ),
            *(
                (
                    *(str(each.hosts), str(each.containers), seconds(each.seconds)),
                    *(_range(each.heard), f"{each.heard[0] / each.seconds:,.0f}"),
                    *(f"{each.crossings:,}", _range(each.after)),
                )
                for each in results.storms
            ),
        ]
    )


def _range(of: tuple[int, int]) -> str:
    least, most = of
    return f"{least:,}" if least == most else f"{least:,}-{most:,}"


def _spanning(results: Results) -> Iterator[str]:
    if not results.spanning:
        return
    yield (
        "Every bridge, the switches' and the hosts', runs the kernel's spanning tree. One port of "
        "the four at the two cables is blocked, and a broadcast reaches everybody once. The price: "
        "a port that comes up forwards nothing while it listens and learns, a forward delay each. "
        f"The kernel's default is {DEFAULT} s, its minimum {LEAST} s."
    )
    yield ""
    yield from table(
        [
            (
                *("forward delay", "hosts x containers", "stacks that heard it, and the law"),
                *("frames, and the law", "a container that starts is not heard for"),
                "a cable fails: the other switch hears nothing for",
            ),
            *(
                (
                    *(f"{each.forward_delay} s", f"{each.hosts} x {each.containers}"),
                    f"{each.announced.stacks}, {each.law.stacks}",
                    f"{each.announced.frames}, {each.law.frames}",
                    *(seconds(each.start), seconds(each.failure)),
                )
                for each in results.spanning
            ),
        ]
    )


def _by_size(of: Iterable[Measured]) -> dict[tuple[int, int], dict[Arrangement, Measured]]:
    found: dict[tuple[int, int], dict[Arrangement, Measured]] = {}
    for each in sorted(of, key=lambda each: (each.hosts, each.containers)):
        found.setdefault((each.hosts, each.containers), {})[each.arrangement] = each
    return found
