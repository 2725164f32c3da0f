"""What is answered over HTTP, whoever carries it: a pure function from a request to a response.

| path | says | to whom |
|---|---|---|
| `/livez`, `/healthz` | whether the daemon lives | everybody |
| `/startupz`, `/readyz` | whether it has started, whether the node may be given work | everybody |
| `/metrics` | Prometheus text or OpenMetrics | everybody but the port of --healthz-port |
| `/v1/status`, `plan`, `routes`, ... (`DOCUMENTS`, `OF_NETWORK`) | JSON | this host |
| `/v1/events` (`polling`) | JSON: the journal, or what comes next in it | this host |
| `/v1/probes?round=N` | JSON: how far a round of probes is, and what came of it | this host |
| POST `/v1/holds/accept`, ... (`orders`, `controls`) | what came of it | the unix socket |

Everything but the orders is read-only. Who asks is told by where the connection comes from; the
Host header, which anybody may write, means nothing here. On loopback every user of the host may
ask, and every page that a browser on it shows; so what changes something is for the unix socket
alone, which the file system guards and no browser can reach.

`?verbose` lists the checks, `?exclude=name` leaves one out, `/readyz/name` asks for one alone, and
`Accept: application/json` gives the same as JSON. `?network=name` asks about one of several
networks, and gives an order to its guard; without it, the first is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum, auto
from typing import Final, TypeAlias

from hostgw_core.keys import quoted
from hostgw_daemon.told.bodies import LONGEST
from hostgw_daemon.told.checks import Answer, Check, answer
from hostgw_daemon.told.controls import CONTROLS, Control
from hostgw_daemon.told.listings import LeaseStatus
from hostgw_daemon.told.orders import ORDERS, Order
from hostgw_daemon.told.polling import PATH as EVENTS
from hostgw_daemon.told.polling import Poll, poll_of
from hostgw_daemon.told.status import encode
from hostgw_daemon.told.views import NetworkView, WebView

TEXT: Final = "text/plain; charset=utf-8"
JSON: Final = "application/json"


class Reach(IntEnum):
    """How much a connection may see and do, each more than the one before."""

    HEALTH = auto()  # the port of --healthz-port: what flannel showed there
    FAR = auto()  # health and metrics: nothing secret
    HOST = auto()  # loopback: everything there is to see
    SOCKET = auto()  # the unix socket: and orders


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked; `query` has every value of every name, `body` is empty but for an order.

    `by` is who gives an order, as the kernel knows it.
    """

    method: str
    path: str
    reach: Reach
    query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    accept: str = ""
    body: bytes = b""
    by: str = ""

    @property
    def orders(self) -> bool:
        """Whether its body is worth reading: nothing else has one."""
        return self.method == "POST" and self.path in OBEYED and self.reach is Reach.SOCKET

    @property
    def network(self) -> str:
        """The name of the network that is asked about, "" for the first."""
        return (*self.query.get("network", ()), "")[0]

    @property
    def waits(self) -> Poll | None:
        """What it would wait for, if it may wait at all."""
        asks = self.method == "GET" and self.path == EVENTS and self.reach >= Reach.HOST
        poll = poll_of(self.query) if asks else ""
        return poll if isinstance(poll, Poll) and poll.wait else None

    @property
    def wants_json(self) -> bool:
        """Whether the client asks for JSON by name."""
        return JSON in {kind.split(";")[0].strip().lower() for kind in self.accept.split(",")}


@dataclass(frozen=True, slots=True)
class Response:
    """What is answered."""

    status: int
    body: bytes
    kind: str = TEXT
    headers: Mapping[str, str] = field(default_factory=dict)


OBEYED: Final = (*ORDERS, *CONTROLS)
"""The paths of all orders: those for a network, and those for the daemon."""

PROBES: Final = "/v1/probes"
"""Where a round of probes is asked for, by its number."""

Question: TypeAlias = Callable[[WebView], Sequence[Check]]
Document: TypeAlias = Callable[[WebView], object]

QUESTIONS: Final[Mapping[str, Question]] = {
    "livez": lambda view: view.live(),
    "healthz": lambda view: view.live(),
    "startupz": lambda view: view.started(),
    "readyz": lambda view: view.ready(),
}
DOCUMENTS: Final[Mapping[str, Document]] = {
    "/v1/status": lambda view: view.status(),
    "/v1/plan": lambda view: view.plan(),
    "/v1/routes": lambda view: tuple(view.routes()),
}
OF_NETWORK: Final[Mapping[str, Callable[[NetworkView], object]]] = {
    "/v1/peers": lambda view: tuple(view.peers()),
    "/v1/leases": lambda view: tuple(map(LeaseStatus.of, view.leases())),
    "/v1/refusals": lambda view: tuple(view.refusals()),
    "/v1/holds": lambda view: view.holds(),
    "/v1/config": lambda view: view.config(),
}


_DOCUMENTS: Final = (*DOCUMENTS, *OF_NETWORK, PROBES, EVENTS)


