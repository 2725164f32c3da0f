"""Orders: what is one, what is a mistake, and who may give them."""

import json

import pytest

from hostgw_daemon.told.bodies import LONGEST
from hostgw_daemon.told.endpoints import JSON, Reach, Request, respond
from hostgw_daemon.told.orders import ORDERS, Accept, Begun, Believe, Done, Extend, Probe
from hostgw_daemon.told.probed import RoundStatus
from support.webview import FakeView

ACCEPT, EXTEND, BELIEVE, PROBE = ORDERS
GOOD = {
    ACCEPT: b'{"all": true}',
    EXTEND: b'{"all": true, "seconds": 60}',
    BELIEVE: b"",
    PROBE: b'{"all": true}',
}


def order(
    path: str,
    body: bytes = b"",
    *,
    view: FakeView | None = None,
    reach: Reach = Reach.SOCKET,
    method: str = "POST",
):
    """Send an order."""
    return respond(view or FakeView(), Request(method, path, reach, body=body))


@pytest.mark.parametrize(
    ("path", "body", "meant"),
    [
        (ACCEPT, b'{"keys": ["/p/a", "/p/b", "/p/a"]}', Accept(frozenset({b"/p/a", b"/p/b"}))),
        (ACCEPT, b' {"all": true} ', Accept(None)),
        (ACCEPT, '{"keys": ["/p/é"]}'.encode(), Accept(frozenset({"/p/é".encode()}))),
        (EXTEND, b'{"keys": ["/p/a"], "seconds": 1.5}', Extend(frozenset({b"/p/a"}), 1.5)),
        (EXTEND, b'{"all": true, "seconds": 2592000}', Extend(None, 2592000)),
        (BELIEVE, b"", Believe()),
        (PROBE, b'{"keys": ["/p/a"]}', Probe(frozenset({b"/p/a"}))),
        (PROBE, b'{"all": true}', Probe(None)),
    ],
)
def test_an_order_is_understood_and_obeyed(path: str, body: bytes, meant: object):
    """What comes back is what came of it."""
    view = FakeView(done=Done(2, 3))
    answer = order(path, body, view=view)
    assert (answer.status, answer.kind) == (200, JSON)
    assert json.loads(answer.body) == {"done": 2, "held": 3}
    assert view.obeyed == [meant]


@pytest.mark.parametrize(
    ("path", "body", "word"),
    [
        (ACCEPT, b"", "not as it must be"),
        (ACCEPT, b"all", "not as it must be"),
        (ACCEPT, b"[]", "object"),
        (ACCEPT, b"{}", "say which"),
        (ACCEPT, b'{"all": false}', "say which"),
        (ACCEPT, b'{"keys": []}', "say which"),
        (ACCEPT, b'{"keys": [], "all": true}', "not both"),
        (ACCEPT, b'{"keys": "/p/a"}', "array"),
        (ACCEPT, b'{"keys": [1]}', "str"),
        (ACCEPT, b'{"keys": ["\xff"]}', "not as it must be"),
        (ACCEPT, b'{"keys": ["\\ud800"]}', "not as it must be"),
        (ACCEPT, b'{"all": true, "key": "/p/a"}', "unknown field"),
        (ACCEPT, b'{"all": true, "seconds": 60}', "unknown field"),
        (ACCEPT, b"[" * 100_000, "not as it must be"),
        (ACCEPT, b'{"' + b"x" * 100_000 + b'": 1}', "not as it must be"),
        (EXTEND, b'{"all": true}', "seconds must be"),
        (EXTEND, b'{"all": true, "seconds": 0}', "seconds must be"),
        (EXTEND, b'{"all": true, "seconds": -5}', "seconds must be"),
        (EXTEND, b'{"all": true, "seconds": 1e300}', "seconds must be"),
        (EXTEND, b'{"all": true, "seconds": NaN}', "not as it must be"),
        (EXTEND, b'{"all": true, "seconds": "60"}', "float"),
        (EXTEND, b'{"seconds": 60}', "say which"),
        (BELIEVE, b"{}", "send none"),
        (PROBE, b"{}", "say which"),
        (PROBE, b'{"all": true, "seconds": 60}', "unknown field"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_done(path: str, body: bytes, word: str):
    """The sentence is short, whatever was sent."""
    view = FakeView()
    answer = order(path, body, view=view)
    assert answer.status == 400
    sentence = json.loads(answer.body)["error"]
    assert word in sentence
    assert len(sentence) < 300
    assert view.obeyed == []


def test_a_round_of_probes_is_ordered_and_looked_at_by_its_number():
    """The order says how long it will take; what comes of it is asked for."""
    view = FakeView(done=Begun(7, 3, 8, 0.5))
    begun = json.loads(order(PROBE, b'{"all": true}', view=view).body)
    assert begun == {"round": 7, "peers": 3, "rate": 8, "seconds": 0.5}
    view.rounds[7] = RoundStatus(7, done=False, asked=1, of=3)

    def look(number: str):
        asked = {"round": [number]} if number else {}
        return respond(view, Request("GET", "/v1/probes", Reach.HOST, asked))

    assert json.loads(look("7").body) == {
        "round": 7,
        "done": False,
        "asked": 1,
        "of": 3,
        "peers": [],
    }
    gone = look("8")
    assert (gone.status, b"order another" in gone.body) == (404, True)
    for wrong in ("", "-7", "seven", "7" * 30):
        assert look(wrong).status == 400, wrong


def test_a_body_has_an_end():
    """What is longer than five thousand keys is refused by its length."""
    view = FakeView()
    answer = order(ACCEPT, b" " * (LONGEST + 1), view=view)
    assert (answer.status, view.obeyed) == (413, [])
    assert "in several" in json.loads(answer.body)["error"]


def test_what_cannot_be_obeyed_is_a_conflict():
    """The sentence is that of whoever would have obeyed."""
    answer = order(BELIEVE, view=FakeView(done="there is nothing to believe"))
    assert answer.status == 409
    assert json.loads(answer.body) == {"error": "there is nothing to believe"}


@pytest.mark.parametrize("path", ORDERS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("reach", Reach)
def test_only_a_post_on_the_unix_socket_is_obeyed(path: str, method: str, reach: Reach):
    """Loopback, where every user and every browser may ask, sees and orders nothing."""
    view = FakeView()
    answer = order(path, GOOD[path], view=view, reach=reach, method=method)
    asked = Request(method, path, reach)
    if reach is Reach.SOCKET and method == "POST":
        assert (answer.status, len(view.obeyed), asked.orders) == (200, 1, True)
        return
    assert (view.obeyed, asked.orders) == ([], False)
    if reach is Reach.SOCKET:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
    elif reach is Reach.HEALTH:
        assert answer.status == (404 if method in ("GET", "HEAD") else 405)
    else:
        assert answer.status == 403
        assert "unix socket only" in json.loads(answer.body)["error"]


@pytest.mark.parametrize("path", ["/v1/holds", "/v1/status", "/livez", "/v1/holds/accept/"])
def test_nothing_else_has_a_body(path: str):
    """A POST to what only shows something is not even read."""
    assert not Request("POST", path, Reach.SOCKET).orders
