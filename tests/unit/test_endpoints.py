"""What is answered over HTTP, as a function."""

import json
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from hostgw_core.model import Addresses, ClusterConfig, Lease, Pool, Subnets
from hostgw_daemon.kernel import Outcome, Route, Verb, Verdict, Write
from hostgw_daemon.told.checks import Check
from hostgw_daemon.told.endpoints import (
    JSON,
    OBEYED,
    OF_NETWORK,
    PROBES,
    Reach,
    Request,
    paths,
    respond,
)
from hostgw_daemon.told.listings import ConfigStatus, LeaseStatus, RouteStatus
from hostgw_daemon.told.status import SettingStatus
from support.webview import FakeView

WRONG = Check("first_pass", ok=False, reason="none yet")


@pytest.fixture
def view() -> FakeView:
    """Show a daemon that is well."""
    return FakeView()


def get(view: FakeView, path: str, reach: Reach = Reach.HOST, **rest):
    """Ask for a path."""
    return respond(view, Request("GET", path, reach, **rest))


@pytest.mark.parametrize("path", ["/livez", "/healthz", "/startupz", "/readyz"])
@pytest.mark.parametrize("reach", Reach)
def test_health_is_for_everybody(view: FakeView, path: str, reach: Reach):
    """A load balancer, the kubelet and a person get the same ok."""
    answer = get(view, path, reach)
    assert (answer.status, answer.body) == (200, b"ok")


def test_not_ready_is_503_with_the_reason(view: FakeView):
    """The kubelet goes by the code, the person by the line; living is another question."""
    view.readiness.append(WRONG)
    answer = get(view, "/readyz")
    assert answer.status == 503
    assert b"[-]first_pass failed: none yet\n" in answer.body
    assert get(view, "/livez").status == 200


def test_not_alive_is_503_on_livez_and_healthz(view: FakeView):
    """Flannel's path means what it means there: start me again if I say no."""
    view.alive.append(Check("reconciler", ok=False, reason="no beat"))
    assert [get(view, path).status for path in ("/livez", "/healthz", "/readyz")] == [503, 503, 200]


def test_verbose_and_exclude(view: FakeView):
    """Kubernetes' words mean here what they mean there; names may be repeated or joined."""
    view.readiness += [WRONG, Check("last_pass", ok=False, reason="EPERM")]
    for values in (["first_pass,last_pass"], ["first_pass", "last_pass"]):
        answer = get(view, "/readyz", query={"verbose": [""], "exclude": values})
        assert answer.status == 200
        assert answer.body == (
            b"[+]lease_held ok\n"
            b"[+]first_pass excluded: ok\n"
            b"[+]last_pass excluded: ok\n"
            b"readyz check passed\n"
        )


def test_one_check_alone(view: FakeView):
    """A path below the question asks for one check; one that does not exist is not found."""
    view.readiness.append(WRONG)
    assert get(view, "/readyz/lease_held").status == 200
    assert get(view, "/readyz/first_pass").status == 503
    assert get(view, "/readyz/nothing").status == 404


def test_health_as_json(view: FakeView):
    """Whoever asks for JSON by name gets the same in JSON, code included."""
    view.readiness.append(WRONG)
    answer = get(view, "/readyz", accept="text/html, application/json;q=0.9")
    assert (answer.status, answer.kind) == (503, JSON)
    assert json.loads(answer.body) == {
        "question": "readyz",
        "ok": False,
        "checks": [
            {"name": "lease_held", "ok": True, "reason": "", "excluded": False},
            {"name": "first_pass", "ok": False, "reason": "none yet", "excluded": False},
        ],
    }


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/status", lambda told: told["claim"]["subnets"] == ["10.5.3.0/24"]),
        ("/v1/routes", lambda told: told[0]["prefix"] == "10.5.1.0/24"),
        ("/v1/peers", lambda told: told[0]["node"] == "n2"),
        ("/v1/leases", lambda told: told[0]["etcd_lease"] == "2a"),
        ("/v1/refusals", lambda told: told[0]["reason"] == "overlap"),
        ("/v1/holds", lambda told: told["holds"][0]["cause"] == "many"),
        ("/v1/config", lambda told: told["settings"] == []),
    ],
)
def test_documents_are_for_this_host(view: FakeView, path: str, expected):
    """On the host they are JSON; from afar they are refused, and where to ask is said."""
    near, far = get(view, path), get(view, path, Reach.FAR)
    assert (near.status, near.kind) == (200, JSON)
    assert expected(json.loads(near.body))
    assert far.status == 403
    assert "unix socket" in json.loads(far.body)["error"]
    assert get(view, path, Reach.HEALTH).status == 404


def test_metrics_are_not_on_flannels_port(view: FakeView):
    """That port shows what flannel showed there: health."""
    assert get(view, "/metrics", Reach.FAR).body == b"hostgw_ready 1.0\n"
    assert get(view, "/metrics", Reach.HEALTH).status == 404


