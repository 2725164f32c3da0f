"""The page of the broadcast experiment: every figure is from one run, and the picture too."""

from dataclasses import replace

import pytest
from bench.broadcast import plot, report
from bench.broadcast.__main__ import DATA, FULL, PAGE, PICTURE
from bench.broadcast.cost import Cost
from bench.broadcast.counting import Count
from bench.broadcast.law import Arrangement, Audience, audience
from bench.broadcast.results import Results, decode, encode
from bench.broadcast.spanning import Spanning
from bench.broadcast.storm import Storm
from bench.report import place
from bench.samples import Samples

BRIDGE, MACVLAN, ROUTED = Arrangement


def counted(arrangement, hosts, containers):
    """A start as it should be."""
    heard = audience(arrangement, hosts, containers)
    others = (hosts - 1, containers) if arrangement is ROUTED else ()
    return Count(arrangement, hosts, containers, Audience(0, 1, 1), heard, heard, others)


RESULTS = Results(
    "a machine",
    ["0.1 0.1 0.1", "0.2 0.2 0.2"],
    counts=[
        counted(each, hosts, containers)
        for hosts in (2, 10)
        for containers in (5, 20)
        for each in Arrangement
    ],
    costs=[
        Cost(
            each, 2, containers, hosts * containers, Samples.of([2e-6 + containers * 1e-6 * hosts])
        )
        for containers in (5, 20)
        for each, hosts in ((BRIDGE, 2), (ROUTED, 1))
    ],
    storms=[Storm(2, 2, 0.25, (1000, 1004), 2000, (1, 1))],
    spanning=[Spanning(2, 2, 2, Audience(5, 7, 7), 4.05, 4.15)],
)


def lines(text, *words):
    """Give the lines that hold all the words."""
    return [each for each in text.splitlines() if all(word in each for word in words)]


def test_the_page_holds_what_its_data_say_and_nothing_written_by_hand():
    """`make broadcast ARGS=--render` would change nothing."""
    page, results = PAGE.read_text(), decode(DATA.read_bytes())
    written = place(page, report.render(results), begin=report.BEGIN, end=report.END)
    assert written == page
    assert f"]({PICTURE.name})" in page


def test_the_readme_tells_the_counts_of_the_page():
    """At the largest size, flat and routed."""
    readme = " ".join((PAGE.parents[1] / "README.md").read_text().split())
    counts = {each.arrangement: each for each in report.largest(decode(DATA.read_bytes()).counts)}
    flat, routed = counts[BRIDGE], counts[ROUTED]
    assert (
        f"[{flat.announced.stacks} listeners of one ARP broadcast](docs/broadcast.md) at "
        f"{flat.hosts} hosts with {flat.containers} containers each, and "
        f"{routed.announced.stacks} by host-gw" in readme
    )


def test_the_data_of_the_page_are_whole_and_lawful():
    """Each size in each arrangement, up to ten hosts with twenty containers; a storm; two trees."""
    results = decode(DATA.read_bytes())
    sizes = {(each.hosts, each.containers, each.arrangement) for each in results.counts}
    assert sizes == {(*size, each) for size in FULL.sizes for each in Arrangement}
    assert (10, 20) in FULL.sizes
    assert all(each.lawful for each in results.counts)
    assert [each.after for each in results.storms] == [(1, 1)]
    assert [each.forward_delay for each in results.spanning] == [2, 15]
    assert all(each.announced == each.law for each in results.spanning)


def test_what_is_written_is_read_again():
    """The file of the results."""
    assert decode(encode(RESULTS)) == RESULTS


def test_the_large_cluster_is_extrapolated_and_says_so():
    """10,099 against 100, from sizes of at most 10 x 20."""
    text = report.render(RESULTS)
    assert "**Extrapolated**, not measured" in text
    assert [each.split(" | ")[-1] for each in lines(text, " | 0 | **1")] == [
        "**10,099** |",
        "**10,098** |",
        "**100** |",
    ]
    assert lines(text, "100 hosts with 100 containers each are 10,100 stacks")


def test_a_count_that_breaks_the_law_is_pointed_at():
    """In its cell, and in the sum of those that keep it."""
    odd = replace(RESULTS.counts[0], announced=Audience(12, 14, 14))
    text = report.render(replace(RESULTS, counts=[odd, *RESULTS.counts[1:]]))
    assert lines(text, "| 2 | 5 |", "**12 (14)**, not lawful")
    assert lines(text, "exactly, in 11 of 12 starts")


def test_the_first_packet_is_summed_over_all_that_ask():
    """10 x 20 by host-gw: the container, its host, the other host."""
    text = report.render(RESULTS)
    assert lines(text, "| host-gw | 10 x 20 | 3 | 20 + 9 + 20 | 49 |")
    assert lines(text, "| flat bridge | 10 x 20 | 1 | 209 | 209 |")


def test_the_cost_of_the_large_cluster_is_that_of_its_hosts():
    """2 us and 1 us a listener: 102 us for 100, on each of 100 hosts; 100 / 60 a second of each."""
    text = report.render(RESULTS)
    assert lines(text, "| 2 | 20 | 42.0 us", "| 22.0 us", "| 1.91 x |")
    assert lines(text, "2.00 us for a broadcast and 1.00 us for each listener", "0.00 us from it")
    assert lines(text, "102 us of CPU", "10.2 ms together", "1.70 % of a core", "0.02 %")


def test_a_storm_and_a_tree_are_told():
    """1,000 frames in a quarter of a second are 4,000 a second."""
    text = report.render(RESULTS)
    assert lines(text, "| 2 | 2 | 250 ms | 1,000-1,004 | 4,000 | 2,000 | 1 |")
    assert lines(text, "| 2 s | 2 x 2 | 5, 5 | 7, 7 | 4.05 s | 4.15 s |")


def test_a_part_that_was_not_measured_has_no_heading():
    """No empty table either."""
    text = report.render(Results("a machine", ["", ""]))
    assert "###" not in text
    assert "|" not in text


def test_the_same_results_give_the_same_picture(tmp_path):
    """Byte for byte, without a date."""
    one, other = tmp_path / "one.svg", tmp_path / "other.svg"
    plot.draw(RESULTS, one)
    plot.draw(RESULTS, other)
    assert one.read_bytes() == other.read_bytes()
    assert b"<dc:date>" not in one.read_bytes()


def test_too_few_sizes_give_no_picture(tmp_path):
    """A law cannot be drawn from one size."""
    few = replace(RESULTS, counts=RESULTS.counts[:3])
    with pytest.raises(ValueError, match="too few sizes"):
        plot.draw(few, tmp_path / "none.svg")
