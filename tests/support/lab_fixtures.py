"""Labs for tests: real clusters of namespaces, each with a name of its own, gone afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.ledger import HOME
from hostgw_cli.lab.netns import DIRECTORY
from hostgw_cli.lab.topology import LabSpec

MakeLab = Callable[..., Lab]


def lab_name() -> str:
    """Give a name that no other lab on this machine has."""
    return f"t{secrets.token_hex(4)}"


def left_behind(name: str) -> list[str]:
    """Find what of a lab is still there: namespaces, processes that name it, files."""
    prefix = LabSpec(name=name).prefix
    found = [each.name for each in DIRECTORY.iterdir() if each.name.startswith(prefix)]
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(f"{HOME}/{name}/".encode() in each or prefix.encode() in each for each in words):
            found.append(b" ".join(words).decode())
    return found + [str(each) for each in [HOME / name] if each.exists()]


@pytest.fixture
def make_lab() -> Iterator[MakeLab]:
    """Give a factory of labs: `make_lab(nodes=2, daemons=False)`; all are removed afterwards."""
    with ExitStack() as stack:

        def make(**wishes: object) -> Lab:
            spec = replace(LabSpec(name=lab_name()), **wishes)  # type: ignore[arg-type]  # by name
            return stack.enter_context(Lab.up(spec))

        yield make
