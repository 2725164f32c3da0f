"""The schedule: a seed says everything, every fault has its turn, and no two spoil one another."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.fault import Fault, Ground, nothing, on
from chaos.faults import BY_NAME, FAULTS, named
from chaos.schedule import SHAPES, Shape, by_shape, clash, episode, run

SEEDS = st.integers(0, 2**32 - 1)


def fault(name, *grounds, **more):
    """Give a fault that does nothing."""
    return Fault(name, on(*grounds), nothing, **more)


LINK = fault("link", Ground.HOST)
POWER = fault("power", Ground.HOST, Ground.DAEMON)
CRASH = fault("crash", Ground.DAEMON)
ALL = fault("all", Ground.DAEMON, whole=True)
STORE = fault("store", Ground.STORE)
QUORUM = fault("quorum", Ground.STORE, members=3)


@given(SEEDS)
def test_a_seed_gives_the_same_run_again(seed):
    """Two runs of one seed are one run."""
    assert list(run(seed, FAULTS, 90)) == list(run(seed, FAULTS, 90))


@given(SEEDS, st.integers(1, 300))
def test_a_run_has_as_many_faults_as_were_asked_for(seed, count):
    """Alone and in pairs, they add up."""
    assert sum(len(each.names) for each in run(seed, FAULTS, count)) == count


@given(SEEDS)
def test_a_run_of_pairs_has_no_fault_alone(seed):
    """But the last, of an odd number."""
    sizes = [len(each.names) for each in run(seed, FAULTS, 21, pairs=True)]
    assert sizes == [2] * 10 + [1]


@given(SEEDS)
def test_every_fault_is_tried_alone_and_in_pairs(seed):
    """In a long run no fault is left out, and none is tried much more often than another."""
    episodes = list(run(seed, FAULTS, 200))
    alone = [each.names[0] for each in episodes if len(each.names) == 1]
    assert set(alone) == set(BY_NAME)
    times = dict.fromkeys(BY_NAME, 0)
    for each in episodes:
        for name in each.names:
            times[name] += 1
    assert min(times.values()) >= 2
    assert max(times.values()) <= 9


@given(SEEDS)
def test_no_two_faults_of_an_episode_are_on_the_same_ground(seed):
    """Whatever is drawn, its faults can be told apart."""
    for each in run(seed, FAULTS, 120):
        for one, other in combinations(each.injections, 2):
            assert not clash(BY_NAME[one.fault], one.host, BY_NAME[other.fault], other.host)


@pytest.mark.parametrize(
    ("one", "on_host", "other", "on_other", "clashes"),
    [
        (LINK, 0, LINK, 1, False),
        (LINK, 0, LINK, 0, True),
        (LINK, 0, CRASH, 0, False),
        (POWER, 0, CRASH, 0, True),
        (POWER, 0, CRASH, 1, False),
        (ALL, 0, CRASH, 1, True),
        (ALL, 0, LINK, 0, False),
        (STORE, 0, STORE, 1, True),
        (STORE, 0, LINK, 0, False),
    ],
)
def test_what_clashes(one, on_host, other, on_other, clashes):
    """Two faults clash on one ground: of one host, of all, or of the store."""
    assert clash(one, on_host, other, on_other) is clashes
    assert clash(other, on_other, one, on_host) is clashes


@given(SEEDS, st.sampled_from(FAULTS))
def test_the_printed_command_does_the_same_again(seed, one):
    """A seed and names give the episode that printed them, alone too."""
    made = episode(seed, [one])
    words = made.command.split('"')[1].split()
    again = episode(int(words[1]), named(words[3]))
    assert again == made
    low, high = one.lasts
    assert low <= made.injections[0].seconds <= high
    assert made.injections[0].host < made.shape.hosts


@given(SEEDS)
def test_a_fault_of_a_pair_is_drawn_as_if_it_were_alone(seed):
    """So a pair that failed can be tried with either alone."""
    link, crash = BY_NAME["link-flap"], BY_NAME["daemon-killed"]
    both = episode(seed, [link, crash])
    assert [episode(seed, [link]).injections[0], episode(seed, [crash]).injections[0]] == [
        *both.injections
    ]


def test_faults_that_cannot_go_together_are_refused():
    """Their ground is the same."""
    with pytest.raises(ValueError, match="same ground"):
        episode(1, [STORE, QUORUM])


def test_a_fault_that_needs_a_quorum_gets_one():
    """Whatever the seed: three members."""
    assert {episode(seed, [QUORUM]).shape.members for seed in range(20)} == {3}


def test_episodes_of_one_shape_are_put_together():
    """And keep their order."""
    some = [episode(seed, [LINK]) for seed in range(20)]
    found = by_shape(some)
    assert [shape for shape, _ in found] == sorted(SHAPES)
    assert sorted(each.seed for _, each_of in found for each in each_of) == [*range(20)]
    assert all(each.shape == shape for shape, each_of in found for each in each_of)
    assert by_shape(some[:0]) == []
    assert str(Shape(4, 1)) == "4 hosts, one etcd member"


def test_an_unknown_name_is_refused_with_those_there_are():
    """A typing error costs nothing."""
    with pytest.raises(ValueError, match=r"no fault wipped: there are .*wiped"):
        named("wiped,wipped")


def test_what_may_be_lost_has_a_reason():
    """No allowance without its why, and no why without an allowance."""
    for each in FAULTS:
        assert each.allowance.loses == bool(each.allowance.why), each.name
    assert len(BY_NAME) == len(FAULTS)