def paths(reach: Reach) -> tuple[str, ...]:
    """Give every path that a connection may ask for."""
    health = tuple(f"/{question}" for question in QUESTIONS)
    if reach is Reach.HEALTH:
        return health
    documents = _DOCUMENTS if reach >= Reach.HOST else ()
    return (*health, "/metrics", *documents, *(OBEYED if reach is Reach.SOCKET else ()))


def respond(view: WebView, request: Request) -> Response:
    """Answer a request."""
    if request.path in OBEYED and request.reach is not Reach.HEALTH:
        return _order(view, request)
    if request.method not in ("GET", "HEAD"):
        allow = {"Allow": "GET, HEAD"}
        return _refuse(request, 405, "this is read-only: use GET or HEAD", allow)
    question, _, check = request.path.removeprefix("/").partition("/")
    if question in QUESTIONS:
        return _health(QUESTIONS[question](view), request, question, check)
    if request.path == "/metrics" and request.reach is not Reach.HEALTH:
        return Response(200, *view.exposition(request.accept))
    if request.path in _DOCUMENTS and request.reach is not Reach.HEALTH:
        return _document(view, request)
    return _unknown(request)


def _document(view: WebView, request: Request) -> Response:
    if request.reach < Reach.HOST:
        sentence = f"{request.path} is for this host only: ask on loopback or on the unix socket"
        return _refuse(request, 403, sentence)
    if request.path in DOCUMENTS:
        return _json(DOCUMENTS[request.path](view))
    if request.path == EVENTS:
        return _events(view, request)
    network = view.network(request.network)
    if network is None:
        return _refuse(request, 404, _no_network(view, request))
    if request.path == PROBES:
        return _round(network, request)
    return _json(OF_NETWORK[request.path](network))


def _events(view: WebView, request: Request) -> Response:
    poll = poll_of(request.query)
    if isinstance(poll, str):
        return _refuse(request, 400, poll)
    return Response(200, encode(view.events(poll)), JSON)


def _round(network: NetworkView, request: Request) -> Response:
    number = (*request.query.get("round", ()), "")[0]
    if not (number.isascii() and number.isdigit() and len(number) <= len(str(1 << 64))):
        said = f"round={quoted(number[:40])} is no number of a round"
        return _refuse(request, 400, f"{said}: give that which POST /v1/peers/probe gave")
    found = network.probed(int(number))
    if found is None:
        said = f"round {number} is not remembered: it was long ago, or probing began anew"
        return _refuse(request, 404, f"{said} meanwhile; order another one")
    return _json(found)


def _no_network(view: WebView, request: Request) -> str:
    return f"no network {quoted(request.network)} is served here; there are " + " ".join(
        view.networks
    )


def _order(view: WebView, request: Request) -> Response:
    if request.reach is not Reach.SOCKET:
        sentence = f"{request.path} changes something: it is obeyed on the unix socket only"
        return _refuse(request, 403, sentence)
    if request.method != "POST":
        sentence = f"{request.path} changes something: use POST"
        return _refuse(request, 405, sentence, {"Allow": "POST"})
    if len(request.body) > LONGEST:
        return _refuse(request, 413, f"a body may have {LONGEST} bytes: say it in several")
    read: Callable[[bytes], Order | Control | str] = {**ORDERS, **CONTROLS}[request.path]
    order = read(request.body)
    if isinstance(order, str):
        return _refuse(request, 400, order)
    if isinstance(order, Control):
        done = view.control(order, request.by)
        return _refuse(request, 409, done) if isinstance(done, str) else _json(done)
    return _obeyed(view, request, order)


def _obeyed(view: WebView, request: Request, order: Order) -> Response:
    network = view.network(request.network)
    if network is None:
        return _refuse(request, 404, _no_network(view, request))
    done = network.obey(order)
    if isinstance(done, str):
        return _refuse(request, 409, done)
    return _json(done)


def _json(document: object) -> Response:
    return Response(200, encode(document), JSON)


def _health(checks: Sequence[Check], request: Request, question: str, check: str) -> Response:
    if check:
        checks = [one for one in checks if one.name == check]
    if check and not checks:
        return _unknown(request)
    found = answer(question, checks, exclude=_names(request.query.get("exclude", ())))
    status = 200 if found.ok else 503
    if request.wants_json:
        return Response(status, encode(_object(found)), JSON)
    return Response(status, found.text(verbose="verbose" in request.query).encode())


def _names(values: Iterable[str]) -> frozenset[str]:
    return frozenset(name for value in values for name in value.split(",") if name)


def _object(found: Answer) -> dict[str, object]:
    checks = [
        {
            "name": check.name,
            "ok": check.ok,
            "reason": "" if check.ok else check.reason,
            "excluded": check.name in found.excluded,
        }
        for check in found.checks
    ]
    return {"question": found.question, "ok": found.ok, "checks": checks}


def _unknown(request: Request) -> Response:
    return _refuse(request, 404, f"nothing is here; there are {' '.join(paths(request.reach))}")


def _refuse(
    request: Request, status: int, sentence: str, headers: Mapping[str, str] | None = None
) -> Response:
    if request.wants_json or request.path.startswith("/v1/"):
        return Response(status, encode({"error": sentence}), JSON, headers or {})
    return Response(status, f"{sentence}\n".encode(), TEXT, headers or {})
