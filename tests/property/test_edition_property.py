"""An edition says what a dict says, and no edition sees what happens to the next."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hostgw_core import edition as module
from hostgw_core.edition import Edition

KEYS = st.integers(0, 12)


class Editions(RuleBasedStateMachine):
    """The current edition beside a dict, and all former ones beside what they said."""

    def __init__(self):
        super().__init__()
        self.model = {key: -key for key in range(6)}
        self.edition = Edition(dict(self.model))
        self.former = []

    @rule(key=KEYS, value=st.integers())
    def put(self, key, value):
        self.edition[key] = self.model[key] = value

    @rule(key=KEYS)
    def drop(self, key):
        assert self.edition.pop(key, None) == self.model.pop(key, None)

    @rule()
    def hand_on(self):
        self.former.append((self.edition, dict(self.model)))
        self.edition = self.edition.next()

    @invariant()
    def it_says_what_the_dict_says(self):
        assert sorted(self.edition) == sorted(self.model)
        assert dict(self.edition) == self.model
        assert len(self.edition) == len(self.model)
        for key in range(14):
            assert (key in self.edition) == (key in self.model)
            assert self.edition.get(key) == self.model.get(key)

    @invariant()
    def what_was_handed_on_stays(self):
        for edition, said in self.former[-3:]:
            assert dict(edition) == said


def test_an_edition_says_what_a_dict_says(monkeypatch):
    """Whatever is put and dropped, with little news allowed as with much."""
    machine = Editions.TestCase
    for most in (1, 256):
        monkeypatch.setattr(module, "MOST", most)
        machine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
        machine().runTest()
