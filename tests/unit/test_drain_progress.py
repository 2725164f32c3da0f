"""How far a drain is, from what a daemon says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostgw_cli.drain.attached import in_use
from hostgw_cli.drain.progress import Progress, news, progress, resumed, standing


def network(name: str = "first", *, held: bool = True, subnet: str = "10.5.1.0/24", **said: Any):
    """Make what the status says of a network; `said`: of its withdrawal."""
    listed = {"count": 0, "first": []}
    withdrawal = {"revision": 42, "let_go": 0, "behind": listed, "mute": listed, "released": False}
    claim = {"held": held, "subnets": [subnet] if held else [], "withdrawal": None}
    return {
        "name": name,
        "claim": {**claim, "withdrawal": {**withdrawal, **said} if said else None},
    }


def listed(*names: str, count: int = 0) -> Mapping[str, Any]:
    """Make a list of which only the first are named."""
    return {"count": count or len(names), "first": [*names]}


def status(*networks: Mapping[str, Any], condition: str = "draining") -> Mapping[str, Any]:
    """Make a status."""
    return {
        "networks": networks,
        "conditions": [{"code": condition, "detail": "so it is"}] if condition else [],
    }


HELD = progress(status(network(), condition=""), None)
WAITS = status(network(let_go=1, behind=listed("n2", "n3"), mute=listed("192.0.2.9")))
RELEASED = status(network(held=False, let_go=3, released=True), condition="drained")


def test_each_step_is_said_once():
    """In the order in which they are made."""
    waits = progress(WAITS, None, HELD)
    assert [*news(HELD, waits)] == [
        "10.5.1.0/24 is withdrawn, at revision 42 of the store",
        "1 of 3 nodes have let go, n2, n3 not yet; 192.0.2.9 cannot say",
    ]
    assert [*news(waits, waits)] == []
    left = progress(RELEASED, {"changes": [], "waits": ""}, waits)
    assert [*news(waits, left)] == [
        "3 of 3 nodes have let go",
        "10.5.1.0/24 is released: another node may have it",
        "what is on this host is removed: routes, rules, files",
    ]
    assert (left.done, left.behind) == (True, False)
    assert left.as_json()["networks"][0]["subnets"] == ("10.5.1.0/24",)


def test_of_several_networks_each_is_named():
    """One may be left while another waits."""
    both = status(network(let_go=1), network("blue", subnet="10.9.1.0/24"))
    lines = [*news(None, progress(both, None))]
    assert lines[0].startswith("first: 10.5.1.0/24 is withdrawn")
    assert not any(line.startswith("blue") for line in lines)
    one = status(network(held=False, let_go=1, released=True), network("blue"), condition="drained")
    assert not progress(one, None).drained


def test_what_it_waits_for():
    """The pause, what is still there, or what the daemon says is wrong."""
    change = {"what": "route", "thing": "10.5.2.0/24", "why": "it goes"}
    stays = progress(RELEASED, {"changes": [change] * 5, "waits": ""})
    assert not stays.done
    where = "on this host there is still route 10.5.2.0/24 (it goes)"
    assert standing(stays).startswith(where)
    assert standing(stays).endswith("and 2 more")
    paused = progress(RELEASED, {"changes": [change], "waits": "paused until noon"})
    assert standing(paused) == "paused until noon"
    assert standing(progress(WAITS, None)) == "draining (so it is)"
    assert standing(HELD) == "no condition says why"


def test_somebody_has_it_stay():
    """What was withdrawn is not any more, and it has not left."""
    waits = progress(WAITS, None)
    assert resumed(waits, HELD)
    assert not resumed(None, HELD)
    assert not resumed(HELD, HELD)
    assert not resumed(waits, waits)
    assert not resumed(waits, progress(status(network(held=False), condition="drained"), None))


def test_who_is_behind_is_counted():
    """Also of more than are named."""
    many = progress(status(network(let_go=2, behind=listed("n2", count=900))), None)
    assert many.behind
    assert many.networks[0].told == "2 of 902 nodes have let go, n2 and 899 more not yet"
    assert not Progress((), drained=True).behind


def test_addresses_in_use():
    """host-local's files are named like addresses, and there are others."""
    names = ["10.5.1.2", "10.5.1.3", "10.5.2.1", "fd00:5::7", "lock", "last_reserved_ip.0"]
    assert in_use(names, ["10.5.1.0/24", "fd00:5::/64", "10.7.0.0/24"]) == {
        "10.5.1.0/24": 2,
        "fd00:5::/64": 1,
    }
    assert in_use(names, []) == {}
