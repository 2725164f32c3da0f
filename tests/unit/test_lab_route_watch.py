from hostgw_cli.lab.route_watch import gap, understand

SAID = """\
[2026-03-01T10:00:00.000100] Deleted 10.244.2.0/24 via 198.18.0.2 dev eth0 proto 104 metric 1300 
[2026-03-01T10:00:00.000900] 10.244.9.0/24 via 198.18.0.9 dev eth0 proto 104 metric 1301 
[2026-03-01T10:00:00.002600] 10.244.2.0/24 via 198.18.0.2 dev eth0 proto 104 metric 1300 
[2026-03-01T10:00:05.000000] Deleted 10.244.9.0/24 via 198.18.0.9 dev eth0 proto 104 metric 1301 
"""  # noqa: W291 - ip prints a space at the end


def test_the_gap_is_from_the_loss_of_a_route_to_its_return():
    """Other routes do not count, and microseconds do."""
    gone = gap(understand(SAID), "10.244.2.0/24")
    assert gone is not None
    assert round(gone * 1e6) == 2500


def test_a_route_that_is_not_back_has_no_gap():
    """What came earlier is no return, and what never went has none."""
    assert gap(understand(SAID), "10.244.9.0/24") is None
    assert gap(understand(SAID), "10.244.3.0/24") is None


def test_a_line_that_is_half_written_is_not_read():
    """The watch is read while it is written: a line without its end is left for the next look."""
    assert [each.gone for each in understand(SAID[:150])] == [True]
    assert understand("[2026-03-01T10:00:00.0009") == []
