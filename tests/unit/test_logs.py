"""A log is lines that a machine can read, that hide secrets, and that never stop the program."""

import json
import logging
import os
import re
import subprocess
import sys
import warnings
from ipaddress import ip_network

import pytest
import structlog

from hostgw_core import logs
from hostgw_core.settings import Secret


@pytest.fixture
def restored():
    """Give the process its own logging back, as it was before the test."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def pipe(restored):
    """Give a pipe: (reading end, writing end), both closed in the end."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    yield reader, writer
    for end in (reader, writer):
        try:
            os.close(end)
        except OSError:  # the test has closed it
            continue


def _lines(reader):
    """Read what has been written so far."""
    data = b""
    try:
        while piece := os.read(reader, 65536):
            data += piece
    except BlockingIOError:
        pass
    return data.decode().splitlines()


def _start(pipe, **how):
    return logs.start(
        **({"level": "info", "style": "key=value", "environ": {}} | how | {"descriptor": pipe[1]})
    )


def test_a_line_is_time_level_event_and_values(pipe):
    """A line begins with its time in UTC, and every value follows under its key."""
    _start(pipe)
    logs.get(part="claim").info("Took a subnet", subnet=ip_network("10.5.1.0/24"), tries=2)
    (line,) = _lines(pipe[0])
    assert re.fullmatch(
        r"time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z level=info "
        r'event="Took a subnet" part=claim subnet=10\.5\.1\.0/24 tries=2',
        line,
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("bare", "bare"),
        ("two words", '"two words"'),
        ("", '""'),
        ('a"b', r'"a\"b"'),
        ("a=b", '"a=b"'),
        ("a\nb", r'"a\nb"'),
        ("\x1b[31m", r'"\u001b[31m"'),
        ("\x9b31m", r'"\u009b31m"'),
        ("knoten-ä", "knoten-ä"),
        (None, "null"),
        (True, "true"),
        (1.5, "1.5"),
        (("a", 1), "a,1"),
    ],
)
def test_values_stay_on_one_line(value, written):
    """A value is bare or quoted, and no control character of it reaches a terminal."""
    finished = logs._Finished(logs.Lines(2), style="key=value")(None, "", {"key": value})
    assert logs.logfmt(finished) == f"key={written}"


def test_json(pipe):
    """In JSON a line is one object, with lists and numbers as such."""
    _start(pipe, style="json")
    logs.get().warning("Refused", peers=["a", "b"], count=2, subnet=ip_network("10.5.1.0/24"))
    (line,) = _lines(pipe[0])
    event = json.loads(line)
    assert list(event)[:3] == ["time", "level", "event"]
    assert event["peers"] == ["a", "b"]
    assert (event["count"], event["subnet"], event["level"]) == (2, "10.5.1.0/24", "warning")


def test_the_journal_has_the_time_and_wants_a_priority(pipe):
    """Where the descriptor is the journal's, a line has a priority and no time."""
    status = os.fstat(pipe[1])
    _start(pipe, environ={"JOURNAL_STREAM": f"{status.st_dev}:{status.st_ino}"}, level="debug")
    log = logs.get()
    for speak in (log.debug, log.info, log.warning, log.error, log.critical):
        speak("Said")
    assert _lines(pipe[0]) == [
        "<7>level=debug event=Said",
        "<6>level=info event=Said",
        "<4>level=warning event=Said",
        "<3>level=error event=Said",
        "<2>level=critical event=Said",
    ]


@pytest.mark.parametrize("stream", ["", "8:1", "x", ":"])
def test_what_is_not_the_journal(pipe, stream):
    """JOURNAL_STREAM is inherited: only if it names this very descriptor is that the journal."""
    assert not logs.is_journal(pipe[1], {"JOURNAL_STREAM": stream})
    assert not logs.is_journal(-1, {"JOURNAL_STREAM": stream})


def test_the_level_changes_for_every_logger(pipe):
    """A change of level holds at once, also for loggers made before it."""
    control = _start(pipe)
    log = logs.get().bind(part="claim")
    log.debug("One")
    control.set_level("debug")
    log.debug("Two")
    control.set_level("error")
    log.warning("Three")
    log.error("Four")
    assert [line.split("event=")[1] for line in _lines(pipe[0])] == [
        "Two part=claim",
        "Four part=claim",
    ]
    assert control.level == "error"


