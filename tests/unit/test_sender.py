"""Who is behind a port id: a process that is there, and ids that nobody has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hostgw_daemon.netlink.sender import PID_MAX, process_of


def test_a_process_that_is_there_has_its_name():
    """As the kernel has it."""
    assert process_of(os.getpid()) == Path("/proc/self/comm").read_text().rstrip("\n")


@pytest.mark.parametrize("port", [0, -1, PID_MAX + 1, 4_294_963_000])
def test_what_is_no_number_of_a_process_has_none(port: int):
    """The kernel itself is 0; the second socket of a process has a number above all processes."""
    assert process_of(port) == ""


def test_a_name_that_is_no_text_is_written_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Anybody may call a process anything."""
    (tmp_path / "9").mkdir()
    (tmp_path / "9" / "comm").write_bytes(b"a\x1b[2J\xff\n")
    real = Path
    monkeypatch.setattr(
        "hostgw_daemon.netlink.sender.Path", lambda path: real(path.replace("/proc", str(tmp_path)))
    )
    name = process_of(9)
    assert name.isprintable()
    assert "x1b[2J" in name
