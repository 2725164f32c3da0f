"""The commands about this host on a real socket: what they print, and how they end."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner, Result

from hostgw_cli.__main__ import main
from hostgw_daemon.link.uplink import NoUplink
from hostgw_daemon.told.listen import Unix
from hostgw_daemon.told.orders import Begun, Probe
from hostgw_daemon.told.probed import FamilyStatus, ProbedStatus, RoundStatus, WayStatus
from support.webview import STATUS, FakeView, chronicle, serving

Ctl = Callable[..., Awaitable[Result]]


@pytest.fixture
async def ctl(view: FakeView, tmp_path: Path) -> AsyncIterator[Ctl]:
    """Run a command beside the server that it asks."""
    place = Unix(tmp_path / "hostgwd.sock")

    async def run(*words: str) -> Result:
        argv = [*words, f"--run-dir={tmp_path}"]
        return await asyncio.to_thread(CliRunner().invoke, main, argv)

    async with serving(view, place):
        yield run


async def test_the_status_ends_as_the_node_is(view: FakeView, ctl: Ctl):
    """So a script needs to read nothing."""
    done = await ctl("status")
    assert done.exit_code == 0
    assert done.output.splitlines()[0].startswith("n1       ready: hostgwd 1.0, pid 7")
    view.given = replace(STATUS, ready=False)
    assert (await ctl("status")).exit_code == 1


async def test_a_program_reads_the_document_whole(ctl: Ctl):
    """JSON and YAML say the same, and what the daemon says."""
    as_json, as_yaml = await ctl("status", "-o", "json"), await ctl("status", "-o", "yaml")
    document = json.loads(as_json.output)
    assert document["claim"]["subnets"] == ["10.5.3.0/24"]
    assert yaml.safe_load(as_yaml.output) == document


async def test_peers(ctl: Ctl):
    """One that is well is no trouble."""
    shown = (await ctl("peers")).output.splitlines()
    assert shown[0].split() == ["NODE", "SUBNET", "GATEWAY", "STATE", "WHY"]
    assert shown[1].split() == ["n2", "10.5.1.0/24", "192.0.2.1", "ok"]
    done = await ctl("peers", "--bad")
    assert (done.exit_code, done.output) == (0, "no peer has a trouble\n")


async def test_the_peers_of_one_network(view: FakeView, ctl: Ctl):
    """Asked by its name; one that is not served is refused with the names of those that are."""
    view.further["blue"] = FakeView()
    assert (await ctl("peers", "--network=blue")).exit_code == 0
    done = await ctl("peers", "--network=red")
    assert done.exit_code == 1
    assert "there are default blue" in done.output


WAY = WayStatus("host", 1, 0, (0.0004,))
PROBED = ProbedStatus(
    *("10.5.1.0-24", "n2", ("10.5.1.0/24",), ("192.0.2.1",), "path_filtered", "for a reason"),
    families=(
        FamilyStatus(
            *(4, "path_filtered", "for a reason"),
            (
                WAY,
                WayStatus("pod", 0, 3, ()),
                WayStatus("forward", 2, 1, (0.002, 0.0012)),
                WayStatus("big", 0, 0, (), "Network is unreachable"),
            ),
        ),
    ),
)


async def test_peers_that_are_asked_now(view: FakeView, ctl: Ctl):
    """Those that were named, by their keys; each way tells what came back, and in what time."""
    view.done = Begun(7, 1, 8, 0.2)
    view.rounds[7] = RoundStatus(7, done=True, asked=1, of=1, peers=(PROBED,))
    done = await ctl("peers", "--probe", "n2")
    assert done.exit_code == 1
    heading, row = done.output.splitlines()
    assert heading.split()[:6] == ["NODE", "ADDRESS", "HOST", "POD", "FORWARD", "BIG"]
    cells = ["n2", "192.0.2.1", "0.4 ms", "lost 3", "1.2 ms, lost 1", "not sent", "path_filtered"]
    assert re.split(r" {2,}", row) == [*cells, "for a reason"]
    assert view.obeyed == [Probe(frozenset({b"10.5.1.0-24"}))]
    document = json.loads((await ctl("peers", "--probe", "-o", "json")).output)
    assert view.obeyed[1:] == [Probe(None)]
    assert document[0]["families"][0]["ways"][0]["round_trips"] == [0.0004]


async def test_each_family_has_its_own_cause_and_what_is_known_otherwise_comes_first(
    view: FakeView, ctl: Ctl
):
    """Probes may get through by a way that a stranger's route does not have."""
    view.done = Begun(7, 1, 8, 0.2)
    both = tuple(
        FamilyStatus(family, cause, why, (WAY,))
        for family, cause, why in ((4, "ok", ""), (6, "mtu", "large ones are lost"))
    )
    for state, expected in (("mtu", ["ok", "mtu"]), ("shadowed", ["shadowed", "shadowed"])):
        told = replace(PROBED, state=state, reason="why", families=both)
        view.rounds[7] = RoundStatus(7, done=True, asked=2, of=2, peers=(told,))
        rows = (await ctl("peers", "--probe")).output.splitlines()[1:]
        assert [re.split(r" {2,}", row)[6] for row in rows] == expected


