"""How the operator's commands reach the store: the settings they share, and what failure means.

The settings are the daemon's own, declared once (`hostgw_core.settings.etcd`): the same names, the
same variables HOSTGW_* and FLANNELD_* in the environment, the same judgement. What a shell has in
its environment for the daemon therefore serves its commands too.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import click

from hostgw_cli.endings import Unreachable
from hostgw_cli.patience import waiting
from hostgw_core.etcd import Etcd, EtcdSettings
from hostgw_core.keys import Keys
from hostgw_core.settings import Parsed, Program, SettingsError, read
from hostgw_core.settings import etcd as declared
from hostgw_core.store import StoreError

T = TypeVar("T")

PROGRAM = Program(
    name="hostgwctl",
    summary="Operate a cluster of hostgwd.",
    groups=(("etcd", declared.SETTINGS),),
    checks=declared.CHECKS,
)


@dataclass(frozen=True, slots=True)
class Connection:
    """Where the store is, and where in it the cluster is."""

    etcd: EtcdSettings
    keys: Keys

    @property
    def where(self) -> str:
        """The store, in the words of a sentence."""
        return f"the store at {self.etcd.discovery_srv or ', '.join(sorted(self.etcd.endpoints))}"

    def run(self, action: Callable[[Etcd], Awaitable[T]]) -> T:
        """Do something with the store, and turn its failure into an exit status."""
        with waiting(self.where, self.etcd.timeout):
            return asyncio.run(self._run(action))

    def follow(self, action: Callable[[Etcd], Awaitable[T]]) -> T:
        """Do the same with what goes on for ever, and says itself when the store is away."""
        return asyncio.run(self._run(action))

    async def _run(self, action: Callable[[Etcd], Awaitable[T]]) -> T:
        try:
            async with Etcd(self.etcd) as store:
                return await action(store)
        except StoreError as error:
            said = str(error).replace(f"{self.where.replace('the store', 'etcd', 1)} ", "it ", 1)
            raise Unreachable(f"{self.where}: {said}") from error


def connected(command: Callable[..., T]) -> Callable[..., T]:
    """Give a command the options that reach the store, and the keyword `connection`."""

    @functools.wraps(command)
    def wrapped(**given: Any) -> T:
        texts = {
            setting.name: given.pop(setting.name.replace("-", "_")) for setting in PROGRAM.settings
        }
        argv = [f"--{name}={text}" for name, text in texts.items() if text is not None]
        return command(connection=connection_of(argv, os.environ), **given)

    for setting in reversed(PROGRAM.settings):
        default = f" [default: {setting.default}]" if setting.default else ""
        option = click.option(
            f"--{setting.name}", metavar=setting.kind.word, help=f"{setting.help}{default}"
        )
        wrapped = option(wrapped)
    return wrapped


def connection_of(argv: Sequence[str], environ: os._Environ[str] | dict[str, str]) -> Connection:
    """Read the settings; raise UsageError with every problem, and print the warnings."""
    # The daemon's other variables are no concern of this command: unknown ones are not looked for.
    ours = {
        setting.variable(prefix)
        for setting in PROGRAM.settings
        for prefix in ("HOSTGW", "FLANNELD")
    }
    try:
        parsed = read(
            PROGRAM,
            argv=argv,
            environ={name: text for name, text in environ.items() if name in ours},
            read_file=_no_file,
        )
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    for warning in parsed.warnings:
        click.echo(f"warning: {warning}", err=True)
    return _connection(parsed)


def _connection(parsed: Parsed) -> Connection:
    given = declared.taken({name: value.value for name, value in parsed.values.items()})
    return Connection(EtcdSettings.of(given), Keys(given.etcd_prefix))


def _no_file(path: str) -> NoReturn:
    raise FileNotFoundError(path)
