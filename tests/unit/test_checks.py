"""Health, as Kubernetes writes it."""

from hostgw_core.health import Condition, Kind, Severity
from hostgw_daemon.told.checks import Check, answer, beat, readiness

CHECKS = (Check("lease_held", ok=True), Check("first_pass", ok=False, reason="none yet"))


def test_a_yes_is_one_word():
    """When all is well and nobody asks for more, the answer is ok."""
    assert answer("readyz", CHECKS[:1]).text(verbose=False) == "ok"


def test_a_verbose_yes_lists_the_checks():
    """Every check is a line, and the last line is the sum."""
    text = answer("readyz", CHECKS[:1]).text(verbose=True)
    assert text == "[+]lease_held ok\nreadyz check passed\n"


def test_a_no_is_always_verbose():
    """Whoever reads a no needs its reason at once."""
    no = answer("readyz", CHECKS)
    assert not no.ok
    assert no.failed == ("first_pass",)
    assert no.text(verbose=False) == (
        "[+]lease_held ok\n[-]first_pass failed: none yet\nreadyz check failed\n"
    )


def test_an_excluded_check_does_not_count():
    """The check is still listed, and an exclusion that matches nothing is pointed out."""
    yes = answer("readyz", CHECKS, {"first_pass", "misspelt"})
    assert yes.ok
    assert yes.failed == ()
    assert yes.text(verbose=True) == (
        "[+]lease_held ok\n"
        "[+]first_pass excluded: ok\n"
        "warn: no check has the name of an exclusion: misspelt\n"
        "readyz check passed\n"
    )


def test_a_beat_may_be_late_up_to_its_limit():
    """At the limit it is alive; beyond it the reason says for how long it has been silent."""
    assert beat("reconciler", 180.0, 180.0).ok
    late = beat("reconciler", 181.0, 180.0)
    assert (late.ok, late.reason) == (False, "no beat for 181 s, more than 180 s")


def test_ready_needs_the_lease_the_passes_and_no_blocking_condition():
    """Each of the four alone is enough to say no."""
    kind = Kind("no_uplink", Severity.ERROR, "No interface.", "Name one.", unready=True)
    condition = Condition(kind, "", 0.0)
    good = {"held": True, "first_pass": True, "trouble": "", "blocking": ()}
    assert answer("readyz", readiness(**good)).ok
    for change, failed in (
        ({"held": False}, "lease_held"),
        ({"first_pass": False}, "first_pass"),
        ({"trouble": "EPERM"}, "last_pass"),
        ({"blocking": (condition,)}, "conditions"),
    ):
        assert answer("readyz", readiness(**(good | change))).failed == (failed,)
    blocked = answer("readyz", readiness(**(good | {"blocking": (condition,)})))
    assert "[-]conditions failed: no_uplink: No interface." in blocked.text(verbose=False)
