"""Values come from the strongest source that has them."""

from __future__ import annotations

import pytest

from hostgw_core.settings import Program, Setting, asked_for, kinds, read
from support.example_program import PROGRAM, given, problems


def test_nothing_given():
    """Without any source every setting has its default, and says so."""
    values = given().values
    assert {name: value.value for name, value in values.items() if name != "password"} == {
        "iface": (),
        "hosts": ("a", "b"),
        "wait": 5.0,
        "count": 1,
        "masq": False,
        "name": "",
        "pin": None,
        "old": False,
        "kube": False,
        "config": "",
        "version": False,
    }
    assert {str(value.origin) for value in values.values()} == {"default"}


@pytest.mark.parametrize(
    ("argv", "environ", "file", "value", "origin"),
    [
        ([], {}, "", 1, "default"),
        ([], {}, "count = 2", 2, "file /x.toml: count"),
        ([], {"FLANNELD_COUNT": "3"}, "count = 2", 3, "environment FLANNELD_COUNT"),
        (
            [],
            {"HOSTGW_COUNT": "4", "FLANNELD_COUNT": "3"},
            "count = 2",
            4,
            "environment HOSTGW_COUNT",
        ),
        (["-count=5"], {"HOSTGW_COUNT": "4"}, "count = 2", 5, "flag --count"),
        (["-count=", "-count=5"], {}, "", 5, "flag --count"),
        ([], {"HOSTGW_COUNT": "", "FLANNELD_COUNT": "3"}, "", 3, "environment FLANNELD_COUNT"),
    ],
)
def test_the_strongest_source_wins(argv, environ, file, value, origin):
    """Flag, HOSTGW_, FLANNELD_, file, default: the first that has the setting is taken."""
    found = given("--config=/x.toml", *argv, environ=environ, file=file).values["count"]
    assert (found.value, str(found.origin)) == (value, origin)


def test_flannels_variables_serve_flannels_settings_only():
    """FLANNELD_* is read for what flannel has, and is a warning for what it has not."""
    parsed = given(environ={"FLANNELD_WAIT": "9s", "FLANNELD_MASQ": "true"})
    assert parsed.values["wait"].value == 5.0
    assert parsed.values["masq"].value is True
    assert [problem.setting for problem in parsed.warnings] == ["FLANNELD_WAIT"]


def test_a_further_variable_is_weaker_than_ours():
    """A setting may read a variable with a name of others, after its own."""
    both = {"NODE_NAME": "theirs", "HOSTGW_NAME": "ours"}
    assert given(environ=both).values["name"].value == "ours"
    assert given(environ={"NODE_NAME": "theirs"}).values["name"].value == "theirs"


def test_repeated_flags_add_and_replace_weaker_sources():
    """A repeatable flag adds to itself, never to what another source says."""
    parsed = given("--iface=a", "--iface", "b", environ={"HOSTGW_IFACE": "c"})
    assert parsed.values["iface"].value == ("a", "b")


def test_lists_in_text_and_in_the_file():
    """A list is separated text, blanks around the items dropped, or an array in the file."""
    assert given("--hosts=x, y,,z").values["hosts"].value == ("x", "y", "z")
    parsed = given("--config=/x", file='hosts = ["x", "y"]\niface = ["a", "b"]\n')
    assert parsed.values["hosts"].value == ("x", "y")
    assert parsed.values["iface"].value == ("a", "b")


def test_the_variable_names_the_file_too():
    """HOSTGW_CONFIG names the file as --config does, and the flag is stronger."""
    environ = {"HOSTGW_CONFIG": "/y.toml"}
    where = given(environ=environ, file="masq = true").values["masq"].origin.where
    assert where == "/y.toml: masq"
    where = (
        given("--config=/x.toml", environ=environ, file="masq = true").values["masq"].origin.where
    )
    assert where == "/x.toml: masq"


def test_an_empty_text_is_the_default_where_that_is_empty():
    """`--name=${NAME}` with an empty NAME gives no name; a count cannot be empty."""
    assert not given("--name=", "--iface=").values["name"].given
    assert problems("--count=") == ["count: is empty; write N or leave it out (flag --count)"]
    assert problems("--masq=") == [
        "masq: is empty; write true or false or leave it out (flag --masq)"
    ]


def test_underscores_in_a_file_are_dashes():
    """TOML keys with underscores mean the same, as many people write them."""
    program = Program(
        "p", "", (("", (Setting(name="a-b", kind=kinds.TEXT, help=""), *PROGRAM.settings)),)
    )
    parsed = read(program, argv=["--config=/x"], environ={}, read_file=lambda _: b"a_b = 'c'")
    assert parsed.values["a-b"].value == "c"


def test_variables_of_kubernetes_services_are_passed_over():
    """A service named hostgw... makes variables that look like ours and are not."""
    environ = {
        "HOSTGW_CONTROLLER_SERVICE_HOST": "10.0.0.1",
        "HOSTGW_CONTROLLER_SERVICE_PORT": "80",
        "HOSTGW_CONTROLLER_SERVICE_PORT_HTTP": "80",
        "HOSTGW_CONTROLLER_PORT": "tcp://10.0.0.1:80",
        "HOSTGW_CONTROLLER_PORT_80_TCP": "tcp://10.0.0.1:80",
        "HOSTGW_CONTROLLER_PORT_80_TCP_PROTO": "tcp",
    }
    assert given(environ=environ).warnings == ()
    assert len(given(environ={"HOSTGW_HEALTH_PORT": "80"}).warnings) == 1


@pytest.mark.parametrize(
    ("argv", "asked"),
    [
        (["--help"], "help"),
        (["-h"], "help"),
        (["-count=x", "--bogus", "--version"], "version"),
        (["--version=false"], ""),
        (["--name", "--help"], ""),
        (["--name=x"], ""),
        ([], ""),
    ],
)
def test_help_and_version_are_answered_first(argv, asked):
    """Help and version are seen whatever else is wrong, and not inside another flag's value."""
    assert asked_for(PROGRAM, argv) == asked
