"""systemd-networkd's configuration as networkd.conf(5) has it: which file counts, which word."""

from __future__ import annotations

from pathlib import Path

import pytest

from hostgw_daemon.host.networkd import in_order, looks_after, takes_foreign_routes

NO, YES = "[Network]\nManageForeignRoutes=no\n", "[Network]\nManageForeignRoutes=yes\n"
OURS = Path(__file__).parents[2] / "systemd/networkd.conf.d/hostgw.conf"


@pytest.mark.parametrize(
    ("texts", "takes"),
    [
        ((), True),
        ((NO,), False),
        ((NO, YES), True),
        ((YES, NO), False),
        (("[Network]\n  ManageForeignRoutes = off  \n",), False),
        (("[Network]\nManageForeignRoutes=0\n",), False),
        (("[Network]\n#ManageForeignRoutes=no\n",), True),
        (("[Network]\n; ManageForeignRoutes=no\n",), True),
        (("[Network]\nManageForeignRoutes=perhaps\n",), True),
        ((NO, "[Network]\nManageForeignRoutes=perhaps\n"), False),
        (("[DHCPv4]\nManageForeignRoutes=no\n",), True),
        (("[Network]\nManageForeignRoutingPolicyRules=no\n",), True),
        (("[DHCPv4]\nDUIDType=vendor\n[Network]\nSpeedMeter=no\nManageForeignRoutes=NO",), False),
        ((OURS.read_text(),), False),
    ],
)
def test_the_last_word_counts(texts: tuple[str, ...], takes: bool):
    """In its section, with any of systemd's words for yes and no; what it cannot read it skips."""
    assert takes_foreign_routes(texts) is takes


def test_of_two_files_with_one_name_the_first_folder_counts():
    """The main file first, then the drop-ins by their names, wherever they lie; hidden ones not."""
    etc, run, usr = {"30.conf": "e"}, {"10.conf": "r1", "30.conf": "r3"}, {"20.conf": "u", "x": "x"}
    assert in_order(["main", "other"], [etc, run, usr]) == ("main", "r1", "u", "e", "x")
    assert in_order([], [{"hostgw.conf": ""}, {"hostgw.conf": NO}]) == ("",)


@pytest.mark.parametrize(
    ("state", "after"),
    [
        (
            "# This is private data. Do not parse.\nADMIN_STATE=configured\nOPER_STATE=routable",
            True,
        ),
        ("ADMIN_STATE=configuring", True),
        ("ADMIN_STATE=unmanaged\nOPER_STATE=routable\n", False),
        ("", False),
    ],
)
def test_only_a_link_that_it_configures_is_in_danger(state: str, after: bool):
    """Without a state nothing is said."""
    assert looks_after(state) is after