@pytest.mark.parametrize("name", ["n2", "10.5.1.0/24", "192.0.2.1", "10.5.1.0-24"])
async def test_a_peer_is_named_by_what_is_known_of_it(ctl: Ctl, name: str):
    """Its name, subnet, gateway or key."""
    assert len((await ctl("peers", name)).output.splitlines()) == 2


async def test_a_peer_that_nobody_knows_is_refused(view: FakeView, ctl: Ctl):
    """And nobody is asked."""
    done = await ctl("peers", "--probe", "n2", "n9")
    assert (done.exit_code, view.obeyed) == (1, [])
    assert "no peer is n9" in done.output


async def test_how_long_it_will_take_is_said_first(view: FakeView, ctl: Ctl):
    """Where it is long: nobody wonders whether it hangs."""
    view.done = Begun(7, 1000, 8, 125.0)
    view.rounds[7] = RoundStatus(7, done=True, asked=1, of=1)
    done = await ctl("peers", "--probe")
    assert done.stderr == "1000 peers, at most 8 a second: about 2m5s\n"


async def test_a_daemon_that_asks_nobody_says_so(view: FakeView, ctl: Ctl):
    """Its sentence, with the cure."""
    view.done = "this daemon asks nobody"
    done = await ctl("peers", "--probe")
    assert (done.exit_code, done.stderr) == (1, "Error: this daemon asks nobody\n")


async def test_without_a_daemon_it_is_said_what_can_be_done(tmp_path: Path):
    """Only it can ask; others still know something."""
    argv = ["peers", "--probe", f"--run-dir={tmp_path}"]
    done = await asyncio.to_thread(CliRunner().invoke, main, argv)
    assert done.exit_code == 3
    assert "hostgwctl explain" in done.stderr


async def test_a_shell_completes_the_names_of_peers(ctl: Ctl, tmp_path: Path):
    """As the daemon tells them; without one there are none."""
    command = main.get_command(click.Context(main), "peers")
    assert command is not None
    (names, *_) = command.params

    def complete(begun: str, run_dir: Path) -> list[str]:
        context = click.Context(command)
        context.params = {"run_dir": run_dir}
        return [each.value for each in names.shell_complete(context, begun)]

    assert await asyncio.to_thread(complete, "n", tmp_path) == ["n2"]
    assert await asyncio.to_thread(complete, "x", tmp_path) == []
    assert complete("n", tmp_path / "nowhere") == []


async def test_routes(ctl: Ctl):
    """The prefix, the way, and whether the kernel holds it."""
    shown = (await ctl("routes")).output.splitlines()
    assert shown[1].split() == ["10.5.1.0/24", "192.0.2.1", "1500", "254", "installed"]


async def test_a_daemon_that_is_not_there_is_said_and_the_kernel_asked(tmp_path: Path):
    """What carries packets is there without it."""
    done = await asyncio.to_thread(CliRunner().invoke, main, ["status", f"--run-dir={tmp_path}"])
    assert done.exit_code == 3
    assert "start hostgwd" in done.output
    assert "of protocol 104" in done.output


async def test_the_journal_is_shown_in_a_line_an_event(view: FakeView, ctl: Ctl):
    """When, what, by whom; for a program all of it, with what it missed."""
    view.chronicle.started("1.0")
    view.chronicle.stands(NoUplink("eth0 is gone"), "eth0 is gone")
    shown = (await ctl("events")).output.splitlines()
    assert shown[0].split() == ["TIME", "KIND", "BY", "STOOD", "WHAT"]
    assert shown[1].split()[2:5] == ["started", "hostgwd", "-"]
    assert shown[2].endswith("no link leads to the other nodes: eth0 is gone (eth0 is gone)")
    document = json.loads((await ctl("events", "-o", "json", "--since=1")).output)
    assert (document["instance"], document["missed"]) == ("i", 0)
    assert [event["number"] for event in document["events"]] == [2]
    assert (await ctl("events", "--since=2")).output == "there are no events after that\n"


async def test_who_follows_sees_what_comes(view: FakeView, tmp_path: Path):
    """An object a line, at once, over a daemon that is started anew, until he has enough."""
    place, argv = Unix(tmp_path / "hostgwd.sock"), [sys.executable, "-P", "-m", "hostgw_cli"]
    argv += ["events", "--follow", "-o", "json", f"--run-dir={tmp_path}"]
    view.chronicle.started("1.0")
    async with serving(view, place):
        reader = await asyncio.create_subprocess_exec(
            *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        assert reader.stdout is not None
        assert reader.stderr is not None
        first = json.loads(await asyncio.wait_for(reader.stdout.readline(), 60))
        assert (first["number"], first["kind"]) == (1, "started")
        view.chronicle.stands(NoUplink("eth0 is gone"), "a test")
        second = json.loads(await asyncio.wait_for(reader.stdout.readline(), 60))
        assert (second["number"], second["kind"]) == (2, "link")
    assert b"asking again" in await asyncio.wait_for(reader.stderr.readline(), 60)
    anew = replace(view, chronicle=chronicle("another"))
    anew.chronicle.started("2.0")
    async with serving(anew, place):
        third = json.loads(await asyncio.wait_for(reader.stdout.readline(), 60))
        assert (third["number"], third["says"]) == (1, "hostgwd 2.0 has started")
        assert b"started anew" in await asyncio.wait_for(reader.stderr.readline(), 60)
        reader.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(reader.wait(), 60) == 0
