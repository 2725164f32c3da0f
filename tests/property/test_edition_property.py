"""An edition says what a dict says, and no edition sees what happens to the next."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from hostgw_core import edition as module
from hostgw_core.edition import Edition, draft_of

KEYS = st.integers(0, 12)


class Editions(RuleBasedStateMachine):
    """The current edition beside a dict, and all former ones beside what they said."""

    from_something = True

    def __init__(self):
        super().__init__()
        self.model = {key: -key for key in range(6)} if self.from_something else {}
        self.edition = Edition(dict(self.model)).draft()
        self.former = []

    @rule(key=KEYS, value=st.integers())
    def put(self, key, value):
        self.edition[key] = self.model[key] = value

    @rule(key=KEYS)
    def drop(self, key):
        assert self.edition.pop(key, None) == self.model.pop(key, None)

    @rule()
    def hand_on(self):
        printed = self.edition.printed()
        self.former.append((printed, dict(self.model)))
        self.edition = printed.draft()

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


@pytest.mark.parametrize("from_something", [False, True])
@pytest.mark.parametrize("most", [1, 256])
def test_an_edition_says_what_a_dict_says(monkeypatch, most, from_something):
    """Whatever is put and dropped, with little news allowed as with much."""
    monkeypatch.setattr(module, "MOST", most)
    monkeypatch.setattr(Editions, "from_something", from_something)
    machine = Editions.TestCase
    machine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
    machine().runTest()


def test_an_edition_cannot_be_changed():
    """Only a draft can."""
    with pytest.raises(TypeError):
        Edition({1: 1})[1] = 2
    with pytest.raises(TypeError):
        del Edition({1: 1}).draft().printed()[1]
    with pytest.raises(KeyError):
        del Edition({1: 1}).draft()[2]


def test_a_draft_of_any_mapping_leaves_it_alone():
    """A dict is copied, an edition is followed."""
    for mapping in ({1: 1}, Edition({1: 1})):
        draft = draft_of(mapping)
        draft[1] = 2
        assert dict(draft.printed()) == {1: 2}
        assert dict(mapping) == {1: 1}
