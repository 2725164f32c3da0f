"""A program with a setting of many kinds, for the tests of how settings are read."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hostgw_core.settings import Check, Parsed, Program, Setting, SettingsError, kinds, read

PROGRAM = Program(
    name="example",
    summary="An example.",
    groups=(
        (
            "All",
            (
                Setting(name="iface", kind=kinds.INTERFACE, repeatable=True, flannel=True, help=""),
                Setting(name="hosts", kind=kinds.TEXT, separator=",", default="a,b", help=""),
                Setting(name="wait", kind=kinds.seconds(1, 60), default="5s", help=""),
                Setting(name="count", kind=kinds.integer(0, 9), default="1", flannel=True, help=""),
                Setting(name="masq", kind=kinds.BOOLEAN, default="false", flannel=True, help=""),
                Setting(name="name", kind=kinds.TEXT, variables=("NODE_NAME",), help=""),
                Setting(name="password", kind=kinds.SECRET, secret=True, flannel=True, help=""),
                Setting(name="pin", kind=kinds.integer(0, 9), secret=True, help=""),
                Setting(name="old", kind=kinds.BOOLEAN, default="false", ignored="is old", help=""),
                Setting(
                    name="kube",
                    kind=kinds.BOOLEAN,
                    default="false",
                    refused=(True, "cannot be"),
                    help="",
                ),
                Setting(name="config", kind=kinds.FILE, help=""),
                Setting(name="version", kind=kinds.BOOLEAN, default="false", help=""),
            ),
        ),
    ),
    checks=(
        Check(("count", "wait"), lambda count, wait: "more than wait" * (count.value > wait.value)),
        Check(("name",), lambda name: "odd" * (name.value == "odd"), warning=True),
    ),
)


def given(*argv: str, environ: Mapping[str, str] | None = None, file: str | None = None) -> Parsed:
    """Read the program's settings; without `file` no file can be read."""

    def read_file(path: str) -> bytes:
        if file is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        return file.encode()

    return read(PROGRAM, argv=argv, environ=environ or {}, read_file=read_file)


def problems(
    *argv: str, environ: Mapping[str, str] | None = None, file: str | None = None
) -> list[str]:
    """Read settings that are wrong, and give every problem as its sentence."""
    with pytest.raises(SettingsError) as raised:
        given(*argv, environ=environ, file=file)
    return [str(problem) for problem in raised.value.problems]
