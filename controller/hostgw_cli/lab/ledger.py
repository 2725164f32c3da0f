"""`lab.json`: what was made, so that another command can find it and take it down.

It is written before the first thing is made and after every process that is started, each time
whole. Nothing depends on it being there to clean up: namespaces are found by their names, and
processes by the namespaces they are in. It lives below `/run`, so a reboot forgets it together with
everything that it speaks of.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

import msgspec

from hostgw_cli.lab.processes import Process
from hostgw_cli.lab.topology import LabError, LabSpec

HOME = Path("/run/hostgw-lab")


@dataclass(frozen=True, slots=True)
class Record:
    """What the file holds: the specification, and the processes by their names."""

    spec: LabSpec
    processes: dict[str, Process] = field(default_factory=dict)
    whole: bool = False


class Ledger:
    """The record of one lab, on disk."""

    def __init__(self, name: str) -> None:
        self.folder = HOME / name
        self.path = self.folder / "lab.json"

    def open(self, spec: LabSpec) -> None:
        """Take the name, atomically. Raise LabError when a lab of that name is there already."""
        try:
            self.folder.mkdir(mode=0o755, parents=True)
        except FileExistsError as error:
            raise LabError(
                f"there is a lab named {spec.name} already: take it down "
                f"(`hostgwctl lab down --name {spec.name}`) or choose another --name"
            ) from error
        self._write(Record(spec))

    def read(self) -> Record | None:
        """Give the record, or None when there is none that can be read."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=Record, dec_hook=_decode)
        except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
            return None

    def note(self, process: Process) -> None:
        """Write down a process under its name, in place of a former one."""
        record = self._known()
        self._write(replace(record, processes={**record.processes, process.name: process}))

    def finish(self) -> None:
        """Write down that the lab is whole."""
        self._write(replace(self._known(), whole=True))

    def process(self, name: str) -> Process | None:
        """Give the process that was last started under a name."""
        record = self.read()
        return record.processes.get(name) if record else None

    def close(self) -> None:
        """Forget the lab and every file of it; no error when there is nothing."""
        with suppress(FileNotFoundError):
            shutil.rmtree(self.folder)
        with suppress(OSError):  # another lab lives there, or has just removed it
            HOME.rmdir()

    def _known(self) -> Record:
        if (record := self.read()) is None:
            raise LabError(f"{self.path} is gone: somebody took the lab down")
        return record

    def _write(self, record: Record) -> None:
        fresh = self.path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.format(msgspec.json.encode(record, enc_hook=str), indent=1))
        fresh.replace(self.path)


def names() -> list[str]:
    """Give the names of the labs that stand on this machine."""
    return sorted(each.name for each in HOME.iterdir()) if HOME.is_dir() else []


def _decode(kind: type, value: Any) -> Any:
    if kind in {IPv4Network, IPv6Network}:
        return kind(value)
    raise NotImplementedError(kind)
