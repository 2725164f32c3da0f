"""The command line is cut as Go's flag package cuts it."""

import pytest

from hostgw_core.settings.goflags import Found, Piece, cut

FLAGS = {"iface", "ip-masq", "v", "etcd-endpoints"}
BOOLEANS = {"ip-masq"}


def _flag(name, value=None):
    return Piece(Found.FLAG, name, value)


@pytest.mark.parametrize(
    ("argv", "pieces"),
    [
        (["-iface=eth0"], [_flag("iface", "eth0")]),
        (["--iface=eth0"], [_flag("iface", "eth0")]),
        (["-iface", "eth0"], [_flag("iface", "eth0")]),
        (["--iface", "eth0"], [_flag("iface", "eth0")]),
        (["--iface="], [_flag("iface", "")]),
        (["--iface", ""], [_flag("iface", "")]),
        (["--iface=a=b"], [_flag("iface", "a=b")]),
        (["--iface", "-v=2"], [_flag("iface", "-v=2")]),
        (["--iface", "--"], [_flag("iface", "--")]),
        (["-v=2"], [_flag("v", "2")]),
        (["-v", "2"], [_flag("v", "2")]),
        (["--v", "-1"], [_flag("v", "-1")]),
        (["--ip-masq", "-v=2"], [_flag("ip-masq"), _flag("v", "2")]),
        (["--ip-masq=false"], [_flag("ip-masq", "false")]),
        (["--ip-masq="], [_flag("ip-masq", "")]),
        (["--iface=a", "--iface=b"], [_flag("iface", "a"), _flag("iface", "b")]),
        (["--ip-masq", "--"], [_flag("ip-masq")]),
        (["", "--ip-masq", ""], [_flag("ip-masq")]),
    ],
)
def test_what_go_takes(argv, pieces):
    """Every spelling that Go takes gives the flag and the value that Go gives it."""
    assert list(cut(argv, flags=FLAGS, booleans=BOOLEANS)) == pieces


@pytest.mark.parametrize(
    ("argv", "pieces"),
    [
        (["--iface"], [Piece(Found.VALUELESS, "iface")]),
        (["---iface"], [Piece(Found.MALFORMED, "---iface")]),
        (["--=eth0"], [Piece(Found.MALFORMED, "--=eth0")]),
        (["-=eth0"], [Piece(Found.MALFORMED, "-=eth0")]),
        (["--bogus"], [Piece(Found.UNKNOWN, "bogus")]),
        (["--bogus", "x", "-v=2"], [Piece(Found.UNKNOWN, "bogus"), _flag("v", "2")]),
        (["--bogus=x", "-v=2"], [Piece(Found.UNKNOWN, "bogus"), _flag("v", "2")]),
        (["--bogus", "-v=2"], [Piece(Found.UNKNOWN, "bogus"), _flag("v", "2")]),
        (["-"], [Piece(Found.STRAY, "-")]),
        (["x", "-v=2"], [Piece(Found.STRAY, "x"), _flag("v", "2")]),
        (["--", "-v=2"], [Piece(Found.STRAY, "-v=2")]),
        (
            ["--ip-masq", "false", "more"],
            [
                _flag("ip-masq"),
                Piece(Found.STRAY, "false", after="ip-masq"),
                Piece(Found.STRAY, "more"),
            ],
        ),
    ],
)
def test_what_go_refuses_or_ignores(argv, pieces):
    """What Go refuses, or stops at, is a piece of its own, and the line is cut to its end."""
    assert list(cut(argv, flags=FLAGS, booleans=BOOLEANS)) == pieces
