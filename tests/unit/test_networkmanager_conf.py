"""NetworkManager's configuration as NetworkManager.conf(5) has it."""

from __future__ import annotations

import pytest

from hostgw_daemon.host.networkmanager import left_alone, spares


def said(*devices: str) -> str:
    """Give a file that says so."""
    return "[main]\nplugins=keyfile\n\n[keyfile]\nunmanaged-devices" + "".join(devices) + "\n"


def test_packages_then_this_boot_then_the_file_then_the_administrator():
    """The last that says it anew counts; `+=` goes on, `-=` takes back."""
    words = left_alone(
        said("+=c"),
        packages={"10.conf": said("=a"), "20.conf": said("=never")},
        boot={"20.conf": said("+=b;x")},
        admin={"30.conf": said("+=d"), "40.conf": said("-=x")},
    )
    assert words == ("a", "b", "c", "d")
    assert left_alone(said("=a"), packages={}, boot={}, admin={"1.conf": said(" = z")}) == ("z",)


def test_of_two_with_one_name_the_administrators_is_read():
    """An empty file in /etc hides the package's."""
    hidden = left_alone("", packages={"a": said("=cni0")}, boot={}, admin={"a": ""})
    assert hidden == ()


def test_other_sections_and_comments_say_nothing():
    """The key belongs to [keyfile]."""
    text = "[device]\nunmanaged-devices=cni0\n[keyfile]\n#unmanaged-devices=cni0\n"
    assert left_alone(text, packages={}, boot={}, admin={}) == ()


@pytest.mark.parametrize(
    ("words", "spared"),
    [
        ((), False),
        (("cni0",), True),
        (("interface-name:cni0",), True),
        (("interface-name:cni*",), True),
        (("interface-name:~cni?",), True),
        (("interface-name:=cni0",), True),
        (("interface-name:=cni*",), False),
        (("interface-name:docker0",), False),
        (("*",), True),
        (("type:bridge",), True),
        (("type:ethernet",), False),
        (("mac:00:22:68:1c:59:b1",), False),
        (("*", "except:interface-name:cni0"), False),
        (("*", "except:interface-name:eth*"), True),
        (("none",), False),
    ],
)
def test_which_words_name_a_bridge(words: tuple[str, ...], spared: bool):
    """By its name, a pattern, its type; an exception counts more than any word."""
    assert spares("cni0", words) is spared
