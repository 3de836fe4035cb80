"""The checks as tests of pytest, one a check."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganzoo.component import Options
from ganzoo.errors import ConfigError
from ganzoo.registry import Entry, Registry, parse_kind
from ganzoo.testing.by_kind import CHECKED
from ganzoo.testing.check import Check, Failed, NotHere
from ganzoo.testing.installed import given_to, lacking, of_distribution, why_not
from ganzoo.testing.losses.statements import Reference
from ganzoo.testing.report import shortage
from ganzoo.testing.running import misplaced, outcome_with_cause, why_skipped
from ganzoo.testing.subject import NOTHING, Subject, subject_of, subject_of_entry

if TYPE_CHECKING:
    import pytest


@dataclass(frozen=True)
class Item:
    """A check as a test calls it."""

    check: Check

    def __call__(self, subject: Subject) -> None:
        """Pass, fail with what was found, skip, or fail as expected."""
        __tracebackhide__ = True
        import pytest

        outcome, cause = outcome_with_cause(self.check, subject)
        if outcome.status == "skipped":
            pytest.skip(outcome.detail)
        if outcome.status == "expected failure":
            pytest.xfail(outcome.detail)
        if not outcome.ok:
            raise Failed(f"{outcome.detail}\n{outcome.cites} says: {outcome.sentence}") from cause


@dataclass(frozen=True)
class Enough:
    """The last test of a component: that not nearly all checks were skipped, and that those expected to fail ran."""

    checks: tuple[Check, ...]
    at_least: int

    def __call__(self, subject: Subject) -> None:
        """Count them without running them."""
        __tracebackhide__ = True
        reasons = [why_skipped(check, subject) for check in self.checks]
        wanted = self.at_least - sum(isinstance(reason, NotHere) for reason in reasons)
        if (ran := reasons.count(None)) < wanted:
            raise Failed(shortage(ran, wanted))
        if faults := misplaced(subject, self.checks):
            raise Failed("expected_failures: " + "; ".join(faults))


@dataclass(frozen=True)
class Unchecked:
    """The only test of a component that cannot be checked without being told more: it fails."""

    reason: str

    def __call__(self, subject: None) -> None:
        """Say what is missing."""
        __tracebackhide__ = True
        raise Failed(self.reason)


def parametrize_with_checks(
    components: str | Iterable[tuple[str, Options | type[Options]]],
    *,
    options: Mapping[str, Mapping[str, object]] = NOTHING,
    expected_failures: Mapping[str, str] = NOTHING,
    reference: Iterable[Reference] = (),
) -> pytest.MarkDecorator:
    """Make one test for each component and check; ``pytest -k loss-log-cosh`` runs those of one component.

    ::

        @parametrize_with_checks("ganzoo-mine")
        def test_conforms(component, check):
            check(component)

    Args:
        components: the name of an installed distribution, for all it announces; or pairs of a kind and options, or an
            options class, such as ``[("loss", LogCosh(target=2.0))]``.
        options: of installed components, by name, in place of their defaults: ``{"stack": {"path": "tests/data"}}``.
        expected_failures: of each of the pairs: name of a check → why it is known to fail. Those of installed
            components stand in their records.
        reference: values of each of the pairs, losses, that are known from elsewhere.

    Raises:
        ConfigError: no component of that distribution is installed, there is no such kind, or no check of it,
            ``options`` names another component, or what is for a distribution is given with pairs or the other way
            about.
        PluginError: the distribution, or a component of it, cannot be loaded.
        ValidationError: one of ``options`` is not allowed.
    """
    import pytest

    known = {"reference": tuple(reference)}
    _demand_use(components, options=options, expected_failures=expected_failures, **known)
    if isinstance(components, str):
        entries = of_distribution(Registry.load(), components)
        assignments = {f"{name}.{key}": value for name, values in options.items() for key, value in values.items()}
        given = given_to(entries, assignments)
        found = [parameter for one in zip(entries, given, strict=True) for parameter in _of_entry(*one)]
    else:
        subjects = [
            subject_of(parse_kind(kind).name, chosen, expected_failures=expected_failures, given=known)
            for kind, chosen in components
        ]
        found = [parameter for one in subjects for parameter in _of_subject(one, f"{one.kind}-{one.name}")]
    return pytest.mark.parametrize(("component", "check"), found)


def _demand_use(components: object, **given: object) -> None:
    """What would have no effect is a mistake."""
    used = {"options"} if isinstance(components, str) else {"expected_failures", "reference"}
    if unused := [name for name, value in given.items() if value and name not in used]:
        what = "a distribution" if isinstance(components, str) else "pairs of a kind and options"
        raise ConfigError(
            f"parametrize_with_checks does not take {' and '.join(unused)} with {what}",
            allowed=" and ".join(sorted(used)),
        )


def _of_entry(entry: Entry, given: Mapping[str, object]) -> Iterator[Any]:
    """What cannot be checked here is skipped as a whole; what lacks options fails."""
    import pytest

    name = f"{entry.kind}-{entry.name}"
    if reason := why_not(entry):
        yield pytest.param(None, None, id=name, marks=pytest.mark.skip(reason=reason))
    elif wanted := lacking(entry, given):
        reason = f"give its options: parametrize_with_checks(…, options={{{entry.name!r}: {{{wanted[0]!r}: …}}}})"
        yield pytest.param(None, Unchecked(reason), id=f"{name}-options-given")
    else:
        yield from _of_subject(subject_of_entry(entry, given), name)


def _of_subject(subject: Subject, name: str) -> Iterator[Any]:
    import pytest

    checked = CHECKED[subject.kind]
    for check in checked.checks:
        yield pytest.param(subject, Item(check), id=f"{name}-{check.name}")
    yield pytest.param(subject, Enough(checked.checks, checked.at_least), id=f"{name}-enough-checks")
