"""The generated message classes are what their source and the command give."""

from __future__ import annotations

import subprocess
from pathlib import Path

import hostgw_core.etcd.api

API = Path(hostgw_core.etcd.api.__file__).parent


def test_the_message_classes_are_generated_from_the_proto_file(tmp_path: Path) -> None:
    """`make proto` would change nothing. Needs PyPI, for the one release of grpcio-tools."""
    done = subprocess.run(
        ["sh", API / "generate.sh", tmp_path],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name in ("etcd_pb2.py", "etcd_pb2.pyi"):
        made = tmp_path / "hostgw_core" / "etcd" / "api" / name
        assert made.read_text() == (API / name).read_text(), f"{name} is stale: run `make proto`"
