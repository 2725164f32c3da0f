"""The arithmetic of the benchmarks."""

import pytest
from bench.samples import Samples, seconds, spread


def test_the_median_of_an_odd_and_of_an_even_number():
    """The middle one, or the mean of the two in the middle, in whatever order they came."""
    assert Samples.of([9.0, 1.0, 2.0]).median == 2.0
    assert Samples.of([4.0, 1.0, 3.0, 2.0]).median == 2.5


@pytest.mark.parametrize(
    ("per_cent", "expected"), [(50, 50.0), (99, 99.0), (99.5, 100.0), (100, 100.0), (0.1, 1.0)]
)
def test_a_percentile_is_a_value_that_was_measured(per_cent, expected):
    """The smallest sample that so many per cent do not exceed."""
    assert Samples.of(float(n) for n in range(100, 0, -1)).percentile(per_cent) == expected


def test_the_percentile_of_few_samples_is_the_largest():
    """With ten samples nothing less can stand for p99."""
    assert Samples.of(map(float, range(10))).percentile(99) == 9.0


def test_nothing_measured_is_an_error():
    """No median is made up."""
    with pytest.raises(ValueError, match="nothing was measured"):
        Samples.of([])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12.345, "12.3 s"),
        (1.0, "1.00 s"),
        (0.9994, "999 ms"),
        (0.02, "20.0 ms"),
        (0.00253, "2.53 ms"),
        (0.000057, "57.0 us"),
        (0.0, "0 us"),
    ],
)
def test_a_duration_is_written_with_three_digits(value, text):
    """In the unit in which a person reads it."""
    assert seconds(value) == text


def test_a_spread_is_the_median_between_its_extremes():
    """So that nobody sees a median alone."""
    assert spread(Samples.of([0.001, 0.003, 0.002])) == "2.00 ms (1.00 ms-3.00 ms)"
