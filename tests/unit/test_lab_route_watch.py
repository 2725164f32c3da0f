from hostgw_cli.lab.route_watch import returned, understand

SAID = """\
[2026-03-01T10:00:00.000100] Deleted 10.244.2.0/24 via 198.18.0.2 dev eth0 proto 104 metric 1300 
[2026-03-01T10:00:00.000900] 10.244.9.0/24 via 198.18.0.9 dev eth0 proto 104 metric 1301 
[2026-03-01T10:00:00.002600] 10.244.2.0/24 via 198.18.0.2 dev eth0 proto 104 metric 1300 
[2026-03-01T10:00:05.000000] Deleted 10.244.9.0/24 via 198.18.0.9 dev eth0 proto 104 metric 1301 
"""  # noqa: W291 - ip prints a space at the end


def test_a_route_is_back_at_its_first_return_after_it_went():
    """Other routes do not count, and microseconds do."""
    seen = understand(SAID)
    back = returned(seen, "10.244.2.0/24")
    assert back is not None
    assert round((back - seen[0].when) * 1e6) == 2500


def test_a_route_that_is_not_back_has_not_returned():
    """What came earlier is no return, and what never went does not return."""
    assert returned(understand(SAID), "10.244.9.0/24") is None
    assert returned(understand(SAID), "10.244.3.0/24") is None


def test_a_line_that_is_half_written_is_not_read():
    """The watch is read while it is written: a line without its end is left for the next look."""
    assert [each.gone for each in understand(SAID[:150])] == [True]
    assert understand("[2026-03-01T10:00:00.0009") == []


def test_a_route_of_ipv6_is_seen_among_those_of_ipv4():
    """One watch has the routes of both families."""
    said = """\
[2026-03-01T10:00:00.000100] Deleted fd00:2::/64 via 2001:2::2 dev eth0 proto 104 metric 2300 pref medium
[2026-03-01T10:00:00.000900] 10.244.9.0/24 via 198.18.0.9 dev eth0 proto 104 metric 1301
[2026-03-01T10:00:00.001100] fd00:2::/64 via 2001:2::2 dev eth0 proto 104 metric 2300 pref medium
"""  # noqa: E501 - as ip prints it
    seen = understand(said)
    back = returned(seen, "fd00:2::/64")
    assert back is not None
    assert round((back - seen[0].when) * 1e6) == 1000
