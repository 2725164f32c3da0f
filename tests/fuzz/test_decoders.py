"""The corpus of the fuzzer, replayed, and a short hunt from it: the same in every run."""

import random

import pytest

from support.fuzz.decoders import DECODERS, Decoder
from support.fuzz.hunt import Hunt, corpus, tried

INPUTS = 400


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda decoder: decoder.name)
def test_every_input_of_the_corpus_is_read_or_refused(decoder: Decoder):
    """A value or a reason, never an exception, in a bounded number of steps."""
    for name, data in corpus(decoder).items():
        assert tried(decoder, data), name


@pytest.mark.parametrize("decoder", DECODERS, ids=lambda decoder: decoder.name)
def test_a_short_hunt_finds_nothing(decoder: Decoder):
    """So do inputs that are changed from them, by a seed that is always the same."""
    hunt = Hunt(decoder)
    hunt.begin(corpus(decoder).values())
    found = list(hunt.run(random.Random(7), INPUTS))
    assert len(found) <= INPUTS
