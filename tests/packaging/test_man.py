"""The manual pages: made from the code, right roff, and in the wheel."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support.debian_tree import ROOT
from support.hostgwctl import commands

MAN = ROOT / "docs" / "man"
PAGES = {"hostgwctl.1": "share/man/man1", "hostgwd.8": "share/man/man8"}


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_what_the_code_says(name: str) -> None:
    """`make docs` would change nothing."""
    argv = [sys.executable, MAN / "render.py", name]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout == (MAN / name).read_text(), f"{name} is stale: run `make docs`"


@pytest.mark.parametrize("name", PAGES)
def test_the_page_is_right_and_can_be_read(name: str) -> None:
    """The linter of mandoc complains of one thing: a date would be that of the day it was made."""
    argv = ["mandoc", "-T", "lint", "-W", "warning", MAN / name]
    lint = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert [line for line in lint.stdout.splitlines() if "missing date" not in line] == []
    argv = ["mandoc", "-T", "utf8", MAN / name]
    shown = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert "EXIT STATUS" in re.sub(".\b", "", shown.stdout)


def test_every_command_is_in_it() -> None:
    """With the words that call it, as a heading."""
    text = (MAN / "hostgwctl.1").read_text()
    for words in commands():
        heading = words.replace("-", "\\-")
        assert f'.SS "{heading} ' in text or f'.SS "{heading}"' in text, words


def test_the_wheel_brings_them(wheel: Path) -> None:
    """Where man looks below the prefix of the environment."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    for name, place in PAGES.items():
        assert [each for each in names if each.endswith(f".data/data/{place}/{name}")], name


@pytest.mark.root
@pytest.mark.parametrize("name", PAGES)
def test_man_finds_it(name: str, environment: Path, tmp_path: Path) -> None:
    """Where the environment's commands are on the path, and where the links of the document are."""
    links = "cp -rsf /opt/hostgw/share/man /usr/local/share/"
    assert links in (ROOT / "docs" / "installing.md").read_text()
    page = environment / PAGES[name] / name
    assert where(name, PATH=f"{environment}/bin:/usr/bin:/bin") == page
    local = tmp_path / "local"
    here = links.replace("/usr/local", str(local)).replace("/opt/hostgw", str(environment))
    for folder in ("bin", "share"):
        (local / folder).mkdir(parents=True)
    subprocess.run(here.split(), check=True)
    assert where(name, PATH=f"{local}/bin:/usr/bin:/bin").resolve() == page


def where(name: str, **environ: str) -> Path:
    """Give the file that man would show."""
    argv = ["man", "-w", name.partition(".")[0]]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=True)
    return Path(done.stdout.strip())
