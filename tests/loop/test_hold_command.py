"""`hostgwctl hold` on a real socket: which orders it gives, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from hostgw_cli.__main__ import main
from hostgw_daemon.told.listen import Unix
from hostgw_daemon.told.orders import Accept, Believe, Done, Extend
from support.webview import HOLD, FakeView, serving

Hold = Callable[..., Awaitable[Result]]


@pytest.fixture
async def hold(view: FakeView, tmp_path: Path) -> AsyncIterator[Hold]:
    """Run the command beside the server that it asks."""
    place = Unix(tmp_path / "hostgwd.sock")

    async def run(*words: str) -> Result:
        argv = ["hold", *words, f"--run-dir={tmp_path}"]
        return await asyncio.to_thread(CliRunner().invoke, main, argv)

    async with serving(view, place):
        yield run


async def test_thousands_of_names_are_several_orders(view: FakeView, hold: Hold):
    """No order is longer than a daemon reads, and each key is in one of them."""
    keys = [f"/coreos.com/network/subnets/10.{n >> 8}.{n & 255}.0-24" for n in range(2500)]
    view.held = [replace(HOLD, key=key) for key in keys]
    view.done = Done(5, 7)
    done = await hold("accept", *(key.rpartition("/")[2] for key in keys))
    assert (done.exit_code, done.output) == (0, "15 holds let go; 7 held still\n")
    assert all(isinstance(each, Accept) for each in view.obeyed)
    named = [each.keys for each in view.obeyed if isinstance(each, Accept) and each.keys]
    assert [len(each) for each in named] == [1000, 1000, 500]
    assert frozenset().union(*named) == {key.encode() for key in keys}


@pytest.mark.parametrize(
    ("words", "order"),
    [
        (["accept", "--all"], Accept(None)),
        (["accept", "10.5.1.0/24"], Accept(frozenset({b"10.5.1.0-24"}))),
        (["accept", "--history"], Believe()),
        (["extend", "--all", "--for", "90"], Extend(None, 90)),
        (["extend", "--for=1h30m", "10.5.1.0-24"], Extend(frozenset({b"10.5.1.0-24"}), 5400)),
    ],
)
async def test_each_command_is_one_order(
    view: FakeView, hold: Hold, words: list[str], order: object
):
    """What a person types is what the daemon is told."""
    done = await hold(*words)
    assert done.exit_code == 0, done.output
    assert view.obeyed == [order]


@pytest.mark.parametrize(
    "words",
    [
        ["accept"],
        ["accept", "--all", "--history"],
        ["accept", "--all", "10.5.1.0/24"],
        ["extend", "--all"],
        ["extend", "--for", "1h"],
        ["extend", "--all", "--for", "soon"],
        ["extend", "--all", "--for", "0s"],
        ["extend", "--all", "--for", "9999h"],
    ],
)
async def test_wrong_usage_asks_nobody(view: FakeView, hold: Hold, words: list[str]):
    """A command that says too little or too much has status 2 and does nothing."""
    assert (await hold(*words)).exit_code == 2
    assert view.obeyed == []


async def test_a_refusal_of_the_daemon_is_its_own_sentence(view: FakeView, hold: Hold):
    """The status is 1, and the words are those of whoever refused."""
    view.done = "the history of the store is not broken"
    done = await hold("accept", "--history")
    assert (done.exit_code, done.output) == (1, f"Error: {view.done}\n")


async def test_a_name_that_is_not_held_does_nothing(view: FakeView, hold: Hold):
    """Half of an order is none: the other names might be wrong, too."""
    done = await hold("accept", "10.5.1.0/24", "10.9.9.0/24")
    assert done.exit_code == 1
    assert "not held here: 10.9.9.0/24; nothing was done" in done.output
    assert view.obeyed == []


async def test_the_list_for_a_person_and_for_a_program(view: FakeView, hold: Hold):
    """A table by default, the daemon's own document with -o json."""
    assert "10.5.1.0/24" in (await hold("list")).output
    assert '"cause": "many"' in (await hold("list", "-o", "json")).output
    view.held = ()
    assert (await hold("list")).output == "nothing is held\n"
