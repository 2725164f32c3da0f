"""The picture: listeners of a broadcast, as measured and as the law goes on. Written as SVG.

The same results give the same bytes (with the same matplotlib): identifiers are salted with a
constant, and the file holds no date. The colours are those of Okabe and Ito, which people with any
colour vision can tell apart; each arrangement has a marker and a name beside its line as well.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from bench.broadcast import fit
from bench.broadcast.law import Arrangement
from bench.broadcast.report import LARGE
from bench.broadcast.results import Results
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

mpl.use("svg")

_STYLE: Final[dict[Arrangement, dict[str, Any]]] = {
    Arrangement.FLAT_BRIDGE: {"color": "#D55E00", "marker": "o"},
    Arrangement.FLAT_MACVLAN: {"color": "#0072B2", "marker": "x", "linestyle": "--"},
    Arrangement.HOST_GW: {"color": "#009E73", "marker": "s"},
}
_SETTINGS: Final[Any] = {
    "svg.hashsalt": "hostgw",
    "svg.fonttype": "path",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
}


_LISTENERS: Final = "listeners of a container's broadcast (stacks)"


def draw(results: Results, file: Path) -> None:
    """Draw what was counted into a file. Raise ValueError when there is too little for a law."""
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(10.4, 4.6), layout="constrained", facecolor="white")
        measured, beyond = figure.subplots(1, 2)
        _measured(measured, results)
        _beyond(beyond, results)
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})


def _measured(axes: Any, results: Results) -> None:
    """Draw listeners by hosts, a line for each arrangement, at the most containers a host."""
    most = max(each.containers for each in results.counts)
    for arrangement in Arrangement:
        of = sorted(
            (each.hosts, each.announced.stacks)
            for each in results.counts
            if each.arrangement is arrangement and each.containers == most
        )
        hosts, heard = zip(*of, strict=True)
        axes.plot(hosts, heard, label=arrangement, **_marks(arrangement))
    axes.set(
        title=f"Measured: {most} containers on each host",
        xlabel="hosts",
        ylabel=_LISTENERS,
        xticks=sorted({each.hosts for each in results.counts}),
    )
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, loc="upper left")


def _beyond(axes: Any, results: Results) -> None:
    """Draw listeners by all containers: as measured, and the law up to the large cluster."""
    hosts, containers = LARGE
    for arrangement in (Arrangement.FLAT_BRIDGE, Arrangement.HOST_GW):
        law = fit.listeners(results.counts, arrangement)
        if law is None:
            raise ValueError(f"too few sizes were measured to draw the law of {arrangement}")
        most = max(each.containers for each in results.counts)
        for length, style in ((most, "--"), (containers, ":")):
            grown = range(1, hosts + 1)
            axes.plot(
                [each * length for each in grown],
                [law.at(each, length) for each in grown],
                color=_STYLE[arrangement]["color"],
                linestyle=style,
                linewidth=1.2,
                zorder=1,
            )
        of = [each for each in results.counts if each.arrangement is arrangement]
        axes.plot(
            [each.hosts * each.containers for each in of],
            [each.announced.stacks for each in of],
            label=f"{arrangement}, measured",
            **{**_marks(arrangement), "linestyle": "none"},
        )
        end = law.at(hosts, containers)
        marks = {**_marks(arrangement), "markerfacecolor": "white", "clip_on": False}
        axes.plot(hosts * containers, end, **marks)
        axes.annotate(
            f"{end:,}",
            (hosts * containers, end),
            xytext=(-10, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.5},
            color=_STYLE[arrangement]["color"],
            fontweight="bold",
        )
    axes.set(
        title=f"The law, up to {hosts} hosts with {containers} containers each",
        xlabel="containers in the cluster",
        ylabel=_LISTENERS,
        xscale="log",
        yscale="log",
    )
    axes.set_xlim(right=2 * hosts * containers)
    axes.set_ylim(bottom=2, top=3 * hosts * containers)
    _name_rows(axes, results)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axis.set_minor_formatter(NullFormatter())
    axes.plot([], [], color="#555555", linestyle="--", label=f"law, {most} containers a host")
    axes.plot([], [], color="#555555", linestyle=":", label=f"law, {containers} containers a host")
    axes.plot(
        [],
        [],
        color="#555555",
        marker="o",
        markerfacecolor="white",
        linestyle="none",
        label="extrapolated",
    )
    axes.legend(frameon=False, loc="upper left")


def _name_rows(axes: Any, results: Results) -> None:
    """Say at each row of host-gw's points how many containers are on a host."""
    ends: dict[int, int] = {}
    for each in results.counts:
        ends[each.containers] = max(each.hosts, ends.get(each.containers, 0))
    for containers, hosts in ends.items():
        axes.annotate(
            f"{containers} a host",
            (hosts * containers, containers),
            xytext=(7, 4),
            textcoords="offset points",
            fontsize=8,
            color=_STYLE[Arrangement.HOST_GW]["color"],
        )


def _marks(arrangement: Arrangement) -> dict[str, Any]:
    return {"linewidth": 1.6, "markersize": 6, **_STYLE[arrangement]}
