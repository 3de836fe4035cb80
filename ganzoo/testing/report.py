"""What came of the checks of one component, as data and as a page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ganzoo.testing.check import Check, Failed

Status = Literal["passed", "failed", "skipped", "expected failure", "unexpected pass"]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of one check.

    Attributes:
        check: its name.
        status: ``unexpected pass`` where a failure was expected and did not come.
        detail: what was found, or why it was skipped or expected to fail.
        cites: where ``sentence`` stands, as ``module:Name``.
        sentence: what the component was held to.
    """

    check: str
    status: Status
    detail: str
    cites: str
    sentence: str

    @classmethod
    def of(cls, check: Check, status: Status, detail: str = "") -> Outcome:
        """The outcome of ``check``."""
        return cls(check=check.name, status=status, detail=detail, cites=check.cites, sentence=check.sentence)

    @property
    def ok(self) -> bool:
        """Whether nothing need be done about it."""
        return self.status not in ("failed", "unexpected pass")

    def lines(self) -> Iterator[str]:
        """What was found, and of what is not well the sentence that it breaks."""
        head, *more = f"{self.check}: {self.detail}".removesuffix(": ").splitlines()
        yield f"  {self.status}  {head}"
        yield from (f"    {line}" for line in more)
        if not self.ok:
            yield f"    {self.cites} says: {self.sentence}"


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """The outcomes of all checks of one component.

    Attributes:
        component: its qualified name, or the name of its class.
        kind: canonical.
        outcomes: one for each check, in order.
        at_least: how many checks must have run; a component that almost nothing applies to is not checked.
        notes: what else is to be known, such as values that a recipe leaves to its users.
    """

    component: str
    kind: str
    outcomes: tuple[Outcome, ...]
    at_least: int
    notes: tuple[str, ...] = ()

    @property
    def ran(self) -> int:
        """How many checks were run, whatever came of them."""
        return sum(outcome.status != "skipped" for outcome in self.outcomes)

    @property
    def too_few(self) -> bool:
        """Whether so many checks were skipped that the rest says little."""
        return self.ran < self.at_least

    @property
    def ok(self) -> bool:
        """Whether the component keeps to its protocol."""
        return not self.too_few and all(outcome.ok for outcome in self.outcomes)

    def summary(self) -> str:
        """One line: ``loss ganzoo/hinge: ok, 34 checks ran, 2 skipped, 0 expected failures``."""
        count = Counter(outcome.status for outcome in self.outcomes)
        bad = count["failed"] + count["unexpected pass"]
        if not self.ran and self.ok:
            return f"{self.kind} {self.component}: not checked"
        verdict = "ok" if self.ok else f"{bad} failed" if bad else "too few checks ran"
        return (
            f"{self.kind} {self.component}: {verdict}, {_counted(self.ran, 'check')} ran, {count['skipped']} skipped, "
            f"{_counted(count['expected failure'], 'expected failure')}"
        )

    def lines(self, *, verbose: bool = False) -> Iterator[str]:
        """The page: the summary, then what did not simply pass; with ``verbose`` also the names of what did."""
        yield self.summary()
        yield from (f"  note  {note}" for note in self.notes)
        alike: dict[str, list[Outcome]] = {}
        for outcome in self.outcomes:
            alike.setdefault(outcome.detail if outcome.status == "failed" else outcome.check, []).append(outcome)
        for first, *others in alike.values():
            if verbose or first.status != "passed":
                yield from first.lines()
            if others:
                yield f"    the same in {_counted(len(others), 'check')} more: {', '.join(one.check for one in others)}"
        if self.too_few:
            yield f"  {shortage(self.ran, self.at_least)}"

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "ran": self.ran, "ok": self.ok}

    def raise_if_failed(self) -> None:
        """Raise :class:`Failed` with the whole report unless all is well."""
        if not self.ok:
            raise Failed(str(self))


def shortage(ran: int, at_least: int) -> str:
    """That so few checks apply that a component has not been checked."""
    return f"too few checks ran: {ran} of at least {at_least}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
