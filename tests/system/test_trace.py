"""`hostgwctl trace` in a lab of three nodes: as the store, the daemon and the kernel have it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from hostgw_cli.lab.build import Lab
from hostgw_cli.lab.topology import LabSpec
from support.hostgwctl import on
from support.lab_fixtures import lab_name
from support.waiting import eventually

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Three nodes, with a container each."""
    with Lab.up(LabSpec(name=lab_name(), nodes=3, containers=1)) as made:
        yield made


def pod(lab: Lab, name: str) -> str:
    """Give the address of a node's container."""
    return str(lab.host(name).container(0).address)


def test_both_directions_are_traced_from_one_of_the_nodes_and_from_a_third(lab: Lab):
    """One that sends itself explains its own part, the third has only the store's word."""
    one, two = pod(lab, "n1"), pod(lab, "n2")
    assert lab.host("n1").container(0).ping(lab.host("n2").container(0))
    eventually(lambda: on(lab, "n1", "trace", one, two).returncode == 0, within=20)
    here = on(lab, "n1", "trace", one, two)
    assert here.stderr == ""
    lines = here.stdout.splitlines()
    assert lines[-2:] == [
        f"{one} to {two}: nothing is wrong, as far as is known here.",
        f"{two} to {one}: nothing is wrong, as far as is known here.",
    ]
    gateway = str(lab.host("n2").plan.address.ip)
    assert any(f"n1 sends it via {gateway} to n2, by the lease of" in line for line in lines)
    assert any("n1, here: the route" in line and "in the kernel" in line for line in lines)
    third = json.loads(on(lab, "n3", "trace", one, two, "-o", "json").stdout)
    assert third["away"] == {}
    assert [each["well"] for each in third["directions"]] == [True, True]
    assert not any("here" in step["what"] for step in third["directions"][0]["steps"])


def test_a_route_that_shadows_is_found_in_its_direction_alone(lab: Lab):
    """The sender's own daemon names it; the way back has nothing to do with it."""
    one, two = pod(lab, "n1"), pod(lab, "n2")
    subnet = next(iter(lab.host("n2").subnets().values()))
    lab.host("n1").ip("route", "add", "blackhole", str(subnet), "metric", "1")
    try:

        def named() -> bool:
            done = on(lab, "n1", "trace", one, two)
            there, back = done.stdout.splitlines()[-2:]
            assert done.returncode == 1, done.stdout
            assert "the cause: shadowed" in there, there
            # n1 may tell the store that routes of it are shadowed, and the way back ends there.
            assert "nothing is wrong" in back or "n1: says" in back, back
            return True

        eventually(named, within=20)
    finally:
        lab.host("n1").ip("route", "del", "blackhole", str(subnet), "metric", "1")


def test_without_a_daemon_and_without_a_store(lab: Lab):
    """Either alone still answers; it is said which of the two was not there."""
    one, two = pod(lab, "n1"), pod(lab, "n2")
    lab.host("n1").kill_daemon()
    alone = on(lab, "n1", "trace", one, two)
    assert alone.returncode == 0, alone.stdout
    assert "the daemon could not be asked" in alone.stdout
    lab.host("n1").start_daemon()
    lab.etcd.stop()
    remembered = on(lab, "n1", "trace", one, two)
    assert "the store could not be asked" in remembered.stdout
    assert "says nothing: the store could not be asked" in remembered.stdout
    assert remembered.returncode == 0, remembered.stdout
    lab.host("n1").kill_daemon()
    nobody = on(lab, "n1", "trace", one, two)
    assert nobody.returncode == 3
    assert "the store could not be asked" in nobody.stdout
    assert "the daemon could not be asked" in nobody.stdout


def test_wrong_words(lab: Lab):
    """Two addresses of one family are asked for."""
    for words in (["10.1.1.1"], ["10.1.1.1", "n2"], ["10.1.1.1", "fd00::1"], ["10.1.1.1"] * 2):
        assert on(lab, "n2", "trace", *words).returncode == 2
