"""How findings are told."""

from ganzoo.config.finding import Finding, refusal


def test_one_finding_is_an_error_of_its_own():
    error = refusal([Finding("refused", "this and that", "mend it")])
    assert str(error) == "this and that\n  next:    mend it"
    assert error.exit_code == 2


def test_one_finding_without_a_fix():
    assert str(refusal([Finding("refused", "this and that")])) == "this and that"


def test_several_are_told_together_and_a_common_fix_once():
    findings = [
        Finding("refused", "one", "a"),
        Finding("refused", "two\n  given: 2", "a"),
        Finding("refused", "three"),
        Finding("refused", "four", "b"),
    ]
    assert str(refusal(findings)).splitlines() == [
        "4 problems:",
        "  - one",
        "  - two",
        "      given: 2",
        "    next: a",
        "  - three",
        "  - four",
        "    next: b",
    ]


def test_the_same_finding_is_told_once():
    assert str(refusal([Finding("refused", "one", "a")] * 2)) == "one\n  next:    a"


def test_a_finding_as_text():
    assert str(Finding("warned", "why", "how")) == "why\n    next: how"
    assert str(Finding("warned", "why")) == "why"
