"""The wheel: what is in it, and that it works where nothing else is."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support.debian_tree import ROOT
from support.machine import Machine

PACKAGES = {"hostgw_core", "hostgw_daemon", "hostgw_controller", "hostgw_cli"}


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    """Give the paths in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_it_has_our_four_packages_and_nothing_beside_them(names: set[str]) -> None:
    """Nothing lands in site-packages under a name that is not ours; beside it, the manual."""
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith((".dist-info", ".data"))} == PACKAGES
    beside = {name.split("/", 1)[1] for name in names if name.split("/")[0].endswith(".data")}
    assert beside == {"data/share/man/man1/hostgwctl.1", "data/share/man/man8/hostgwd.8"}


def test_every_package_says_that_it_is_typed(names: set[str]) -> None:
    """Type checkers of others believe our annotations (PEP 561)."""
    assert {f"{package}/py.typed" for package in PACKAGES} <= names


def test_every_module_and_every_interface_definition_is_in_it(names: set[str]) -> None:
    """What is in the folders of the packages is in the wheel."""
    ours = {
        str(path.relative_to(root))
        for root in (ROOT / "core", ROOT / "daemon", ROOT / "controller")
        for path in root.rglob("*")
        if path.suffix in {".py", ".pyi", ".proto"} and "__pycache__" not in path.parts
    }
    assert any(name.endswith(".proto") for name in ours)
    assert ours <= names


def test_the_licence_is_in_it(names: set[str]) -> None:
    """Whoever has the wheel has the licence."""
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]


def test_source_roots_are_no_packages() -> None:
    """`core`, `daemon` and `controller` are no import names: others have packages called so."""
    assert not [
        root for root in ("core", "daemon", "controller") if list(ROOT.glob(f"{root}/*.py"))
    ]


@pytest.mark.root
def test_every_command_starts_in_a_clean_environment(
    environment: Path, debian: Path, tmp_path: Path
) -> None:
    """With nothing installed but the wheel and what it asks for, each program tells its version."""
    bare = Machine(debian, tmp_path / "machine", binds={"/opt/hostgw": environment})
    said = bare.once(
        "sh",
        "-ec",
        "for each in hostgwd hostgw-controller hostgwctl; do /opt/hostgw/bin/$each --version; done",
    )
    assert len(said.splitlines()) == 3
    assert all("0.1.0" in line for line in said.splitlines())


def test_imports_keep_the_contracts() -> None:
    """Imports point down, and no program imports another: pyproject.toml has the layers."""
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([linter], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
