"""The datagrams between daemons: what is read back, and what is never answered."""

from __future__ import annotations

from ipaddress import ip_address

import hypothesis.strategies as st
import pytest
from hypothesis import given

from hostgw_daemon.probe.datagram import (
    SIZE,
    Answer,
    Ends,
    Question,
    Report,
    Way,
    answer,
    answered,
    ask,
    asked,
    is_answer,
    number_of,
)

ENDS = Ends(ip_address("192.0.2.1"), ip_address("192.0.2.2"))
QUESTION = Question(Way.POD, 7_000_000_001, ip_address("10.5.2.1"))


def test_a_question_is_read_by_who_is_asked():
    """Its length is what was asked for, and at least that of an answer."""
    for size, length in ((0, 48), (48, 48), (1472, 1472)):
        data = ask(QUESTION, ENDS, node_id="n2", size=size)
        assert len(data) == length
        assert asked(data, ENDS, node_id="n2") == QUESTION


def test_the_gateway_that_it_is_about_is_of_either_family():
    """An IPv4 subnet may be asked about over IPv6."""
    for about in ("10.5.2.1", "fd00:5:0:2::1"):
        question = Question(Way.HOST, 7, ip_address(about))
        assert asked(ask(question, ENDS, node_id="n2"), ENDS, node_id="n2") == question


def test_an_answer_is_read_by_the_asker():
    """It carries the number and what the other says of itself, and is never longer."""
    report = Report.FORWARDS | Report.GATEWAY
    data = answer(QUESTION, report, ENDS, node_id="n2")
    assert len(data) == SIZE
    assert is_answer(data)
    assert answered(data, ENDS, node_id="n2") == Answer(Way.POD, 7_000_000_001, report)


@pytest.mark.parametrize(
    ("ends", "node_id"),
    [
        (ENDS, "n3"),
        (Ends(ip_address("192.0.2.9"), ENDS.asked), "n2"),
        (Ends(ENDS.asker, ip_address("192.0.2.9")), "n2"),
        (Ends(ENDS.asked, ENDS.asker), "n2"),
        (ENDS, ""),
    ],
)
def test_another_id_or_address_opens_no_seal(ends, node_id):
    """A forged source, a question to somebody else, a question sent back: none is answered."""
    assert asked(ask(QUESTION, ENDS, node_id="n2"), ends, node_id=node_id) is None
    assert answered(
        answer(QUESTION, Report.FORWARDS, ENDS, node_id="n2"), ends, node_id=node_id
    ) is (None)


def test_a_question_is_no_answer_nor_the_other_way():
    """So two daemons can never answer each other's answers for ever."""
    question = ask(QUESTION, ENDS, node_id="n2")
    reply = answer(QUESTION, Report.NOTHING, ENDS, node_id="n2")
    assert answered(question, ENDS, node_id="n2") is None
    assert asked(reply, ENDS, node_id="n2") is None


@given(at=st.integers(0, 47), bit=st.integers(0, 7))
def test_one_bit_changed_and_it_is_not_answered(at, bit):
    """Every byte that is read is under the seal, and the seal itself."""
    data = bytearray(ask(QUESTION, ENDS, node_id="n2"))
    data[at] ^= 1 << bit
    assert asked(bytes(data), ENDS, node_id="n2") is None


@given(data=st.binary(max_size=200))
def test_anything_else_is_nothing(data):
    """Whatever comes to an open port."""
    assert asked(data, ENDS, node_id="n2") is None
    assert answered(data, ENDS, node_id="n2") is None
    assert number_of(data) is None or data[:4] == b"hgw1"


def test_the_number_is_read_of_what_an_icmp_error_quotes():
    """An error may quote no more than the first bytes."""
    data = ask(QUESTION, ENDS, node_id="n2")
    assert number_of(data[:16]) == QUESTION.number
    assert number_of(data[:15]) is None


def test_a_way_that_is_never_received_is_read_as_no_question_of_an_unknown_kind():
    """A later version may know more ways: this one does not answer them."""
    data = bytearray(ask(QUESTION, ENDS, node_id="n2"))
    data[5] = 200
    assert asked(bytes(data), ENDS, node_id="n2") is None
