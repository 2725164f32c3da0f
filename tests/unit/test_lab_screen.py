from io import StringIO

from rich.console import Console

from hostgw_cli.lab.screen import Screen


def written(terminal):
    """Give a screen and what it is written to."""
    output = StringIO()
    console = Console(
        file=output, force_terminal=terminal, highlight=False, width=40, _environ={"TERM": "xterm"}
    )
    return Screen(console), output


def test_a_pipe_gets_plain_whole_lines():
    """No escape, no folding, no markup: brackets of an output stay what they are."""
    screen, output = written(terminal=False)
    screen.step("One")
    screen.say("a sentence that is a good deal longer than forty columns are wide")
    with screen.busy("unseen"):
        screen.show("ip route", "[bold]10.0.0.0/8[/bold]\nsecond")
    assert output.getvalue() == (
        "\n1. One\n"
        "   a sentence that is a good deal longer than forty columns are wide\n"
        "   $ ip route\n"
        "     [bold]10.0.0.0/8[/bold]\n"
        "     second\n"
    )


def test_a_claim_that_does_not_hold_is_said_and_kept():
    """The end of the demonstration hangs on what is kept here."""
    screen, output = written(terminal=False)
    screen.claim(True, "water is wet")
    screen.claim(False, "fire is cold")
    assert output.getvalue() == "   ok: water is wet\n   NOT SO: fire is cold\n"
    assert screen.false == ["fire is cold"]


def test_a_terminal_gets_colour():
    """A person sees at a glance what holds."""
    screen, output = written(terminal=True)
    screen.claim(True, "water is wet")
    assert "\x1b[32m" in output.getvalue()
