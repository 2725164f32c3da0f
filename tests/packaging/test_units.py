"""The units and drop-ins, as systemd's own tools judge them without starting anything."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from support.debian_tree import ROOT
from support.machine import Machine

UNITS = ("hostgwd.service", "hostgw-controller.service")


@pytest.mark.root
@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_nothing_wrong_with_the_unit(
    unit: str, debian: Path, environment: Path, tmp_path: Path
) -> None:
    """`systemd-analyze verify` is silent where the programs and the user are installed."""
    place = Machine(
        debian,
        tmp_path / "machine",
        binds={
            "/opt/hostgw": environment,
            f"/etc/systemd/system/{unit}": ROOT / "systemd" / unit,
            "/etc/sysusers.d/hostgw.conf": ROOT / "systemd/sysusers.d/hostgw.conf",
        },
    )
    said = place.once(
        "sh",
        "-ec",
        "systemd-sysusers >/dev/null;"
        f" systemd-analyze verify --man=no /etc/systemd/system/{unit} 2>&1",
    )
    assert said == ""


@pytest.mark.parametrize(("unit", "bound"), [(UNITS[0], 1.7), (UNITS[1], 1.2)])
def test_exposure_is_low(unit: str, bound: float) -> None:
    """`systemd-analyze security` gives at most this exposure, of 10."""
    done = subprocess.run(
        [
            *("systemd-analyze", "security", "--offline=true", "--no-pager"),
            f"--threshold={round(bound * 10)}",
            str(ROOT / "systemd" / unit),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LANG": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_the_agent_holds_one_capability_and_the_controller_none() -> None:
    """The bounding set is what neither a bug nor a child process gets beyond."""
    lines = {unit: (ROOT / "systemd" / unit).read_text().splitlines() for unit in UNITS}
    assert "CapabilityBoundingSet=CAP_NET_ADMIN" in lines["hostgwd.service"]
    assert "CapabilityBoundingSet=" in lines["hostgw-controller.service"]
    assert not json.dumps(lines).count("CAP_SYS_ADMIN")
