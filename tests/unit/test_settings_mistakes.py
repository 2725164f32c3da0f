"""Every mistake in the settings is told at once, with its origin and its cure, and no secret."""

from __future__ import annotations

import pytest

from hostgw_core.settings import SettingsError
from support.example_program import given, problems

NO_VALUE = (
    "--kube: is followed by a stray word; a boolean takes its value with =: --kube=true or "
    "--kube=false (command line)"
)
NO_DURATION = (
    'wait: "{}" is not a duration; write for example 90s, 15m, 1h30m, or 90 for seconds '
    "(flag --wait)"
)


def test_every_mistake_at_once():
    """All that is wrong in all sources is found in one run, each with its origin and its cure."""
    found = problems(
        "--masks",
        "--wait=5x",
        "--kube",
        "stray",
        "--config=/x.toml",
        "--name",
        environ={"FLANNELD_COUNT": "many"},
        file="iface = 7\nhots = 'a'\n",
    )
    assert found == [
        "--masks: there is no such flag; did you mean --masq? (command line)",
        NO_VALUE,
        "--name: needs a value; write --name=TEXT (command line)",
        "hots: there is no such key; did you mean hosts? (file /x.toml)",
        "iface: is a number; write text in quotes, or a list of them (file /x.toml: iface)",
        NO_DURATION.format("5x"),
        'count: "many" is not a whole number; write for example 60 (environment FLANNELD_COUNT)',
        "kube: cannot be (flag --kube)",
    ]


def test_the_error_is_a_page():
    """The error's own text counts the mistakes and has a line for each."""
    with pytest.raises(SettingsError) as raised:
        given("--count=x", "--wait=x")
    first, *others = str(raised.value).splitlines()
    assert first == "2 settings are wrong:"
    assert len(others) == 2


@pytest.mark.parametrize(
    ("file", "problem"),
    [
        ("masq = 1", "masq: is a number; write true or false (file /x: masq)"),
        (
            "count = true",
            "count: is a boolean; write a whole number or text in quotes (file /x: count)",
        ),
        ("wait = 1.5", "wait: is a number; write a whole number or text in quotes (file /x: wait)"),
        ("name = ['a']", "name: is a list; write text in quotes (file /x: name)"),
        ("name = 1979-05-27", "name: is a date or time; write text in quotes (file /x: name)"),
        ("[masq]\nx = 1", "masq: is a table; write true or false (file /x: masq)"),
        ("config = 'y'", "config: a file cannot name another (file /x)"),
        (
            "pin = 17",
            "pin: the value is out of range; write a whole number from 0 to 9 (file /x: pin)",
        ),
    ],
)
def test_wrong_files(file, problem):
    """A key with a value of the wrong type is told what type is right."""
    assert problems("--config=/x", file=file) == [problem]


def test_files_that_cannot_be_read():
    """A missing file and one that is not TOML are problems of the setting that names the file."""
    assert problems("--config=/x") == ["config: cannot be read: No such file or directory (/x)"]
    assert problems("--config=/x", file="a = ")[0].startswith("config: is not TOML: ")


def test_unknown_variables_are_warnings():
    """A variable with our prefix that nobody reads is a warning with the name that may be meant."""
    warnings = given(environ={"HOSTGW_CONT": "1", "PATH": "x", "HOSTGWX": ""}).warnings
    assert [str(warning) for warning in warnings] == [
        "HOSTGW_CONT: no setting reads this variable; did you mean HOSTGW_COUNT? (environment)"
    ]
    warning = given(environ={"FLANNELD_WAIT": "9s"}).warnings[0]
    assert warning.message.endswith("did you mean HOSTGW_WAIT?")
    warning = given(environ={"HOSTGW_ZZZZZ": "9s"}).warnings[0]
    assert warning.message == "no setting reads this variable"


def test_what_means_nothing_is_said_once():
    """An ignored setting is one warning when it asks for something."""
    assert [str(w) for w in given("--old", "--old").warnings] == ["old: is old (flag --old)"]
    assert given("--old=false", "--kube=false").warnings == ()


def test_rules_over_several_settings():
    """A rule judges when all its settings could be read, and is silent otherwise."""
    assert problems("--count=9") == ["count: more than wait (flag --count)"]
    assert problems("--count=9", "--wait=x") == [
        NO_DURATION.format("x"),
    ]
    assert [w.message for w in given("--name=odd").warnings] == ["odd"]


@pytest.mark.parametrize(
    ("argv", "environ", "file"),
    [
        (["--password=hunter2", "--count=x"], {}, None),
        (["--password", "hunter2", "--count=x"], {}, None),
        (["--pasword=hunter2"], {}, None),
        (["--pasword", "hunter2"], {}, None),
        (["--passwordhunter2"], {}, None),
        (["--pin=hunter2"], {}, None),
        (["--count=x"], {"HOSTGW_PASSWORD": "hunter2", "HOSTGW_PASWORD": "hunter2"}, None),
        (["--config=/x", "--count=x"], {}, "password = 'hunter2'\npasword = 'hunter2'"),
        (["--config=/x"], {}, "password = ['hunter2']"),
        (["--count=http://me:hunter2@host"], {}, None),
    ],
)
def test_no_error_shows_a_secret(argv, environ, file):
    """However a secret was written, and whatever is wrong with it, no message repeats it."""
    assert "hunter2" not in " ".join(problems(*argv, environ=environ, file=file))


def test_no_value_shows_a_secret():
    """The text of a secret's value is masked; the value itself gives it on request only."""
    value = given("--password=hunter2").values["password"]
    assert "hunter2" not in repr(value) + value.text
    assert value.value.reveal() == "hunter2"
