"""`hostgwctl snapshot show`: the file, for a person and for programs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from hostgw_cli.__main__ import main
from hostgw_cli.cluster.snapshot_file import encode, snapshot_of
from support.lease_entries import KEYS, config, lease, listing, reservation


@pytest.fixture
def file(tmp_path: Path) -> str:
    """A network, two leases, and a subnet that is kept for somebody."""
    path = tmp_path / "cluster.json"
    found = listing(config(), lease(1), lease(2), reservation(7, "id-7"))
    path.write_bytes(encode(snapshot_of(KEYS, found, taken=5.0)))
    return str(path)


def test_a_program_gets_all_of_it(file: str):
    """The same in JSON and YAML, and no word of who lives, for that is not in the file."""
    run = CliRunner().invoke
    found = json.loads(run(main, ["snapshot", "show", file, "-o", "json"]).stdout)
    assert yaml.safe_load(run(main, ["snapshot", "show", file, "-o", "yaml"]).stdout) == found
    assert (found["prefix"], found["revision"], found["taken"]) == (KEYS.prefix, 100, 5.0)
    assert found["network"]["Network"]
    assert [each["node"] for each in found["leases"]] == ["n1", "n2"]
    assert {each["alive"] for each in found["leases"]} == {None}
    assert len(found["reservations"]) == 1


def test_a_network_that_is_no_json_is_shown_as_it_is(tmp_path: Path):
    """A snapshot keeps what was there, good or not."""
    kept = snapshot_of(KEYS, listing(replace(config(), value=b"{")), taken=5.0)
    path = tmp_path / "cluster.json"
    path.write_bytes(encode(kept))
    done = CliRunner().invoke(main, ["snapshot", "show", str(path), "-o", "json"])
    assert json.loads(done.stdout)["network"] == "{"
