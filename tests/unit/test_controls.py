"""Orders about the daemon itself: what is one, what is a mistake, and who may give them."""

import json

import pytest

from hostgw_daemon.told.controls import CONTROLS, Drain, LogLevel, Obeyed, Pause, Resume, Resync
from hostgw_daemon.told.endpoints import Reach, Request, respond
from support.webview import FakeView

RESYNC, LEVEL, PAUSE, DRAIN, RESUME = CONTROLS
GOOD = {RESYNC: b"", LEVEL: b'{"level": "debug"}', PAUSE: b'{"for": 60}', RESUME: b"", DRAIN: b""}


def order(path: str, body: bytes, view: FakeView, *, reach: Reach = Reach.SOCKET):
    """Send an order."""
    return respond(view, Request("POST", path, reach, body=body, by="uid 0, pid 7"))


@pytest.mark.parametrize(
    ("path", "body", "meant"),
    [
        (RESYNC, b"", Resync()),
        (RESUME, b"", Resume()),
        (DRAIN, b"", Drain(90)),
        (DRAIN, b'{"wait": 20}', Drain(20)),
        (LEVEL, b'{"level": "debug"}', LogLevel("debug", None)),
        (LEVEL, b'{"level": "error", "for": null}', LogLevel("error", None)),
        (LEVEL, b'{"level": "info", "for": 2592000}', LogLevel("info", 2592000)),
        (PAUSE, b'{"for": 1}', Pause(1)),
        (PAUSE, b'{"for": 86400, "by": "Zo\xc3\xab"}', Pause(86400, "Zoë")),
    ],
)
def test_an_order_is_understood(path: str, body: bytes, meant: object):
    """Whoever obeys is told who gave it."""
    view = FakeView(outcome=Obeyed("done so", 5.5))
    answer = order(path, body, view)
    assert (answer.status, json.loads(answer.body)) == (200, {"done": "done so", "until": 5.5})
    assert view.controlled == [(meant, "uid 0, pid 7")]


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        (RESYNC, b"{}", "send none"),
        (RESUME, b" ", "send none"),
        (DRAIN, b" ", "not as it must be"),
        (DRAIN, b'{"wait": 0}', "wait must be from 1 to 86400"),
        (DRAIN, b'{"for": 5}', "unknown field"),
        (LEVEL, b"", "not as it must be"),
        (LEVEL, b"{}", "level"),
        (LEVEL, b'{"level": "trace"}', "trace"),
        (LEVEL, b'{"level": "info", "for": 0.5}', "for must be from 1 to 2592000"),
        (LEVEL, b'{"level": "info", "seconds": 5}', "unknown field"),
        (PAUSE, b"", "not as it must be"),
        (PAUSE, b"{}", "for"),
        (PAUSE, b'{"for": 0}', "for must be from 1 to 86400"),
        (PAUSE, b'{"for": 86401}', "for must be from 1 to 86400"),
        (PAUSE, b'{"for": -1}', "for must be from 1 to 86400"),
        (PAUSE, b'{"for": NaN}', "not as it must be"),
        (PAUSE, b'{"for": "1h"}', "float"),
        (PAUSE, b'{"for": 60, "by": "a\\nb"}', "printable"),
        (PAUSE, b'{"for": 60, "by": "' + b"x" * 101 + b'"}', "100"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_done(path: str, body: bytes, word: str):
    """A pause without an end, or with one too far away, is none."""
    view = FakeView()
    answer = order(path, body, view)
    sentence = json.loads(answer.body)["error"]
    assert (answer.status, view.controlled) == (400, [])
    assert word in sentence
    assert len(sentence) < 300


def test_what_cannot_be_obeyed_is_a_conflict():
    """The sentence is that of whoever would have obeyed."""
    answer = order(RESUME, b"", FakeView(outcome="not now"))
    assert (answer.status, json.loads(answer.body)) == (409, {"error": "not now"})


@pytest.mark.parametrize("path", CONTROLS)
@pytest.mark.parametrize("reach", Reach)
def test_they_are_for_the_unix_socket_alone(path: str, reach: Reach):
    """No user of the host, and no browser on it, can stop what keeps its routes."""
    view = FakeView()
    answer = order(path, GOOD[path], view, reach=reach)
    if reach is Reach.SOCKET:
        assert (answer.status, len(view.controlled)) == (200, 1)
        return
    assert view.controlled == []
    assert answer.status == (405 if reach is Reach.HEALTH else 403)
    assert not Request("POST", path, reach).orders
