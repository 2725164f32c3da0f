"""The board of conditions: a level, never an edge."""

from collections.abc import Iterable

import pytest

from hostgw_core.health import Board, Condition, Kind, Severity

CAUSE = Kind("cause", Severity.ERROR, "A cause.", "Cure it.", unready=True)
SYMPTOM = Kind("symptom", Severity.ERROR, "A symptom.", "Wait.", explained_by=("cause",))
UNREADY_SYMPTOM = Kind(
    "stopped", Severity.WARNING, "Stopped.", "Wait.", unready=True, explained_by=("cause",)
)
HINT = Kind("hint", Severity.NOTICE, "A hint.", "Read it.")


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        """Give the time that was set."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Start at 100 seconds."""
    return Clock()


@pytest.fixture
def board(clock: Clock) -> Board:
    """Declare a cause, two symptoms and a hint."""
    return Board([CAUSE, SYMPTOM, UNREADY_SYMPTOM, HINT], clock)


def codes(conditions: Iterable[Condition]) -> list[str]:
    """Give the codes, in order."""
    return [condition.kind.code for condition in conditions]


def test_what_is_no_longer_named_is_over(board: Board):
    """A condition ends when its reporter leaves it out, without anybody clearing it."""
    board.report("a", {"cause": "x", "hint": "y"})
    raised, over = board.report("a", {"hint": "y"})
    assert (codes(raised), codes(over)) == ([], ["cause"])
    assert codes(board.standing()) == ["hint"]


def test_since_is_the_first_moment_it_was_seen(board: Board, clock: Clock):
    """A condition that goes on keeps its beginning, and takes the new particulars."""
    board.report("a", {"hint": "first"})
    clock.now = 160.0
    raised, over = board.report("a", {"hint": "second"})
    (standing,) = board.standing()
    assert (raised, over) == ([], [])
    assert (standing.since, standing.detail) == (100.0, "second")


def test_a_condition_that_comes_back_begins_anew(board: Board, clock: Clock):
    """An interruption ends a condition; the next one has a beginning of its own."""
    board.report("a", {"hint": "x"})
    board.report("a", {})
    clock.now = 300.0
    raised, _ = board.report("a", {"hint": "x"})
    assert [condition.since for condition in raised] == [300.0]


def test_reporters_do_not_touch_each_other(board: Board):
    """Each part of the program speaks for itself only."""
    board.report("a", {"hint": "x"})
    board.report("b", {})
    assert codes(board.standing()) == ["hint"]


def test_a_cause_hides_its_symptoms(board: Board):
    """While a cause stands, what it explains is not shown; afterwards it is."""
    board.report("a", {"symptom": "x"})
    board.report("b", {"cause": "y"})
    assert codes(board.standing()) == ["cause"]
    board.report("b", {})
    assert codes(board.standing()) == ["symptom"]


def test_a_hidden_symptom_still_blocks(board: Board):
    """Being explained does not make a node ready."""
    board.report("a", {"stopped": "x", "hint": "z"})
    board.report("b", {"cause": "y"})
    assert sorted(codes(board.blocking())) == ["cause", "stopped"]


def test_the_worst_comes_first(board: Board):
    """Errors stand above notices, and equals in the order of their codes."""
    board.report("a", {"hint": "", "symptom": ""})
    board.report("b", {"stopped": ""})
    assert codes(board.standing()) == ["symptom", "stopped", "hint"]


def test_an_undeclared_code_is_a_mistake_of_the_program(board: Board):
    """A code that no kind declares is refused, and what stood before still stands."""
    board.report("a", {"hint": "x"})
    with pytest.raises(KeyError):
        board.report("a", {"no_such_code": "x"})
    assert codes(board.standing()) == ["hint"]


def test_what_all_stand_on_explains_and_a_neighbour_does_not(clock: Clock):
    """Of two that stand on one ground, the trouble of one is no excuse for the other's."""
    board = Board([CAUSE, SYMPTOM, UNREADY_SYMPTOM, HINT], clock, shared="ground")
    board.report("one", {"cause": "x"})
    board.report("other", {"symptom": "y"})
    assert codes(board.standing()) == ["cause", "symptom"]
    board.report("one", {})
    board.report("ground", {"cause": "x"})
    assert codes(board.standing()) == ["cause"]


def test_who_is_asked_about_is_who_stands_in_the_way(clock: Clock):
    """A reporter that is not named does not block."""
    board = Board([CAUSE, SYMPTOM, UNREADY_SYMPTOM, HINT], clock)
    board.report("one", {"stopped": "x"})
    assert [each.detail for each in board.blocking()] == ["x"]
    assert [each.detail for each in board.blocking("one", "other")] == ["x"]
    assert board.blocking("other") == ()