@pytest.mark.parametrize("path", ["/", "/v1", "/v1/", "/v1/nothing", "/../etc/passwd", "/metrics/"])
def test_an_unknown_path_lists_the_known_ones(view: FakeView, path: str):
    """Whoever is lost is told where to go, and only where it may go."""
    answer = get(view, path, Reach.FAR)
    assert answer.status == 404
    assert b"/readyz /metrics" in answer.body
    assert b"/v1/status" not in answer.body
    assert b"/v1/status" in get(view, path).body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "BREW"])
def test_what_shows_something_changes_nothing(view: FakeView, method: str):
    """Any method but GET and HEAD is refused, and the answer says which are allowed."""
    answer = respond(view, Request(method, "/v1/status", Reach.SOCKET))
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_every_path_that_is_named_exists(view: FakeView):
    """The list in the 404 is the truth."""
    for reach in Reach:
        for path in paths(reach):
            known = {PROBES: 400}  # there is no round that need not be named
            expected = 405 if path in OBEYED else known.get(path, 200)
            assert get(view, path, reach).status == expected


def test_the_page_names_every_path():
    """docs/http.md leaves nothing out."""
    page = (Path(__file__).parents[2] / "docs" / "http.md").read_text()
    assert [path for path in paths(Reach.SOCKET) if f"`{path}`" not in page] == []


def test_routes_in_full():
    """Every desired route, with what the kernel said where it is missing."""
    there = Route(ip_address("10.5.2.0").packed, 24, 1500, ip_address("192.0.2.2").packed, 2)
    gone = Route(ip_address("10.5.1.0").packed, 24, 1501, ip_address("192.0.3.1").packed, 2)
    missing = Outcome(Write(Verb.CREATE, gone), Verdict.OFF_LINK, 101, "Network is unreachable")
    assert list(RouteStatus.all({there, gone}, [missing])) == [
        RouteStatus("10.5.1.0/24", "192.0.3.1", 1501, 2, 254, "off_link", "Network is unreachable"),
        RouteStatus("10.5.2.0/24", "192.0.2.2", 1500, 2, 254, "installed"),
    ]


def test_a_lease_in_the_words_of_etcdctl():
    """The id of the etcd lease is hexadecimal; a key that stays has none."""
    lease = Lease(
        b"/p/subnets/10.5.1.0-24",
        Subnets(ip_network("10.5.1.0/24")),
        Addresses(ip_address("192.0.2.1")),
        etcd_lease=0x694D_0001,
    )
    told = LeaseStatus.of(lease)
    assert (told.subnets, told.gateways) == (("10.5.1.0/24",), ("192.0.2.1",))
    assert told.etcd_lease == "694d0001"
    assert LeaseStatus.of(Lease(b"", Subnets(), Addresses())).etcd_lease == ""


def test_the_configuration_in_force():
    """The network in flannel's words, and why the record in the store is not the one in force."""
    pool = Pool(ip_network("10.5.0.0/16"), 24, ip_address("10.5.1.0"), ip_address("10.5.255.0"))
    setting = SettingStatus("iface", "eth0", "flag --iface")
    told = ConfigStatus.of(ClusterConfig(pool, None, 7), "bad JSON", settings=[setting])
    assert told.ipv4 is not None
    assert (told.ipv4.network, told.ipv4.subnet_len, told.ipv4.subnet_max) == (
        "10.5.0.0/16",
        24,
        "10.5.255.0",
    )
    assert (told.ipv6, told.revision, told.trouble) == (None, 7, "bad JSON")
    assert ConfigStatus.of(None, "", settings=()).revision == 0


@pytest.mark.parametrize("path", OF_NETWORK)
def test_one_of_several_networks_is_asked_by_its_name(view: FakeView, path: str):
    """Without a name the first is meant, which has one, too; an unknown name is answered so."""
    blue = FakeView(held=())
    view.further["blue"] = blue
    asked = {
        name: respond(view, Request("GET", path, Reach.HOST, {"network": [name]}))
        for name in ("", "default", "blue", "gre en")
    }
    assert asked[""] == asked["default"] == respond(view, Request("GET", path, Reach.HOST))
    assert asked["blue"] == respond(blue, Request("GET", path, Reach.HOST))
    assert (asked["blue"].body == asked[""].body) == (path != "/v1/holds")
    assert asked["gre en"].status == 404
    assert json.loads(asked["gre en"].body) == {
        "error": "no network 'gre en' is served here; there are default blue"
    }


def test_an_order_is_for_the_network_that_it_names(view: FakeView):
    """The guard of the others hears nothing of it."""
    view.further["blue"] = FakeView()
    for name, status in (("blue", 200), ("red", 404)):
        request = Request(
            "POST", "/v1/holds/accept", Reach.SOCKET, {"network": [name]}, body=b'{"all": true}'
        )
        assert respond(view, request).status == status
    assert (len(view.obeyed), len(view.further["blue"].obeyed)) == (0, 1)
