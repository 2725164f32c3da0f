"""Labs for tests: real clusters of namespaces, each with a name of its own, gone afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.topology import LabSpec

MakeLab = Callable[..., Lab]


def lab_name() -> str:
    """Give a name that no other lab on this machine has."""
    return f"t{secrets.token_hex(4)}"


@pytest.fixture
def make_lab() -> Iterator[MakeLab]:
    """Give a factory of labs: `make_lab(nodes=2, daemons=False)`; all are removed afterwards."""
    with ExitStack() as stack:

        def make(**wishes: object) -> Lab:
            spec = replace(LabSpec(name=lab_name()), **wishes)  # type: ignore[arg-type]
            return stack.enter_context(Lab.up(spec))

        yield make
