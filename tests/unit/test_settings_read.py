"""Values come from the strongest source that has them, and every mistake is reported at once."""

import pytest

from hostgw_core.settings import Check, Program, Setting, SettingsError, asked_for, kinds, read

PROGRAM = Program(
    name="example",
    summary="An example.",
    groups=(
        (
            "All",
            (
                Setting(name="iface", kind=kinds.INTERFACE, repeatable=True, flannel=True, help=""),
                Setting(name="hosts", kind=kinds.TEXT, separator=",", default="a,b", help=""),
                Setting(name="wait", kind=kinds.seconds(1, 60), default="5s", help=""),
                Setting(name="count", kind=kinds.integer(0, 9), default="1", flannel=True, help=""),
                Setting(name="masq", kind=kinds.BOOLEAN, default="false", flannel=True, help=""),
                Setting(name="name", kind=kinds.TEXT, variables=("NODE_NAME",), help=""),
                Setting(name="password", kind=kinds.SECRET, secret=True, flannel=True, help=""),
                Setting(name="pin", kind=kinds.integer(0, 9), secret=True, help=""),
                Setting(name="old", kind=kinds.BOOLEAN, default="false", ignored="is old", help=""),
                Setting(
                    name="kube",
                    kind=kinds.BOOLEAN,
                    default="false",
                    refused=(True, "cannot be"),
                    help="",
                ),
                Setting(name="config", kind=kinds.FILE, help=""),
                Setting(name="version", kind=kinds.BOOLEAN, default="false", help=""),
            ),
        ),
    ),
    checks=(
        Check(("count", "wait"), lambda count, wait: "more than wait" * (count.value > wait.value)),
        Check(("name",), lambda name: "odd" * (name.value == "odd"), warning=True),
    ),
)

NO_VALUE = (
    "--kube: is followed by a stray word; a boolean takes its value with =: --kube=true or "
    "--kube=false (command line)"
)
NO_DURATION = (
    'wait: "{}" is not a duration; write for example 90s, 15m, 1h30m, or 90 for seconds '
    "(flag --wait)"
)


def _read(*argv, environ=None, file=None):
    def read_file(path):
        if file is None:
            raise FileNotFoundError(2, "No such file or directory", path)
        return file.encode()

    return read(PROGRAM, argv=argv, environ=environ or {}, read_file=read_file)


def _problems(*argv, environ=None, file=None):
    with pytest.raises(SettingsError) as raised:
        _read(*argv, environ=environ, file=file)
    return [str(problem) for problem in raised.value.problems]


def test_nothing_given():
    """Without any source every setting has its default, and says so."""
    values = _read().values
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
    found = _read("--config=/x.toml", *argv, environ=environ, file=file).values["count"]
    assert (found.value, str(found.origin)) == (value, origin)


def test_flannels_variables_serve_flannels_settings_only():
    """FLANNELD_* is read for what flannel has, and is a warning for what it has not."""
    parsed = _read(environ={"FLANNELD_WAIT": "9s", "FLANNELD_MASQ": "true"})
    assert parsed.values["wait"].value == 5.0
    assert parsed.values["masq"].value is True
    assert [problem.setting for problem in parsed.warnings] == ["FLANNELD_WAIT"]


def test_a_further_variable_is_weaker_than_ours():
    """A setting may read a variable with a name of others, after its own."""
    both = {"NODE_NAME": "theirs", "HOSTGW_NAME": "ours"}
    assert _read(environ=both).values["name"].value == "ours"
    assert _read(environ={"NODE_NAME": "theirs"}).values["name"].value == "theirs"


def test_repeated_flags_add_and_replace_weaker_sources():
    """A repeatable flag adds to itself, never to what another source says."""
    parsed = _read("--iface=a", "--iface", "b", environ={"HOSTGW_IFACE": "c"})
    assert parsed.values["iface"].value == ("a", "b")


