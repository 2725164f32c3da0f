"""What a lab looks like now, as the kernel, the processes and the daemons say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.host import Host
from hostgw_cli.lab.store import Member
from hostgw_cli.lab.topology import MachinePlan

PROTOCOL = "104"  # of the routes that hostgwd makes


@dataclass(frozen=True, slots=True)
class Row:
    """One machine: `state` in a word or two, `well` if that is as it should be."""

    name: str
    address: str
    state: str
    well: bool
    subnet: str = ""
    routes: int = 0
    containers: str = ""


def look(lab: Lab) -> list[Row]:
    """Give a row for every machine of the lab."""
    members = [_member(each) for each in lab.etcd.members]
    return members + [_host(each, wanted=lab.spec.daemons) for each in lab.hosts]


def _member(member: Member) -> Row:
    state = "running" if member.running else "stopped"
    return Row(member.name, _addresses(member.plan), state, well=member.running)


def _host(host: Host, *, wanted: bool) -> Row:
    address = _addresses(host.plan)
    if not host.namespace.exists:
        return Row(host.name, address, "gone", well=False)
    state = "ready" if host.ready else "not ready" if host.running else "stopped"
    subnets = host.gateways().values() if host.subnet_file.exists() else ()
    return Row(
        host.name,
        address,
        state if wanted or host.running else "no daemon",
        well=state == "ready" or not wanted,
        subnet=" ".join(map(str, subnets)),
        routes=len(our_routes(host)),
        containers=", ".join(_containers(host)),
    )


def our_routes(host: Host) -> list[dict[str, Any]]:
    """Give the routes of a host that its daemon has made, in both families."""
    return [
        route
        for family in ("-4", "-6")
        for route in host.ip_json(family, "route", "show", "proto", PROTOCOL)
    ]


def _addresses(machine: MachinePlan) -> str:
    return " ".join(str(each.ip) for each in machine.addresses)


def _containers(host: Host) -> list[str]:
    found = []
    for container in host.containers:
        there = " ".join(str(each) for each in container.addresses.values())
        found.append(f"{container.name} {there or '(not attached)'}")
    return found


def table(rows: list[Row]) -> None:
    """Show the rows: a table for a person, plain columns in a pipe."""
    from rich.console import Console  # noqa: PLC0415 - slow to load
    from rich.table import Table  # noqa: PLC0415 - the same

    console = Console(width=None if Console().is_terminal else 300, highlight=False)
    shown = Table(box=None, pad_edge=False)
    for title in ("NAME", "ADDRESS", "STATE", "SUBNET", "ROUTES", "CONTAINERS"):
        shown.add_column(title, no_wrap=True)
    for row in rows:
        state = f"[green]{row.state}[/]" if row.well else f"[red]{row.state}[/]"
        routes = str(row.routes) if row.subnet else ""
        shown.add_row(row.name, row.address, state, row.subnet, routes, row.containers)
    console.print(shown)
