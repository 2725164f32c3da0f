"""`hostgwctl docker-options`: what dockerd is to be told of this host's subnet.

It takes the place of flannel's mk-docker-opts.sh: the same flags, the same file. One thing is
stricter: without a subnet.env there is no file, for a dockerd that starts without these options
takes a network of its own, and all its containers with it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import click

from hostgw_cli import docker_words
from hostgw_cli.endings import Refused

SUBNET_FILE = "/run/flannel/subnet.env"
DOCKER_FILE = "/run/docker_opts.env"


@click.command(name="docker-options", epilog="Exit status: 0 done, 1 refused, 2 wrong usage.")
@click.option(
    *("-f", "--subnet-file", "source"),
    envvar="HOSTGW_SUBNET_FILE",
    default=SUBNET_FILE,
    show_default=True,
    type=click.Path(path_type=Path),
    help="The subnet.env that hostgwd writes.",
)
@click.option(
    *("-d", "--docker-file", "target"),
    default=DOCKER_FILE,
    show_default=True,
    type=click.Path(path_type=Path, allow_dash=True),
    help="The file to write; - for standard output.",
)
@click.option("-i", "individual", is_flag=True, help="A line for each option: DOCKER_OPT_MTU=...")
@click.option("-c", "combined", is_flag=True, help="One line for all. Without -i and -c: both.")
@click.option(
    "-k", "key", default=docker_words.KEY, show_default=True, help="The name in that line."
)
@click.option("-m", "no_ip_masq", is_flag=True, help="Leave --ip-masq out.")
@click.option(
    "--print", "shown", is_flag=True, help="Write no file: print the options for dockerd."
)
def docker_options(
    *,
    source: Path,
    target: Path,
    individual: bool,
    combined: bool,
    key: str,
    no_ip_masq: bool,
    shown: bool,
) -> None:
    """Give dockerd's options for this host's subnet: --bip, --mtu, --ip-masq, and IPv6's.

    By hand: dockerd $(hostgwctl docker-options --print)
    """
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
        raise click.UsageError(f"-k {key!r}: the name of a variable, such as DOCKER_OPTS")
    found = _options(source, ip_masq=not no_ip_masq)
    if shown:
        click.echo(" ".join(found.values()))
        return
    try:
        content = docker_words.file(
            docker_words.with_others(found, os.environ),
            individual=individual or not combined,
            combined=combined or not individual,
            key=key,
            former=os.environ.get(key, ""),
        )
    except ValueError as error:
        raise Refused(f"an option of the environment: {error}") from error
    _write(target, content)
    if str(target) != "-":
        click.echo(f"{target}: {' '.join(found.values())}", err=True)


def _options(source: Path, *, ip_masq: bool) -> dict[str, str]:
    try:
        return docker_words.options(docker_words.subnet_env(source.read_text()), ip_masq=ip_masq)
    except FileNotFoundError as error:
        raise Refused(
            f"{source} is not there: hostgwd writes it when it has its subnet; start it first, or"
            " name the file with -f"
        ) from error
    except OSError as error:
        raise Refused(f"{source}: {error.strerror}") from error
    except ValueError as error:
        raise Refused(f"{source}: {error}; hostgwd would not have written that") from error


def _write(target: Path, content: str) -> None:
    """Write the file, whole or not at all; a pipe or a terminal is written to as it is."""
    if str(target) == "-":
        click.echo(content, nl=False)
        return
    try:
        if target.exists() and not target.is_file():
            target.write_text(content)
            return
        fresh = target.with_name(f".{target.name}.new")
        fresh.write_text(content)
        fresh.chmod(0o644)
        fresh.replace(target)
    except OSError as error:
        raise Refused(f"{target}: {error.strerror}; nothing was written") from error
