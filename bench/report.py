"""The report: results as Markdown, ratios first. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from bench.budgets import mebibytes, percent, times, verdicts
from bench.cold import CONTENDERS
from bench.results import Results
from bench.samples import seconds, spread

BEGIN: Final = "<!-- written by make bench: from here -->"
END: Final = "<!-- written by make bench: to here -->"


def render(results: Results, *, machine: str, load: Sequence[str], took: float) -> str:
    """Write everything; `load` are the load averages before and after, `took` in seconds."""
    loads = f"{load[0]} before, {load[1]} after"
    lines = [
        f"Measured on {machine}.",
        f"Load averages of 1, 5 and 15 minutes: {loads}. It took {took / 60:.0f} minutes.",
    ]
    for title, part in (
        ("Ratios", _ratios(results)),
        ("Budgets", _budgets(results)),
        ("Cold start", _cold(results)),
        ("From a lease in etcd to the route in the kernel", _latency(results)),
        ("A deleted route, and a link that comes back", _restored(results)),
        ("Idle", _idle(results)),
        ("Many nodes at once", _crowds(results)),
    ):
        rows = list(part)
        if len(rows) > 1:
            lines += ["", f"### {title}", "", *table(rows)]
    return "\n".join(lines) + "\n"


def place(page: str, report: str, *, begin: str = BEGIN, end: str = END) -> str:
    """Put a report between the marks of a page. Raise ValueError when the marks are not there."""
    before, first, rest = page.partition(begin)
    _, last, after = rest.partition(end)
    if not (first and last):
        raise ValueError(f"the page lacks {begin!r} and {end!r}")
    return f"{before}{begin}\n\n{report}\n{end}{after}"


def _ratios(results: Results) -> Iterator[Sequence[str]]:
    yield ("install step, hostgwd = 1", *CONTENDERS)
    for count, starts in results.cold_by_count().items():
        ours = starts["hostgwd"].install.median
        cells = (times(starts[name].install.median / ours) for name in CONTENDERS)
        yield (f"{count:,} routes", *cells)


def _budgets(results: Results) -> Iterator[Sequence[str]]:
    yield ("what", "budget", "measured", "")
    for each in verdicts(results):
        yield each.what, each.words(each.budget), each.words(each.measured), each.sentence


def _cold(results: Results) -> Iterator[Sequence[str]]:
    yield ("routes", "program", "rounds", "start to last route", "first to last route")
    for each in results.cold:
        rounds = str(each.whole.count)
        yield (
            *(f"{each.count:,}", each.contender, rounds),
            *(spread(each.whole), spread(each.install)),
        )


def _latency(results: Results) -> Iterator[Sequence[str]]:
    yield ("peers", "lease", "samples", "p50", "p99", "largest", "etcd's own answer p50 / p99")
    for each in results.latencies:
        route, answer = each.route, each.answer
        yield (
            *(f"{each.count:,}", each.kind, str(route.count)),
            *(seconds(route.percentile(50)), seconds(route.percentile(99)), seconds(route.most)),
            f"{seconds(answer.percentile(50))} / {seconds(answer.percentile(99))}",
        )


def _restored(results: Results) -> Iterator[Sequence[str]]:
    yield ("peers", "what", "samples", "p50", "p99", "smallest-largest")
    for what, found in (
        ("one route deleted", results.deletions),
        ("link up: all routes", results.flaps),
    ):
        for each in found:
            back = each.back
            yield (
                *(f"{each.count:,}", what, str(back.count)),
                *(seconds(back.percentile(50)), seconds(back.percentile(99))),
                f"{seconds(back.least)}-{seconds(back.most)}",
            )


def _idle(results: Results) -> Iterator[Sequence[str]]:
    yield ("peers", "HTTP", "for", "CPU of a core", "resident", "proportional (PSS)")
    for each in results.idle:
        yield (
            f"{each.count:,}",
            "scraped every 15 s" if each.scraped else "unscraped",
            f"{each.seconds:g} s",
            *(percent(each.share), mebibytes(each.memory.resident)),
            mebibytes(each.memory.proportional),
        )


def _crowds(results: Results) -> Iterator[Sequence[str]]:
    yield ("nodes", "each", "all leases held", "all routes", "CPU a node until then", "PSS a node")
    for each in results.crowds:
        yield (
            *(f"{each.nodes:,}", "preloaded" if each.preloaded else "a program from exec on"),
            *(seconds(each.claimed), seconds(each.routed)),
            *(seconds(each.cpu / each.nodes), mebibytes(each.proportional / each.nodes)),
        )


def table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Write rows as a Markdown table, the first of them its heading."""
    for number, row in enumerate(rows):
        yield f"| {' | '.join(row)} |"
        if number == 0:
            yield f"|{'---|' * len(row)}"
