"""One file, one noun: no file of ours is so long that it must have several."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.debian_tree import ROOT

FOLDERS = ("core", "daemon", "controller", "bench", "tests")
LIMIT = 300


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_is_under_three_hundred_lines(folder: str) -> None:
    """Not counted is what protoc writes: nobody reads it, and its length is not ours to choose."""
    files = [path for path in (ROOT / folder).rglob("*.py") if not path.stem.endswith("_pb2")]
    assert files
    lengths = {path.relative_to(ROOT): lines_of(path) for path in files}
    assert {path: length for path, length in lengths.items() if length >= LIMIT} == {}


def lines_of(path: Path) -> int:
    """Count the lines of a file."""
    return len(path.read_text().splitlines())
