"""The faults, a family a file; here is their index."""

from __future__ import annotations

from typing import Final

from chaos.fault import Fault
from chaos.faults import daemon, host, link, path, records, store, truth

FAULTS: Final[tuple[Fault, ...]] = (
    *daemon.FAULTS,
    *store.FAULTS,
    *truth.FAULTS,
    *path.FAULTS,
    *link.FAULTS,
    *host.FAULTS,
    *records.FAULTS,
)
BY_NAME: Final = {fault.name: fault for fault in FAULTS}


def named(names: str) -> list[Fault]:
    """Give the faults of a list of names with commas. Raise ValueError."""
    wanted = [name.strip() for name in names.split(",")]
    if unknown := [name for name in wanted if name not in BY_NAME]:
        raise ValueError(f"no fault {', '.join(unknown)}: there are {', '.join(sorted(BY_NAME))}")
    return [BY_NAME[name] for name in wanted]