def test_a_level_that_is_none(pipe):
    """An unknown level is refused with the known ones, and the old one stays."""
    control = _start(pipe)
    with pytest.raises(ValueError, match="write debug, info, warning, error"):
        control.set_level("loud")
    assert control.level == "info"


@pytest.mark.parametrize("style", ["key=value", "json"])
def test_no_secret_is_written(pipe, style):
    """Values named like secrets, secrets, and passwords in URLs are masked in either style."""
    _start(pipe, style=style)
    logs.get(etcd_password="hunter2").error(
        "Cannot reach http://me:hunter2@etcd:2379",
        token="hunter2",
        client_secret="hunter2",
        user=Secret("hunter2"),
        endpoints=["https://me:hunter2@a:1", "b"],
    )
    (line,) = _lines(pipe[0])
    assert "hunter2" not in line
    assert "//***@etcd:2379" in line
    assert line.count("***") == 5


def test_an_exception_is_one_line(pipe):
    """A traceback is a value of its event, so that the line stays one."""
    _start(pipe)
    try:
        int("no such thing")
    except ValueError:
        logs.get().exception("The pass failed")
    (line,) = _lines(pipe[0])
    assert 'event="The pass failed" exception="Traceback' in line
    assert r"\nValueError: invalid literal" in line


def test_libraries_take_the_same_way(pipe):
    """What libraries log comes from warning on, in our form, with their name."""
    _start(pipe, level="debug")
    library = logging.getLogger("some.library")
    library.info("Not interesting")
    library.warning("Connection %d lost", 7)
    library.log(35, "Odd level")
    library.warning("%d", "not a number")
    written = [line.partition(" level=")[2] for line in _lines(pipe[0])]
    assert written == [
        'warning event="Connection 7 lost" library=some.library',
        'warning event="Odd level" library=some.library',
        "warning event=%d library=some.library",
    ]


def test_warnings_of_python_are_logged(pipe):
    """A warning of Python's goes to the log instead of raw to standard error."""
    _start(pipe)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)  # catch_warnings has put its own in the way
        logging.captureWarnings(capture=True)
        warnings.warn("careful", stacklevel=1)
        logging.captureWarnings(capture=False)
    (line,) = _lines(pipe[0])
    assert "UserWarning: careful" in line
    assert line.endswith("library=py.warnings")


def test_a_reader_that_does_not_read_stops_nothing(pipe):
    """When the pipe is full lines are lost, not time; the next line says how many."""
    _start(pipe)
    log = logs.get()
    for number in range(100):  # a pipe holds 64 KiB
        log.info("x" * 2000, number=number)
    written = _lines(pipe[0])
    assert 10 < len(written) < 40
    log.info("Again")
    log.info("And again")
    again, and_again = _lines(pipe[0])
    assert again.endswith(f"event=Again lines_lost={100 - len(written)}")
    assert and_again.endswith('event="And again"')


def test_a_line_that_breaks_off_is_ended(pipe):
    """A long line that finds no room is cut, and the next line begins on its own."""
    _start(pipe)
    log = logs.get()
    log.info("x" * 200_000)
    (cut,) = _lines(pipe[0])
    assert 4096 <= len(cut) < 200_000
    log.info("Next")
    empty, following = _lines(pipe[0])
    assert empty == ""
    assert following.endswith("event=Next lines_lost=1")


def test_nobody_reads_any_more(pipe):
    """A reader that has gone, or a descriptor that is closed, is no error of the program."""
    reader, writer = pipe
    _start(pipe)
    os.close(reader)
    logs.get().info("To nobody")
    os.close(writer)
    logs.get().info("To nothing")


def test_the_import_leaves_rich_alone():
    """Importing the logs does not load rich, which costs three times as much, nor forbid it."""
    script = (
        "import sys, hostgw_core.logs; assert not [n for n in sys.modules if n.startswith('rich')];"
        "import structlog, rich; assert rich.__name__ == 'rich'"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
