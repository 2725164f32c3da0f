"""Which endpoint is next: the current one until it fails, then one that has rested."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hostgw_core.etcd.rotation import Rotation
from hostgw_core.etcd.settings import Endpoint

ENDPOINTS = [Endpoint("10.0.0.1", port, tls=False) for port in range(1, 6)]


def test_the_current_endpoint_stays_until_it_fails() -> None:
    """Failures of others and answers of its own change nothing for the current endpoint."""
    rotation = Rotation(ENDPOINTS[:3])
    first = rotation.current
    for other in ENDPOINTS[:3]:
        if other != first:
            rotation.failed(other, 0.0)
    rotation.answered(first)
    assert rotation.current == first
    assert not rotation.exhausted


def test_all_are_tried_before_one_again() -> None:
    """N failures at one moment visit n endpoints; only then there is a pause, and it is short."""
    rotation = Rotation(ENDPOINTS)
    tried = []
    for _ in ENDPOINTS:
        assert rotation.pause(0.0) == 0.0
        tried.append(rotation.current)
        rotation.failed(rotation.current, 0.0)
    assert set(tried) == set(ENDPOINTS)
    assert rotation.exhausted
    assert 0.0 < rotation.pause(0.0) <= 0.1
    assert rotation.pause(0.1) == 0.0


def test_one_that_rests_is_passed_over() -> None:
    """The next in the list failed a moment ago: the one behind it is taken."""
    rotation = Rotation(ENDPOINTS[:3])
    here = ENDPOINTS.index(rotation.current)
    following, behind = (ENDPOINTS[(here + step) % 3] for step in (1, 2))
    rotation.failed(following, 0.0)
    rotation.failed(rotation.current, 0.0)
    assert rotation.current == behind


def test_rests_grow_to_two_seconds_and_end_with_an_answer() -> None:
    """An endpoint that goes on failing is asked every 1 to 2 s; one answer, and it is forgiven."""
    rotation = Rotation(ENDPOINTS[:1])
    for _ in range(10):
        rotation.failed(ENDPOINTS[0], 0.0)
    assert 1.0 <= rotation.pause(0.0) <= 2.0
    rotation.answered(ENDPOINTS[0])
    assert rotation.pause(0.0) == 0.0
    rotation.failed(ENDPOINTS[0], 0.0)
    assert rotation.pause(0.0) <= 0.1


def test_a_new_list_keeps_the_current_endpoint() -> None:
    """Members come and go around the current one without a reconnect."""
    rotation = Rotation(ENDPOINTS[:3])
    current = rotation.current
    rotation.replace([*ENDPOINTS[3:], current])
    assert (rotation.current, len(rotation)) == (current, 3)
    rotation.replace(ENDPOINTS[3:])
    assert rotation.current in ENDPOINTS[3:]
    rotation.failed(current, 0.0)  # late news of one that is no longer known
    assert not rotation.exhausted


def test_clients_begin_at_different_endpoints() -> None:
    """A thousand nodes with one list do not all take its first member."""
    firsts = {Rotation(ENDPOINTS).current for _ in range(200)}
    assert firsts == set(ENDPOINTS)


@given(st.lists(st.tuples(st.sampled_from(ENDPOINTS), st.booleans(), st.floats(0, 3)), max_size=60))
def test_whatever_happens_a_rested_endpoint_is_preferred(
    events: list[tuple[Endpoint, bool, float]],
) -> None:
    """The current endpoint, failing, is followed by one that need not rest, if there is one."""
    rotation, now = Rotation(ENDPOINTS), 0.0
    rests: dict[Endpoint, float] = {}
    for endpoint, well, later in events:
        now += later
        if well:
            rotation.answered(endpoint)
            rests.pop(endpoint, None)
            continue
        was_current = rotation.current == endpoint
        rotation.failed(endpoint, now)
        rests[endpoint] = now + 2.0  # at the longest
        if was_current and any(rests.get(other, now) <= now for other in ENDPOINTS):
            assert rotation.pause(now) == 0.0
