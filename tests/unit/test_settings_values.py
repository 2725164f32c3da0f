"""Values are read as Go writes them, and what is wrong is said with what would be right."""

import re
from ipaddress import ip_address, ip_network

import pytest

from hostgw_core.settings import Listen, Secret, kinds
from hostgw_core.settings.goregex import translate
from hostgw_core.settings.govalues import boolean, duration, integer, written


@pytest.mark.parametrize(
    ("text", "value"),
    [(text, True) for text in ("1", "t", "T", "true", "TRUE", "True")]
    + [(text, False) for text in ("0", "f", "F", "false", "FALSE", "False")],
)
def test_booleans(text, value):
    """The twelve words of strconv.ParseBool are booleans."""
    assert boolean(text) is value


@pytest.mark.parametrize("text", ["", "yes", "no", "on", "off", "tRUE", "2", " true", "true "])
def test_no_booleans(text):
    """No other word is a boolean, however clear it may look."""
    with pytest.raises(ValueError, match="write true or false"):
        boolean(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("60", 60),
        ("-1", -1),
        ("+5", 5),
        ("0x10", 16),
        ("0b101", 5),
        ("0o17", 15),
        ("017", 15),
        ("00", 0),
        ("1_000", 1000),
    ],
)
def test_whole_numbers(text, value):
    """A whole number is read with the base that its beginning names, as Go reads flags."""
    assert integer(text) == value


@pytest.mark.parametrize("text", ["", "1.5", "5s", " 5", "5\n", "08", "٣", "0x", "1__0", "--1"])
def test_no_whole_numbers(text):
    """What Go does not read as a number is none."""
    with pytest.raises(ValueError, match="whole number"):
        integer(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("24h", 86400),
        ("90s", 90),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("100ms", 0.1),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        (".5s", 0.5),
        ("1.s", 1),
        ("90", 90),
        ("0", 0),
        ("2.5", 2.5),
    ],
)
def test_durations(text, seconds):
    """A duration is Go's, or a plain number of seconds."""
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "5x", "h", "1h 30m", "1d", "-5s", "1h30", ".s", "1e3s", "5S"])
def test_no_durations(text):
    """Half a duration, a negative one, or a unit that Go lacks, is none."""
    with pytest.raises(ValueError, match="is not a duration"):
        duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(86400, "24h"), (5400, "90m"), (60, "1m"), (90, "90s"), (0.1, "0.1s"), (0, "0s")],
)
def test_durations_are_written_as_they_are_read(seconds, text):
    """A number of seconds is shown in the largest unit that divides it."""
    assert written(seconds) == text
    assert duration(text) == seconds


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        (r"^eth[0-9]{1,2}$", "eth12", "eth123"),
        (r"^en[[:digit:]]+$", "en42", "ena"),
        (r"^[[:alpha:][:digit:]-]+$", "br-0a", "br_0"),
        (r"^[^[:digit:]]+$", "lo", "lo0"),
        (r"^[]a]$", "]", "b"),
        (r"^[[a]$", "[", "b"),
        (r"^[a&&b]+$", "&", "c"),
        (r"^[+--]$", ",", "."),
        (r"^[--/]$", ".", ","),
        (r"^[\[:digit:]+$", "[gi", "5"),
        (r"^\[[:digit:]\]$", "[d]", "[5]"),
        (r"eth0\z", "eth0", "eth01"),
        (r"^\Qa.b\E.$", "a.bc", "axbc"),
        (r"^192\.168\.", "192.168.1.4", "1921168"),
        (r"(?i)^ETH", "eth0", "wlan0"),
    ],
)
def test_expressions_mean_what_go_means(pattern, matching, other):
    """A translated expression matches what Go's would match, and not what it would not."""
    translated = re.compile(translate(pattern))
    assert translated.search(matching)
    assert not translated.search(other)


