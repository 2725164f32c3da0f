"""The table of a run, and where it is written."""

import pytest

from chaos.faults import BY_NAME
from chaos.record import Violation
from chaos.runner import Outcome
from chaos.schedule import episode
from chaos.tally import BEGIN, END, place, render, tally

FLAP, KILL, WIPED = (BY_NAME[name] for name in ("link-flap", "daemon-killed", "wiped"))
ALONE = Outcome(episode(1, [FLAP]), 1000, 990, 10, 10, 0.25, ())
PAIR = Outcome(episode(2, [FLAP, KILL]), 2000, 1995, 5, 5, 1.25, ())
FAILED = Outcome(
    episode(3, [WIPED]), 500, 496, 4, 0, 0.5, (Violation("packets", "n1 -> n2: 4 lost"),)
)


def test_a_pair_counts_for_both_of_its_faults():
    """Packets, losses and times."""
    rows = tally([ALONE, PAIR, FAILED])
    assert rows.keys() == {"link-flap", "daemon-killed", "wiped"}
    flap = rows["link-flap"]
    assert (flap.alone, flap.paired, flap.sent, flap.excused) == (1, 1, 3000, 15)
    assert flap.converged == [0.25, 1.25]
    wiped = rows["wiped"]
    assert (wiped.unexcused, wiped.failed) == (4, 1)


def test_the_report_says_what_failed_and_how_to_do_it_again():
    """The sums, a row a fault, and the command."""
    text = render([ALONE, PAIR, FAILED], BY_NAME, machine="two cores", seed=9)
    assert "Seed 9: 4 faults in 3 episodes, 3,500 packets, on two cores." in text
    assert "\n4 packets were lost between healthy hosts.\n15 were lost where" in text
    assert "1 episodes failed." in text
    assert "| link-flap | 1 | 1 | 3,000 | 0 | 15 | 0.75 s | 1.25 s |" in text
    assert '`make chaos ARGS="--seed 3 --only wiped"`' in text
    assert "n1 -> n2: 4 lost" in text
    assert "etcd-stopped" not in text


def test_the_report_goes_between_the_marks_of_a_page():
    """And nothing else of the page changes."""
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert place(page, "new\n") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    with pytest.raises(ValueError, match="lacks"):
        place("no marks", "new")
