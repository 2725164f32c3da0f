import os
import signal
import subprocess
import sys

import pytest

from hostgw_cli.lab.interrupt import Interrupted, held, interruptible


def strike(number=signal.SIGINT):
    """Send ourselves a signal; Python handles it before the next line."""
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_between_steps_strikes_at_once(number):
    """Outside of a step the signal is an exception that carries its number."""
    done = []

    def work():
        with interruptible():
            strike(number)
            done.append("never")

    with pytest.raises(Interrupted) as raised:
        work()
    assert raised.value.number == number
    assert done == []


def test_a_signal_within_a_step_waits_for_its_end():
    """A step is done whole, then the signal strikes; nested steps end with the outermost."""
    done = []

    def work():
        with interruptible():
            with held():
                with held():
                    strike()
                    done.append("inner")
                done.append("outer")
            done.append("never")

    with pytest.raises(Interrupted):
        work()
    assert done == ["inner", "outer"]


def test_a_step_that_fails_shows_its_own_error():
    """The error of a step is not hidden by a signal that came during it, which strikes later."""
    seen = []

    def work():
        with interruptible():
            try:
                with held():
                    strike()
                    int("mine")
            except ValueError as error:
                seen.append(type(error).__name__)
            with held():
                seen.append("the next step")

    with pytest.raises(Interrupted):
        work()
    assert seen == ["ValueError", "the next step"]


def test_the_handlers_of_before_are_back():
    """What the program did with its signals before, it does again."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with interruptible():
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_what_is_done_and_stays_is_not_undone_by_a_late_signal():
    """After `ignore_from_now_on` no signal strikes, also when the handlers of before are back."""
    code = (
        "import os, signal\n"
        "from hostgw_cli.lab.interrupt import ignore_from_now_on, interruptible\n"
        "with interruptible():\n"
        "    ignore_from_now_on()\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "print('whole')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "whole\n")
