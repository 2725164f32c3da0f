"""`resync`, `pause`, `resume`, `log-level`, `metrics`, `version`: what they ask, how they end."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hostgw_cli.__main__ import main
from hostgw_core import __version__
from hostgw_daemon.told.controls import Drain, LogLevel, Pause, Resume, Resync
from hostgw_daemon.told.foreseen import ChangeStatus, PlanStatus
from hostgw_daemon.told.listed import Listed
from hostgw_daemon.told.listen import Unix
from hostgw_daemon.told.parting import WithdrawalStatus
from hostgw_daemon.told.status import ClaimStatus, ConditionStatus, Status
from support.webview import STATUS, FakeView, serving

Ctl = Callable[..., Awaitable[Result]]


@pytest.fixture
async def ctl(
    view: FakeView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Ctl]:
    """Run a command beside the server that it asks, as ann who has used sudo."""
    place = Unix(tmp_path / "hostgwd.sock")
    monkeypatch.setenv("SUDO_USER", "ann")

    async def run(*words: str) -> Result:
        argv = [*words, f"--run-dir={tmp_path}"]
        return await asyncio.to_thread(CliRunner().invoke, main, argv)

    async with serving(view, place):
        yield run


@pytest.mark.parametrize(
    ("words", "order"),
    [
        (["resync"], Resync()),
        (["pause"], Pause(600, "ann")),
        (["pause", "--for=1h30m"], Pause(5400, "ann")),
        (["resume"], Resume()),
        (["log-level", "debug"], LogLevel("debug", None)),
        (["log-level", "debug", "--for", "5m"], LogLevel("debug", 300)),
    ],
)
async def test_each_command_is_one_order(view: FakeView, ctl: Ctl, words: list[str], order: object):
    """What a person types is what the daemon is told, with who the kernel says it was."""
    done = await ctl(*words)
    assert (done.exit_code, done.output) == (0, "it is done\n")
    assert view.controlled == [(order, f"uid {os.getuid()}, pid {os.getpid()}")]
    as_json = await ctl(*words, "-o", "json")
    assert json.loads(as_json.output) == {"done": "it is done", "until": 1790000000.0}


@pytest.mark.parametrize(
    "words",
    [
        ["pause", "--for=25h"],
        ["pause", "--for=0s"],
        ["pause", "--for=soon"],
        ["log-level"],
        ["log-level", "trace"],
        ["log-level", "info", "--for", "-1"],
        ["resync", "now"],
        ["metrics", "--grep", "("],
    ],
)
async def test_wrong_usage_asks_nobody(view: FakeView, ctl: Ctl, words: list[str]):
    """It has status 2 and does nothing."""
    assert (await ctl(*words)).exit_code == 2
    assert view.controlled == []


async def test_a_refusal_is_the_daemons_own_sentence(view: FakeView, ctl: Ctl):
    """With status 1."""
    view.outcome = "not now"
    done = await ctl("resync")
    assert (done.exit_code, done.output) == (1, "Error: not now\n")


@pytest.mark.parametrize("words", [["resync"], ["pause"], ["metrics"]])
def test_without_a_daemon_the_command_says_so(words: list[str], tmp_path: Path):
    """Nobody there is another status than a refusal."""
    done = CliRunner().invoke(main, [*words, f"--run-dir={tmp_path}"])
    assert done.exit_code == 3
    assert "it is not there; start hostgwd" in done.output


async def test_metrics(view: FakeView, ctl: Ctl):
    """All that Prometheus reads, or what matches."""
    whole = await ctl("metrics")
    assert (whole.exit_code, whole.output) == (0, view.exposition("")[0].decode())
    assert (await ctl("metrics", "--grep", "^hostgw_r.*")).output == "hostgw_ready 1.0\n"
    none = await ctl("metrics", "-g", "nothing")
    assert (none.exit_code, none.output) == (1, "")


def standing(code: str, *, held: bool) -> Status:
    """Give a status with one condition."""
    condition = ConditionStatus(code, "warning", "a title", "a detail", "a cure", 5.0)
    return replace(STATUS, conditions=(condition,), claim=replace(STATUS.claim, held=held))


async def test_a_drain_is_waited_for(view: FakeView, ctl: Ctl):
    """Its end is the daemon's word, in every network and on the host; before it, status 1."""
    view.given = standing("draining", held=True)
    done = await ctl("drain", "--within=1s")
    assert done.exit_code == 1
    assert "it has not left yet: draining (a detail); it goes on trying" in done.output
    view.given = standing("drained", held=True)  # in one network, and not in the other
    assert (await ctl("drain", "--within=1s")).exit_code == 1
    view.given = standing("drained", held=False)  # and the plan has a route to write
    done = await ctl("drain", "--within=1s")
    assert done.exit_code == 1
    assert "on this host there is still route 10.5.1.0/24 via 192.0.2.1 (n2 is new)" in done.output
    view.planned = PlanStatus(waits="paused by ann")
    done = await ctl("drain", "--wait=20s")
    assert done.exit_code == 0
    assert done.output.splitlines()[-1].startswith("it has left: ")
    assert [order for order, _ in view.controlled] == [Drain(90)] * 3 + [Drain(20)]


