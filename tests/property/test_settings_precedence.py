"""Whatever is given where, the strongest source wins, and bad input never ends in a traceback.

The oracle is the sentence of the documentation, written by hand: flag, HOSTGW_, FLANNELD_, file,
default. It shares nothing with the code under test but the names.
"""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from hostgw_core.settings import SettingsError
from hostgw_core.settings.goregex import translate
from hostgw_core.settings.page import help_text
from hostgw_daemon.declarations import PROGRAM
from hostgw_daemon.settings import asked, describe, parse

# name, whether flannel has it, whether flags add, texts that are right with the value they mean
SETTINGS = (
    ("iface", True, True, {"eth0": "eth0", "10.0.0.1": "10.0.0.1", "en-1": "en-1"}),
    ("iface-regex", True, True, {"^a{1,2}$": "^a{1,2}$", "b|c": "b|c"}),
    ("ip-masq", True, False, {"T": True, "false": False, "1": True}),
    ("iptables-resync", True, False, {"5": 5, "0x10": 16, "77": 77}),
    ("subnet-file", True, False, {"/a": "/a", "b c": "b c"}),
    ("lease-ttl", False, False, {"60": 60, "24h": 86400, "1m30s": 90}),
    ("log-format", False, False, {"json": "json", "logfmt": "key=value"}),
)
DEFAULTS = {
    "iface": (),
    "iface-regex": (),
    "ip-masq": False,
    "iptables-resync": 5,
    "subnet-file": "/run/flannel/subnet.env",
    "lease-ttl": 86400,
    "log-format": "key=value",
}


@st.composite
def _sources(draw):
    """Draw for each setting what each of the four sources says, and how the flag is spelled."""
    drawn = {}
    for name, flannel, repeats, texts in SETTINGS:
        text = st.sampled_from(sorted(texts))
        several = st.lists(text, min_size=1, max_size=3)
        drawn[name] = {
            "flag": draw(st.none() | several),
            "HOSTGW": draw(st.none() | st.just("") | text),
            "FLANNELD": draw(st.none() | st.just("") | text) if flannel else None,
            "file": draw(st.none() | (several if repeats else text)),
            "dashes": draw(st.sampled_from(["-", "--"])),
            "joined": name == "ip-masq" or draw(st.booleans()),
        }
    return drawn


def _written(drawn):
    """Write the drawn sources as a command line, an environment and a TOML file."""
    argv, environ, lines = ["--config=/f"], {}, []
    for name, source in drawn.items():
        for text in source["flag"] or ():
            flag = source["dashes"] + name
            argv += [f"{flag}={text}"] if source["joined"] else [flag, text]
        for prefix in ("HOSTGW", "FLANNELD"):
            if source[prefix] is not None:
                environ[f"{prefix}_{name.upper().replace('-', '_')}"] = source[prefix]
        if source["file"] is not None:
            lines.append(f"{name} = {json.dumps(source['file'])}")  # JSON's texts are TOML's too
    return argv, environ, "\n".join(lines).encode()


def _expected(name, repeats, texts, source):
    """Say what the documentation promises for one setting: value and source."""
    if source["flag"]:
        found, origin = source["flag"], "flag"
    elif source["HOSTGW"]:
        found, origin = [source["HOSTGW"]], "environment HOSTGW_"
    elif source["FLANNELD"]:
        found, origin = [source["FLANNELD"]], "environment FLANNELD_"
    elif source["file"] is not None:
        found, origin = source["file"], "file /f: "
        found = found if isinstance(found, list) else [found]
    else:
        return DEFAULTS[name], "default"
    values = tuple(texts[text] for text in found)
    return (values if repeats else values[-1]), origin


@given(_sources())
def test_the_strongest_source_wins(drawn):
    """For every mixture of sources the value is that of the strongest, and names its origin."""
    argv, environ, file = _written(drawn)
    settings = parse(argv, environ, lambda _: file)
    origins = {name: origin for name, _, origin in describe(settings)}
    for name, _, repeats, texts in SETTINGS:
        value, origin = _expected(name, repeats, texts, drawn[name])
        assert getattr(settings, name.replace("-", "_")) == value
        assert origins[name].startswith(origin)


NAMES = st.sampled_from([setting.flag for setting in PROGRAM.settings])
NOISE = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
WORDS = st.one_of(NAMES, st.builds("{}={}".format, NAMES, NOISE), NOISE, NOISE.map("--{}".format))


@given(
    st.lists(WORDS, max_size=8),
    st.dictionaries(NAMES.map(lambda flag: "HOSTGW_" + flag.strip("-").upper()), NOISE, max_size=4),
    st.binary(max_size=40) | NOISE.map(str.encode),
)
def test_anything_is_settings_or_problems(argv, environ, file):
    """Any words, variables and bytes give settings, or problems that are sentences."""
    assert asked(argv) in ("help", "version", "")
    try:
        settings = parse([*argv, "--config=/f"], environ, lambda _: file)
    except SettingsError as error:
        problems = error.problems
    else:
        problems = settings.warnings
        assert len(describe(settings)) == len(PROGRAM.settings)
    assert all(problem.setting and problem.message for problem in problems)


SECRETS = st.text("abcdefghkmnpqrstuvwxyzXYZ23456789!%&", min_size=8, max_size=20).map(
    "Zz{}zZ".format
)


@given(SECRETS, st.sampled_from(["flag", "word", "variable", "flannel", "file", "typo", "glued"]))
def test_a_secret_is_never_shown(secret, where):
    """Wherever the password stands, rightly or wrongly, nothing that people read repeats it."""
    argv = {
        "flag": [f"--etcd-password={secret}"],
        "word": ["-etcd-password", secret],
        "typo": ["--etcd-passwd", secret],
        "glued": [f"--etcd-password{secret}"],
    }.get(where, [])
    environ = {
        "variable": {"HOSTGW_ETCD_PASSWORD": secret},
        "flannel": {"FLANNELD_ETCD_PASSWORD": secret, "HOSTGW_ETCD_PASSWD": secret},
    }.get(where, {})
    file = f"etcd-password = {json.dumps(secret)}\n" if where == "file" else ""
    shown = help_text(PROGRAM)
    for more in (["--etcd-username=u"], ["--lease-ttl=x"]):
        try:
            settings = parse([*argv, *more, "--config=/f"], environ, lambda _: file.encode())
        except SettingsError as error:
            shown += str(error) + repr(error) + repr(error.problems)
        else:
            shown += repr(settings) + repr(describe(settings)) + repr(settings.provenance)
            shown += "".join(map(str, settings.warnings))
            assert settings.etcd_password.reveal() == secret
    assert secret not in shown


@given(NOISE | st.text(r"[]:alpha^-\dQE(){},*+?|$.", max_size=15))
def test_any_text_is_an_expression_or_a_reason(pattern):
    """Translating an expression gives a pattern that compiles, or says why there is none."""
    try:
        re.compile(translate(pattern))
    except ValueError as error:
        reason = str(error)
    else:
        reason = ""
    assert not reason or reason.startswith("is not a regular expression")
