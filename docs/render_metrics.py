"""Print docs/metrics.md from what hostgwd declares."""

from prometheus_client import CollectorRegistry

from hostgw_daemon.told.metrics import Declared, Metrics

HEAD = """\
# Metrics of hostgwd

`/metrics` gives them in the text format of Prometheus, or as OpenMetrics where the scrape asks for
it. This page is printed by `docs/render_metrics.py` from the declarations in
`daemon/hostgw_daemon/told/metrics/`; a test fails when it is not current.

Times are in seconds, moments in seconds since the epoch. Every combination of label values exists
from the start, at zero. A value that is none of those listed is counted as `other`. A metric of
type info is 1, and its labels are what it says. Beside these there are the usual `process_*` and
`python_gc_*`.

| metric | type | labels | meaning |
|---|---|---|---|
"""


def row(metric: Declared) -> str:
    """Give the line of one metric."""
    labels = "; ".join(label(name, values) for name, values in metric.labels.items())
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |"


def label(name: str, values: tuple[str, ...]) -> str:
    """Give one label and the values it may have."""
    if name == "code":
        return "`code`: the [conditions](conditions.md)"
    return f"`{name}`: {', '.join(values)}" if values else f"`{name}`"


if __name__ == "__main__":
    print(HEAD, end="")
    for declared in Metrics(CollectorRegistry(), version="").declared:
        print(row(declared))
