import pytest

from hostgw_cli.lab.echo import understand
from hostgw_cli.lab.topology import LabError

HEAD = "PING 10.244.2.2 (10.244.2.2) 56(84) bytes of data.\n"


def answers(*numbers):
    """Write the answers of ping to these requests."""
    return "".join(
        f"64 bytes from 10.244.2.2: icmp_seq={n} ttl=62 time={n / 10} ms\n" for n in numbers
    )


def counts(sent, received):
    """Write the end of what ping says."""
    return (
        f"\n--- 10.244.2.2 ping statistics ---\n"
        f"{sent} packets transmitted, {received} received, 0% packet loss, time 40ms\n"
    )


def test_every_answer_counts():
    """All answered: nothing lost, and the median round trip is given."""
    echo = understand(HEAD + answers(1, 2, 3) + counts(3, 3))
    assert (echo.sent, echo.received, echo.lost, echo.rtt) == (3, 3, 0, 0.2)
    assert echo


def test_a_missing_answer_is_a_loss():
    """A hole in the middle is a loss, also when the ping was cut short."""
    said = HEAD + answers(1, 3) + counts(3, 2)
    assert understand(said).lost == 1
    assert understand(said, cut_short=True).lost == 1
    assert not understand(said)


def test_the_last_request_of_a_ping_that_was_cut_short_may_be_on_its_way():
    """Only the very last one is forgiven, and only when the ping was stopped by us."""
    said = HEAD + answers(1, 2) + counts(3, 2)
    assert understand(said, cut_short=True).lost == 0
    assert understand(said).lost == 1
    assert understand(HEAD + answers(1) + counts(3, 1), cut_short=True).lost == 1


def test_a_duplicate_is_no_second_answer():
    """An answer that comes twice does not hide one that never came."""
    twice = "64 bytes from 10.244.2.2: icmp_seq=1 ttl=62 time=0.2 ms (DUP!)\n"
    said = HEAD + answers(1) + twice + counts(2, 1)
    assert understand(said).lost == 1


def test_an_unreachable_host_answers_nothing():
    """An error from a router is no answer."""
    said = (
        HEAD
        + "From 10.244.1.1 icmp_seq=1 Destination Host Unreachable\n"
        + "\n--- 10.244.2.2 ping statistics ---\n"
        + "1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms\n"
    )
    assert (understand(said).received, understand(said).lost) == (0, 1)


def test_what_is_no_report_is_an_error():
    """A ping that could not run at all is not the same as a ping without answers."""
    with pytest.raises(LabError, match="Network is unreachable"):
        understand("ping: connect: Network is unreachable\n")
