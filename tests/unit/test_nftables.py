"""What is sent to nft, and what its listing is taken for."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from hostgw_daemon.rules.nftables import (
    UNREADABLE,
    Listing,
    amendment,
    holds,
    listed,
    standing,
    transaction,
    words_of,
)
from hostgw_daemon.rules.ruleset import desired
from support.rule_specs import DUAL, HOST, NODES, SPEC


def words(text):
    """Give a transaction's commands in three words each."""
    return [
        (verb, kind, body["family"])
        for command in json.loads(text)["nftables"]
        for verb, objects in command.items()
        for kind, body in objects.items()
    ]


def test_a_transaction_begins_by_removing_what_was_there():
    """Add, delete, add: right whether the table was there or not."""
    table = [("add", "table", "ip"), ("delete", "table", "ip"), ("add", "table", "ip")]
    done = words(transaction(desired(SPEC)))
    assert done[:3] == table
    assert {(verb, kind) for verb, kind, _ in done[3:]} == {("add", "chain"), ("add", "rule")}


def test_a_transaction_removes_a_table_that_is_no_longer_wanted():
    """Only where it stands: an unused family is not even mentioned."""
    gone = [("add", "table", "ip6"), ("delete", "table", "ip6")]
    assert words(transaction(desired(SPEC), present=(4, 6)))[-2:] == gone
    assert {family for _, _, family in words(transaction(desired(SPEC)))} == {"ip"}
    assert words(transaction(desired(replace(SPEC, networks=())))) == []


def listing_of(spec):
    """Give the listing as nft 1.0 prints it, made by hand from the transaction's own objects."""
    tables = {}
    for command in json.loads(transaction(desired(spec)))["nftables"]:
        for kind, body in command.get("add", {}).items():
            family = 4 if body["family"] == "ip" else 6
            if kind == "table":
                tables[family] = []
            tables[family].append({kind: {**body, "handle": len(tables[family])}})
    return Listing.of(tables)


def test_a_change_of_the_nodes_is_its_difference():
    """What is missing is added, what is too much deleted, in each family; else nothing is said."""
    before = {4: frozenset({"192.0.2.1", "192.0.2.2"}), 6: frozenset({"fd50::1"})}
    after = {4: frozenset({"192.0.2.1", "192.0.2.3"}), 6: frozenset({"fd50::1"})}
    assert not amendment(after, after)
    change = amendment(before, after)
    assert change
    place = {"family": "ip", "table": "hostgw", "name": "nodes"}
    assert json.loads(words_of(change))["nftables"] == [
        {"add": {"element": {**place, "elem": ["192.0.2.3"]}}},
        {"delete": {"element": {**place, "elem": ["192.0.2.2"]}}},
    ]


def test_a_listing_of_what_was_written_is_recognised():
    """Tables, hooks, policies and comments are compared, in both families."""
    assert holds(listing_of(DUAL), desired(DUAL))
    assert not holds(listing_of(SPEC), desired(DUAL))
    assert not holds(listing_of(DUAL), desired(SPEC))


def test_a_listing_of_the_nodes_is_recognised_by_what_it_holds():
    """In any order; one node more or less is another set, and so is one with a time limit."""
    spec = replace(DUAL, nodes=NODES)
    assert holds(listing_of(spec), desired(spec))
    assert not holds(listing_of(spec), desired(replace(DUAL, nodes={**NODES, 4: {HOST}})))
    assert not holds(listing_of(DUAL), desired(replace(DUAL, nodes={})))
    table = {"table": {"family": "ip", "name": "hostgw"}}
    aged = {"elem": {"val": "192.0.2.1", "expires": 3}}
    strange = Listing.of({4: [table, {"set": {"name": "nodes", "elem": [aged]}}]})
    assert strange.elements == {}
    assert strange.tables[4][1] == {"set": {"name": "nodes", "elem": [aged]}}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda objects: objects[:-1],
        lambda objects: (*objects, objects[-1]),
        lambda objects: (*objects[:-2], objects[-1], objects[-2]),
        lambda objects: ({"table": {**objects[0]["table"], "flags": "dormant"}}, *objects[1:]),
        lambda objects: (
            objects[0],
            {"chain": {**objects[1]["chain"], "policy": "drop"}},
            *objects[2:],
        ),
        lambda objects: (*objects, {"set": {"name": "strange"}}),
    ],
    ids=["rule gone", "rule twice", "order", "dormant", "policy", "foreign object"],
)
def test_a_listing_that_was_tampered_with_is_not(spoil):
    """A missing, doubled or moved rule, a dormant table, another policy, another object."""
    good = listing_of(SPEC).tables[4]
    assert not holds(Listing({4: spoil(good)}), desired(SPEC))


def test_only_the_objects_of_a_listing_are_kept():
    """The first object names nft's version, and an upgrade of nft is no drift."""
    answer = json.dumps({"nftables": [{"metainfo": {"version": "1.0.6"}}, {"table": {"a": 1}}]})
    assert listed(answer) == ({"table": {"a": 1}},)


@pytest.mark.parametrize("answer", ["", "table ip hostgw {}", "{}", '{"nftables": 3}', "{", "[]"])
def test_a_listing_that_cannot_be_read_is_not_what_we_wrote(answer):
    """Nft 1.0.6 cuts the listing of a table with flags short; that is no reason to stop."""
    assert listed(answer) == UNREADABLE
    assert not holds(Listing({4: listed(answer)}), desired(SPEC))


def test_our_tables_are_told_from_others_by_family_and_whole_name():
    """A table of the same name in another family, or with a longer name, is not ours."""
    names = ("ip hostgw", "inet hostgw", "ip6 hostgw-other", "ip filter")
    text = "".join(f"table {name} {{\n\tchain hostgw {{\n\t}}\n}}\n" for name in names)
    assert standing(text) == {4}
    assert standing("table ip6 hostgw {\n}\n") == {6}
    assert standing("") == frozenset()
