"""`hostgwctl` as an operator types it, beside a daemon."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import click

from hostgw_cli.__main__ import main
from hostgw_cli.lab.build import Lab
from support.daemon import Daemon


def hostgwctl(daemon: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command for a daemon."""
    argv = [sys.executable, "-P", "-m", "hostgw_cli", *words]
    socket = str(daemon.run_dir / "hostgwd.sock")
    return subprocess.run(
        argv,
        env={**os.environ, "HOSTGW_SOCKET": socket},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def hold(daemon: Daemon, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `hostgwctl hold` for a daemon."""
    return hostgwctl(daemon, "hold", *words)


class Ctl:
    """The commands on one store, under one prefix; `run_dir` is a daemon's, if there is one."""

    def __init__(self, endpoint: str, prefix: str, *, run_dir: str = "/nowhere") -> None:
        self.environ = {
            **{name: text for name, text in os.environ.items() if "ETCD" not in name},
            "HOSTGW_ETCD_ENDPOINTS": endpoint,
            "FLANNELD_ETCD_PREFIX": prefix,
            "HOSTGW_RUN_DIR": run_dir,
        }

    def __call__(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run `hostgwctl` with these words."""
        return subprocess.run(
            self.argv(*words),
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def argv(self, *words: str) -> list[str]:
        """Give the command."""
        return [sys.executable, "-P", "-m", "hostgw_cli", *words]


def on(lab: Lab, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `hostgwctl` on a host of a lab, which knows the lab's store and the host's daemon."""
    host = lab.host(name)
    environ = {
        **{name: text for name, text in os.environ.items() if "ETCD" not in name},
        "HOSTGW_ETCD_ENDPOINTS": lab.topology.endpoints,
        "HOSTGW_ETCD_REQUEST_TIMEOUT": "2s",
        "HOSTGW_SOCKET": str(host.socket),
    }
    argv = [sys.executable, "-P", "-m", "hostgw_cli", *words]
    with host.namespace.enter():
        return subprocess.run(
            argv, env=environ, capture_output=True, text=True, timeout=60, check=False
        )


def commands() -> dict[str, click.Command]:
    """Give every command that is no group, by the words that call it."""
    return dict(_leaves(main))


def _leaves(command: click.Command, *path: str) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _leaves(found, *path, name)