async def test_a_drain_for_a_program(view: FakeView, ctl: Ctl, tmp_path: Path):
    """One document; what a person reads meanwhile is beside it. Addresses in use are counted."""
    (tmp_path / "given" / "cbr0").mkdir(parents=True)
    (tmp_path / "given" / "cbr0" / "10.5.3.8").touch()
    behind = Listed(1, ("n2",))
    claim = ClaimStatus("drained", withdrawal=WithdrawalStatus(42, 5, behind, released=True))
    view.given = replace(standing("drained", held=False), claim=claim)
    view.planned = PlanStatus()
    folder = f"--host-local={tmp_path / 'given'}"
    done = await ctl("drain", "-o", "json", folder)
    assert done.exit_code == 1
    assert "it has left, though not every node said that it let go" in done.stderr
    found = json.loads(done.stdout)
    assert found["left"]
    assert found["networks"][0]["behind"] == {"count": 1, "first": ["n2"]}
    assert found["attached"] == {}  # of a subnet that is not its any more nothing can be known
    view.given = replace(standing("drained", held=False))
    assert (
        "containers here use 1 of the addresses of 10.5.3.0/24: they are"
        in (await ctl("drain", folder)).output
    )


async def test_a_plan(view: FakeView, ctl: Ctl):
    """What would change, what is held back, and what is in the way; the status says which."""
    done = await ctl("plan")
    assert done.exit_code == 1
    assert [line.split() for line in done.output.splitlines()][1] == [
        *("add", "route", "10.5.1.0/24", "via", "192.0.2.1", "n2", "new", "n2", "is", "new"),
    ]
    whole = json.loads((await ctl("plan", "-o", "json")).output)
    assert whole["changes"][0]["cause"] == "new"
    held = ChangeStatus("route", "keep", "r", "held", "it waits", "n2")
    view.planned = PlanStatus(waits="paused", held_back=(held,))
    done = await ctl("plan")
    assert done.exit_code == 0
    assert "keep    route  r      n2    held   it waits" in done.output
    assert "nothing would change\nnothing is written at present: paused\n" in done.output
    moved = ChangeStatus("route", "move", "a", "moved", "why", before="b")
    view.planned = PlanStatus(changes=(moved,))
    assert "a (now b)" in (await ctl("plan")).output


async def test_versions_with_a_daemon_and_without_a_store(ctl: Ctl):
    """What could be asked is shown, and what could not is named."""
    away = "--etcd-endpoints=http://127.0.0.1:1"
    done = await ctl("version", away, "--etcd-request-timeout=1s")
    assert done.exit_code == 3
    lines = done.output.splitlines()
    assert lines[0].split() == ["hostgwctl", __version__]
    assert lines[1].split() == ["hostgwd", "1.0"]
    assert lines[2].startswith("etcd       not known: the store at http://127.0.0.1:1: ")
    as_json = await ctl("version", away, "--etcd-request-timeout=1s", "-o", "json")
    document = json.loads(as_json.output)
    assert (document["hostgwd"], [*document["unreachable"]]) == ("1.0", ["etcd"])
