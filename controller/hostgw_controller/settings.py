"""The settings of hostgw-controller as the rest of the program takes them: typed and judged."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any, Literal

from hostgw_core.settings import (
    Listen,
    Problem,
    Program,
    Setting,
    Value,
    asked_for,
    etcd,
    kinds,
    logs,
    program,
    read,
)

PROGRAM = Program(
    name="hostgw-controller",
    summary="Watch the leases of the whole cluster, and say what is wrong between them.",
    groups=(
        ("etcd", etcd.SETTINGS),
        (
            "Health and metrics",
            (
                Setting(
                    name="http-address",
                    kind=kinds.LISTEN,
                    default=":9746",
                    help="Where health, metrics and findings are served; off: nowhere.",
                ),
            ),
        ),
        ("Logs", logs.SETTINGS),
        (
            "Program",
            program.settings(
                check="Check the settings, show them with their origin, touch nothing, exit."
            ),
        ),
    ),
    checks=etcd.CHECKS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(etcd.Given):
    """Every setting under its flag's name; texts are empty where nothing was given."""

    http_address: Listen | None
    log_level: Literal["debug", "info", "warning", "error"]
    log_format: Literal["key=value", "json"]
    check: bool

    warnings: tuple[Problem, ...] = ()
    provenance: Mapping[str, Value] = field(default_factory=dict, repr=False)


def asked(argv: Sequence[str]) -> str:
    """Give "help" or "version" if the command line asks for it, else "". Never raises."""
    return asked_for(PROGRAM, argv)


def parse(
    argv: Sequence[str], environ: Mapping[str, str], read_file: Callable[[str], bytes]
) -> Settings:
    """Read the settings; `argv` is without the program's name. Raise SettingsError."""
    parsed = read(PROGRAM, argv=argv, environ=environ, read_file=read_file)
    values = parsed.values
    taken: dict[str, Any] = {
        each.name: values[each.name.replace("_", "-")].value
        for each in fields(Settings)
        if each.name not in {"warnings", "provenance"}
    }
    tls = bool(taken["etcd_cafile"] or taken["etcd_certfile"])
    taken["etcd_endpoints"] = etcd.with_scheme(taken["etcd_endpoints"], tls=tls)
    return Settings(**taken, warnings=parsed.warnings, provenance=MappingProxyType(dict(values)))


def describe(settings: Settings) -> list[tuple[str, str, str]]:
    """Give (name, value as it is written, origin) of every setting, secrets masked."""
    return [(name, value.text, str(value.origin)) for name, value in settings.provenance.items()]