@pytest.mark.parametrize("pattern", ["(", "[", "[]x&&", "a**", "[[:nothing:]]", "*"])
def test_no_expression(pattern):
    """What is no regular expression is refused, with the reason."""
    with pytest.raises(ValueError, match=r"is not a regular expression: .+"):
        translate(pattern)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("http://127.0.0.1:2379", "http://127.0.0.1:2379"),
        ("https://etcd.example:2379/", "https://etcd.example:2379"),
        ("http://192.0.2.1", "http://192.0.2.1:2379"),
        ("https://[2001:db8::1]:4001", "https://[2001:db8::1]:4001"),
        ("etcd-0:2379", "etcd-0:2379"),
        ("192.0.2.1", "192.0.2.1:2379"),
    ],
)
def test_endpoints(text, endpoint):
    """An endpoint is a URL with a port, or without a scheme what etcd's client takes too."""
    assert kinds.ENDPOINT.read(text) == endpoint


@pytest.mark.parametrize(
    "text",
    ["ftp://a:1", "http://", "http://a:x", "http://a:70000", "http://a/b", "a b:1", "http://u@a:1"],
)
def test_no_endpoints(text):
    """What etcd's client could not reach is no endpoint."""
    with pytest.raises(ValueError, match=r"is not an etcd endpoint|carries a user"):
        kinds.ENDPOINT.read(text)


@pytest.mark.parametrize(
    ("text", "listen"),
    [
        (":9745", Listen("", 9745)),
        ("127.0.0.1:80", Listen("127.0.0.1", 80)),
        ("[::1]:9745", Listen("::1", 9745)),
        ("off", None),
    ],
)
def test_where_to_listen(text, listen):
    """A place to listen has a port, and an address if it is not all of them."""
    assert kinds.LISTEN.read(text) == listen
    assert listen is None or str(listen) == text


@pytest.mark.parametrize("text", ["9745", "::1:9745", ":0", ":65536", "localhost:1", "x", ":"])
def test_nowhere_to_listen(text):
    """A place that could be meant in two ways, or in none, is refused."""
    with pytest.raises(ValueError, match="is no address to listen on"):
        kinds.LISTEN.read(text)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (kinds.address(), "fe80::1", ip_address("fe80::1")),
        (kinds.address(4), "192.0.2.1", ip_address("192.0.2.1")),
        (kinds.NETWORK, "192.0.2.0/24", ip_network("192.0.2.0/24")),
        (kinds.NETWORK, "2001:DB8::/32", ip_network("2001:db8::/32")),
        (kinds.PREFIX, "/coreos.com//network/", "/coreos.com/network"),
        (kinds.NODE_NAME, "node-1.example.org", "node-1.example.org"),
        (kinds.whole_seconds(60, 600), "1m30s", 90),
        (kinds.choice("json", also={"js": "json"}), "js", "json"),
    ],
)
def test_other_kinds(kind, text, value):
    """Each kind gives the value that the rest of the program works with."""
    assert kind.read(text) == value


@pytest.mark.parametrize(
    ("kind", "text", "cure"),
    [
        (kinds.address(4), "2001:db8::1", "is not an IPv4 address; write for example 192.0.2.10"),
        (kinds.address(6), "192.0.2.1", "is not an IPv6 address; write for example 2001:db8::10"),
        (kinds.address(), "eth0", "is not an IP address"),
        (kinds.NETWORK, "192.0.2.7/24", "write 192.0.2.0/24"),
        (kinds.NETWORK, "192.0.2.0/33", "is not a network"),
        (kinds.FOLDER, "var/lib", "begin it with /"),
        (kinds.NODE_NAME, "-x", "is not a node name"),
        (kinds.NODE_NAME, "a b", "is not a node name"),
        (kinds.INTERFACE, "eth 0", "is neither an interface nor an address"),
        (kinds.integer(1, 1439), "1440", "from 1 to 1439"),
        (kinds.integer(1, 1439), "0", "from 1 to 1439"),
        (kinds.seconds(1, 60), "0.5s", "from 1s to 1m"),
        (kinds.whole_seconds(60, 600), "90.5s", "no whole number of seconds"),
        (kinds.choice("a", "b"), "c", "write a or b"),
    ],
)
def test_wrong_values_name_the_cure(kind, text, cure):
    """A refused value is answered with what would be right."""
    with pytest.raises(ValueError, match=re.escape(cure)):
        kind.read(text)


def test_a_secret_is_not_printed():
    """A secret gives its text only to the one who asks for it by name."""
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "hunter2"
