"""What the herald says unasked, with ears instead of systemd, the journal and the board."""

from __future__ import annotations

import asyncio

import pytest

from hostgw_core.health import Board
from hostgw_core.view import ViewState
from hostgw_daemon.routes.report import RoutesState
from hostgw_daemon.told import account, herald
from hostgw_daemon.told.conditions import KINDS
from hostgw_daemon.told.overview import ready_checks
from support.parts import parts
from support.webview import chronicle


class Ear:
    """Stands for systemd, the log and the metrics: notes what it is told."""

    listening = True
    watchdog_period = None

    def __init__(self):
        self.heard = []
        self.lines = []
        self.beats = 0
        self.watchdog_period = None

    def ready(self, words):
        """Be told that the daemon is ready."""
        self.heard.append(("ready", words))
        return True

    def status(self, words):
        """Be told how things stand."""
        self.heard.append(("status", words))
        return True

    def beat(self):
        """Be fed."""
        self.beats += 1
        return True

    def info(self, title, **fields):
        """Be a line of the journal."""
        self.lines.append(("info", title, fields))

    def warning(self, title, **fields):
        """Be a line of the journal."""
        self.lines.append(("warning", title, fields))

    def error(self, title, **fields):
        """Be a line of the journal."""
        self.lines.append(("error", title, fields))


class Answers:
    """Answers from the parts that the test sets; counts the whole statuses that are made."""

    def __init__(self, board, ask):
        self.board, self.ask = board, ask
        self.statuses = 0
        self.measured = 0
        self.lives = True
        self.epoch = 0.0

    def beat(self):
        """Note that the loop lives."""

    def measure(self, made):
        """Set the gauges."""
        self.measured += 1

    def ready(self):
        """Give the checks."""
        return ready_checks(self.ask(), self.board.blocking())

    def status(self, made):
        """Give the whole status."""
        self.statuses += 1
        return account.status(
            account.Self(
                version="",
                node="",
                node_id="",
                instance="",
                boot_id="",
                pid=1,
                started=0.0,
                epoch=0.0,
                boot_epoch=0.0,
                settings=(),
            ),
            made,
            standing=self.board.standing(),
            checks=self.ready(),
            endpoint="",
        )


class Bench:
    """A herald, its ears, and the parts that it tells of."""

    def __init__(self):
        self.parts = parts()
        self.ear = Ear()
        self.chronicle = chronicle()
        board = Board(KINDS, lambda: 0.0)
        self.answers = Answers(board, lambda: self.parts)
        self.herald = herald.Herald(
            self.answers,
            parts=lambda: self.parts,
            board=board,
            metrics=None,
            notifier=self.ear,
            chronicle=self.chronicle,
            log=self.ear,
        )


@pytest.fixture
def bench(monkeypatch):
    """Give a herald whose clock is `bench.clock`."""
    made = Bench()
    made.clock = 100.0

    class Clock:
        @staticmethod
        def monotonic():
            return made.clock

    monkeypatch.setattr(herald, "time", Clock)
    return made


GOOD = "10.0.0.0/24 held; 3 routes to 3 peers; etcd reachable"


def test_ready_is_said_once_then_only_the_sentence(bench):
    """READY=1 with the first whole pass and the files; after that the status alone."""
    bench.herald.tell(changed=True)
    bench.clock += 10
    bench.herald.tell(changed=True)
    assert bench.ear.heard == [("ready", GOOD), ("status", GOOD)]


@pytest.mark.parametrize("missing", ["pass", "files"])
def test_ready_waits_for_the_first_pass_and_the_files(bench, missing):
    """Until then systemd is told what is waited for."""
    if missing == "pass":
        bench.parts = parts(routes=RoutesState())
    else:
        bench.parts = parts(subnet_file_written=False)
    bench.herald.tell(changed=True)
    assert [kind for kind, _ in bench.ear.heard] == ["status"]


def test_before_it_is_ready_nothing_is_held_back(bench):
    """While it starts, each step is told at once: somebody waits for it."""
    bench.parts = parts(subnet_file_written=False)
    for _ in range(5):
        bench.herald.tell(changed=True)
    assert len(bench.ear.heard) == 5


def test_a_thousand_changes_a_second_are_one_sentence(bench):
    """The status costs a look at every peer: it is made once a second, and the last is told."""
    bench.herald.tell(changed=True)
    made = bench.answers.statuses
    for _ in range(1000):
        bench.clock += 0.001
        bench.herald.tell(changed=True)
    assert bench.answers.statuses - made <= 1
    bench.parts = parts(view=ViewState(error="away"))
    bench.herald.tell(changed=True)
    bench.clock += herald.BREATH
    bench.herald.tell(changed=False)
    assert bench.ear.heard[-1][1].endswith("etcd unreachable; wrong: store_unavailable")


def test_nothing_new_is_not_told(bench):
    """A beat without a ring makes no status."""
    bench.herald.tell(changed=True)
    for _ in range(100):
        bench.clock += 5
        bench.herald.tell(changed=False)
    assert bench.answers.statuses == 1
    assert bench.answers.measured == 101


async def test_where_nobody_listens_it_beats_no_faster(bench, monkeypatch):
    """Without systemd nothing waits to be said to it: a change is followed by the usual beats."""
    pauses = []

    async def wait(*, within):
        pauses.append(within)
        if len(pauses) > 2:
            raise asyncio.CancelledError
        bench.clock += 10
        return True

    bench.ear.listening = False
    monkeypatch.setattr(bench.herald._wake, "wait", wait)
    with pytest.raises(asyncio.CancelledError):
        await bench.herald.run()
    assert pauses == [herald.TICK] * 3


def test_a_condition_is_one_line_when_it_comes_and_one_when_it_goes(bench):
    """With its title, its particulars and its cure; its end is told, too."""
    bench.parts = parts(troubles={"subnet_file_failing": "No space left"})
    bench.herald.tell(changed=True)
    bench.herald.tell(changed=True)
    (line,) = bench.ear.lines
    assert line[0] == "error"
    assert line[2]["condition"] == "subnet_file_failing"
    assert line[2]["detail"] == "No space left"
    assert line[2]["cure"]
    bench.parts = parts()
    bench.herald.tell(changed=True)
    assert bench.ear.lines[1:] == [("info", "Over", {"condition": "subnet_file_failing"})]


def test_the_watchdog_is_fed_only_while_passes_are_made(bench):
    """At half its period, and not at all once a pass is overdue."""
    bench.ear.watchdog_period = 90.0
    for _ in range(60):
        bench.clock += 5
        bench.herald.tell(changed=False)
    assert bench.ear.beats == pytest.approx(300 / 45, abs=1)
    bench.answers.lives = False
    fed = bench.ear.beats
    bench.clock += 600
    bench.herald.tell(changed=False)
    assert bench.ear.beats == fed
