"""What packaging tests share: the wheel of this checkout, and a Debian with it installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.debian_tree import build_wheel, debian_tree, wheels
from support.machine import installed


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the wheel that `pip wheel` makes of this checkout."""
    return build_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def debian() -> Path:
    """Give the root of a Debian tree, to be read only."""
    return debian_tree()


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, debian: Path, wheel: Path) -> Path:
    """Give a clean environment with the wheel, which belongs at /opt/hostgw in the tree."""
    folder = tmp_path_factory.mktemp("opt") / "hostgw"
    installed(debian, wheel, wheels(), folder)
    return folder
