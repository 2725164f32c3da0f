"""Who deletes what we put back: when it is a fight, and when it is over."""

from __future__ import annotations

from hostgw_daemon.kernel import Route
from hostgw_daemon.routes.fights import BURST, LIMIT, TRUCE, WINDOW, Fights

A = Route(b"\x0a\x05\x01\x00", 24, 1500, b"\xac\x10\x00\x04", 2)
B = Route(b"\x0a\x05\x02\x00", 24, 1500, b"\xac\x10\x00\x04", 2)


def lose(fights, route, *moments):
    """Lose a route at these moments, and put it back whenever that is allowed; say when it was."""
    answers = []
    for now in moments:
        answers.append(fights.lost(route, now))
        if answers[-1]:
            fights.restored(route, now)
    return answers


def test_five_times_in_ten_seconds_is_no_fight_and_a_sixth_is():
    """The sixth loss within the window begins the truce."""
    assert (LIMIT, WINDOW, TRUCE) == (5, 10.0, 30.0)
    fights = Fights()
    assert lose(fights, A, 0, 1, 2, 3, 4, 9.9) == [True] * 5 + [False]
    assert fights.standing(9.9) == (A,)
    assert fights.next_end() == 39.9


def test_losses_of_one_burst_count_once():
    """A flush that deletes ten times within milliseconds is one loss, and is not raced."""
    fights = Fights()
    assert not fights.again(A, 0.0)
    lose(fights, A, 0.0, 0.001, 0.002)
    assert fights.again(A, 0.003)
    assert not fights.again(B, 0.003)
    assert not fights.again(A, BURST)
    # Whoever deletes without a pause is met once a burst, and then no more.
    rounds = [n / 100 for n in range(4, 200)]
    assert lose(fights, A, *rounds).index(False) == 125 - 4


def test_what_is_longer_ago_than_the_window_does_not_count():
    """Whoever deletes a route every two seconds is put up with for ever."""
    assert all(lose(Fights(), A, *range(0, 200, 2)))


def test_during_a_truce_the_route_is_left_alone_and_then_put_back():
    """For thirty seconds nothing is done, whatever happens; after that all begins anew."""
    fights = Fights()
    lose(fights, A, *range(6))
    assert lose(fights, A, 6, 20, 34.9) == [False] * 3
    assert fights.left_alone(A, 34.9)
    assert not fights.left_alone(A, 35)
    assert fights.next_end() is None
    assert lose(fights, A, 35, 36, 37, 38, 39, 40) == [True] * 5 + [False]


def test_one_routes_fight_is_not_anothers():
    """Every route is counted by itself."""
    fights = Fights()
    lose(fights, A, *range(6))
    assert lose(fights, B, 6) == [True]
    assert fights.standing(6) == (A,)


def test_losses_that_are_not_made_good_are_no_fight():
    """A link that flaps takes its routes each time; nothing was put back in between."""
    fights = Fights()
    assert all(fights.lost(A, now / 10) for now in range(50))


def test_the_first_end_is_the_next_one():
    """Several truces end one after the other."""
    fights = Fights()
    lose(fights, A, *range(6))
    lose(fights, B, *range(10, 16))
    assert fights.next_end() == 35
    assert fights.standing(36) == (B,)
    assert fights.next_end() == 45


def test_a_route_that_nobody_wants_is_not_fought_over():
    """A fight ends with its subject, and a route that comes again begins anew."""
    fights = Fights()
    lose(fights, A, *range(6))
    lose(fights, B, 5)
    fights.forget_all_but({B})
    assert (fights.standing(6), fights.next_end()) == ((), None)
    assert lose(fights, A, 6, 7) == [True, True]
    lose(fights, A, 8, 9, 10)
    fights.forget([A, B])
    assert lose(fights, A, 11) == [True]


def test_what_is_long_ago_is_forgotten():
    """Nothing piles up over months of leases that come and go."""
    fights = Fights()
    lose(fights, A, 0)
    fights.lost(B, 0)
    assert len(fights._restored) == 2
    fights.standing(WINDOW)
    assert fights._restored == {}