def test_lists_in_text_and_in_the_file():
    """A list is separated text, blanks around the items dropped, or an array in the file."""
    assert _read("--hosts=x, y,,z").values["hosts"].value == ("x", "y", "z")
    parsed = _read("--config=/x", file='hosts = ["x", "y"]\niface = ["a", "b"]\n')
    assert parsed.values["hosts"].value == ("x", "y")
    assert parsed.values["iface"].value == ("a", "b")


def test_the_variable_names_the_file_too():
    """HOSTGW_CONFIG names the file as --config does, and the flag is stronger."""
    environ = {"HOSTGW_CONFIG": "/y.toml"}
    where = _read(environ=environ, file="masq = true").values["masq"].origin.where
    assert where == "/y.toml: masq"
    where = (
        _read("--config=/x.toml", environ=environ, file="masq = true").values["masq"].origin.where
    )
    assert where == "/x.toml: masq"


def test_an_empty_text_is_the_default_where_that_is_empty():
    """`--name=${NAME}` with an empty NAME gives no name; a count cannot be empty."""
    assert not _read("--name=", "--iface=").values["name"].given
    assert _problems("--count=") == ["count: is empty; write N or leave it out (flag --count)"]
    assert _problems("--masq=") == [
        "masq: is empty; write true or false or leave it out (flag --masq)"
    ]


def test_every_mistake_at_once():
    """All that is wrong in all sources is found in one run, each with its origin and its cure."""
    found = _problems(
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
        _read("--count=x", "--wait=x")
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
    assert _problems("--config=/x", file=file) == [problem]


def test_files_that_cannot_be_read():
    """A missing file and one that is not TOML are problems of the setting that names the file."""
    assert _problems("--config=/x") == ["config: cannot be read: No such file or directory (/x)"]
    assert _problems("--config=/x", file="a = ")[0].startswith("config: is not TOML: ")


def test_underscores_in_a_file_are_dashes():
    """TOML keys with underscores mean the same, as many people write them."""
    program = Program(
        "p", "", (("", (Setting(name="a-b", kind=kinds.TEXT, help=""), *PROGRAM.settings)),)
    )
    parsed = read(program, argv=["--config=/x"], environ={}, read_file=lambda _: b"a_b = 'c'")
    assert parsed.values["a-b"].value == "c"


def test_unknown_variables_are_warnings():
    """A variable with our prefix that nobody reads is a warning with the name that may be meant."""
    warnings = _read(environ={"HOSTGW_CONT": "1", "PATH": "x", "HOSTGWX": ""}).warnings
    assert [str(warning) for warning in warnings] == [
        "HOSTGW_CONT: no setting reads this variable; did you mean HOSTGW_COUNT? (environment)"
    ]
    warning = _read(environ={"FLANNELD_WAIT": "9s"}).warnings[0]
    assert warning.message.endswith("did you mean HOSTGW_WAIT?")
    warning = _read(environ={"HOSTGW_ZZZZZ": "9s"}).warnings[0]
    assert warning.message == "no setting reads this variable"


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
    assert _read(environ=environ).warnings == ()
    assert len(_read(environ={"HOSTGW_HEALTH_PORT": "80"}).warnings) == 1


def test_what_means_nothing_is_said_once():
    """An ignored setting is one warning when it asks for something."""
    assert [str(w) for w in _read("--old", "--old").warnings] == ["old: is old (flag --old)"]
    assert _read("--old=false", "--kube=false").warnings == ()


def test_rules_over_several_settings():
    """A rule judges when all its settings could be read, and is silent otherwise."""
    assert _problems("--count=9") == ["count: more than wait (flag --count)"]
    assert _problems("--count=9", "--wait=x") == [
        NO_DURATION.format("x"),
    ]
    assert [w.message for w in _read("--name=odd").warnings] == ["odd"]


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
    assert "hunter2" not in " ".join(_problems(*argv, environ=environ, file=file))


def test_no_value_shows_a_secret():
    """The text of a secret's value is masked; the value itself gives it on request only."""
    value = _read("--password=hunter2").values["password"]
    assert "hunter2" not in repr(value) + value.text
    assert value.value.reveal() == "hunter2"
