"""`hostgwctl lab`: the commands, thin; each finds a lab and asks it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network, IPv6Network
from typing import TypeVar

import click

from hostgw_cli.lab.build import Lab, take_down
from hostgw_cli.lab.interrupt import Interrupted, ignore_from_now_on, interruptible
from hostgw_cli.lab.netns import CommandError
from hostgw_cli.lab.topology import ATTACHMENTS, NETWORK, NETWORK6, LabError, LabSpec
from hostgw_core.model import Family

_Network = TypeVar("_Network", IPv4Network, IPv6Network)

NAME = click.option("--name", default="default", show_default=True, help="Which lab.")
FAMILIES_OF: dict[str, tuple[Family, ...]] = {"4": (4,), "6": (6,), "46": (4, 6)}
FAMILIES = click.option(
    "--families",
    type=click.Choice(list(FAMILIES_OF)),
    default="4",
    show_default=True,
    help="IPv4 alone, IPv6 alone, or both.",
)
ATTACHMENT = click.option(
    "--attachment",
    type=click.Choice(ATTACHMENTS),
    default="bridge",
    show_default=True,
    help="The CNI plugin that attaches the containers.",
)
STATUSES = (
    "Exit status: 0 done, 1 it failed or something is amiss, 2 wrong usage,"
    " 128 and the signal's number if one stopped it."
)
STATUSES_OF_EXEC = (
    "Exit status: 0 or what the command ends with; 1 there is no such lab or machine."
)


@contextmanager
def _told() -> Iterator[None]:
    """Turn what may go wrong into a sentence and an exit status, as a shell expects them."""
    if os.geteuid() != 0:
        raise click.ClickException("a lab is made of network namespaces: run this as root (sudo)")
    try:
        with interruptible():
            yield
    except (LabError, CommandError) as error:
        raise click.ClickException(str(error)) from error
    except Interrupted as error:
        click.echo(f"stopped by {error}; nothing is left behind", err=True)
        raise SystemExit(128 + error.number) from None


@click.group(epilog=STATUSES)
def lab() -> None:
    """Make a cluster of network namespaces on this machine, and look into it."""


@lab.command(epilog=STATUSES)
@NAME
@click.option("--nodes", default=3, show_default=True, help="How many hosts.")
@click.option("--etcd", default=1, show_default=True, help="How many etcd members: 1, 3 or 5.")
@click.option("--containers", default=1, show_default=True, help="How many on each host.")
@click.option("--network", default=str(NETWORK), show_default=True, help="For all containers.")
@click.option("--subnet-len", default=24, show_default=True, help="Prefix length of a host's part.")
@ATTACHMENT
@FAMILIES
@click.option("--network6", default=str(NETWORK6), show_default=True, help="The same in IPv6.")
@click.option("--subnet-len6", default=64, show_default=True, help="The same in IPv6.")
@click.option("--no-daemons", is_flag=True, help="Start no hostgwd: you will start something else.")
@click.argument("daemon_args", nargs=-1, type=click.UNPROCESSED)
def up(
    *,
    name: str,
    nodes: int,
    etcd: int,
    containers: int,
    attachment: str,
    network: str,
    subnet_len: int,
    families: str,
    network6: str,
    subnet_len6: int,
    no_daemons: bool,
    daemon_args: tuple[str, ...],
) -> None:
    """Make a lab, and leave it standing. What follows `--` is given to every hostgwd."""
    with _told():
        spec = LabSpec(
            nodes=nodes,
            etcd=etcd,
            name=name,
            network=_network(network, IPv4Network, "--network", str(NETWORK)),
            subnet_len=subnet_len,
            families=FAMILIES_OF[families],
            network6=_network(network6, IPv6Network, "--network6", str(NETWORK6)),
            subnet_len6=subnet_len6,
            containers=containers,
            attachment=attachment,
            daemons=not no_daemons,
            daemon_args=daemon_args,
        )
        Lab.build(spec, say=click.echo, at_last=ignore_from_now_on)
    which = "" if name == "default" else f" --name {name}"
    click.echo(f"it stands; look: hostgwctl lab status{which}; remove: hostgwctl lab down{which}")


@lab.command(epilog=STATUSES)
@NAME
def down(*, name: str) -> None:
    """Remove a lab: its processes, namespaces and files. Also one half built."""
    with _told():
        there = take_down(name)
    click.echo(f"lab {name} is gone" if there else f"there was no lab named {name}")


@lab.command(epilog=STATUSES)
@NAME
def status(*, name: str) -> None:
    """Show what stands, what runs, and who has which subnet. Exit status 1 if anything is amiss."""
    from hostgw_cli.lab.status import look, table  # noqa: PLC0415 - rich, only where it is shown

    with _told():
        rows = look(Lab.find(name))
    table(rows)
    if not all(row.well for row in rows):
        raise SystemExit(1)


@lab.command(
    name="exec",
    epilog=STATUSES_OF_EXEC,
    context_settings={"ignore_unknown_options": True},
)
@NAME
@click.argument("where")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def exec_(*, name: str, where: str, command: tuple[str, ...]) -> None:
    """Run a command in n1, n1/c1, switch or etcd1 (a shell if none is given).

    On a host `hostgwctl` finds that host's daemon, everywhere `etcdctl` the lab's etcd.
    """
    with _told():
        found = Lab.find(name)
        argv = found.namespace(where).argv(*(command or (os.environ.get("SHELL", "/bin/sh"),)))
        environment = {**os.environ, **found.environment(where)}
    os.execvpe(argv[0], argv, environment)  # noqa: S606 - to become the command is the point


@lab.command(epilog=STATUSES)
@NAME
@click.option("--count", default=3, show_default=True, help="Requests for each pair.")
def ping(*, name: str, count: int) -> None:
    """Ping every container from every other. Exit status 1 if a packet is lost."""
    from hostgw_cli.lab.pairs import ping_all  # noqa: PLC0415 - only this command needs threads

    with _told():
        pairs = ping_all(Lab.find(name).containers, count=count)
    for pair in pairs:
        click.echo(str(pair))
    if not all(pair.echo for pair in pairs):
        raise SystemExit(1)


@lab.command(epilog=STATUSES)
@click.option("--name", default="demo", show_default=True, help="What the lab is called.")
@click.option("--nodes", default=3, show_default=True, type=click.IntRange(2, 50), help="Hosts.")
@ATTACHMENT
@FAMILIES
@click.option("--keep", is_flag=True, help="Leave it standing at the end.")
def demo(*, name: str, nodes: int, attachment: str, families: str, keep: bool) -> None:
    """Show what hostgw does, and measure it. Exit status 1 if anything shown is not so."""
    from hostgw_cli.lab.demo import run  # noqa: PLC0415 - slow to load
    from hostgw_cli.lab.screen import Screen  # noqa: PLC0415 - the same

    with _told():
        spec = LabSpec(
            name=name, nodes=nodes, attachment=attachment, families=FAMILIES_OF[families]
        )
        status = run(spec, keep=keep, screen=Screen())
    raise SystemExit(status)


def _network(text: str, kind: type[_Network], option: str, example: str) -> _Network:
    try:
        return kind(text)
    except ValueError as error:
        raise LabError(f"{option} {text}: {error}; give one such as {example}") from error
