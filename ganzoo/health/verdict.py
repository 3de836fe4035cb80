"""What is said of a training that does not go well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

Name = Literal["D won", "D blind", "G's gradient gone", "diversity falling", "oscillation", "memorizing", "NaN"]

Cause = Literal["", "too fast", "too slow", "no limit", "flat loss"]
"""Why it is so, where advice depends on it: what D is, or the loss."""


class Sign(NamedTuple):
    """What was seen in rows."""

    evidence: str
    cause: Cause = ""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One thing that goes wrong, for as long as it does.

    Attributes:
        name: what it is called in the progress line.
        since_step: the step of the first row of the rows that it was seen in.
        until_step: the step of the row in which it was over; ``None`` if it holds in the last row.
        words: what it means, a sentence.
        evidence: the numbers that it follows from, with what they are compared with.
        try_: what to try, a sentence.
        command: a command that does so.
    """

    name: Name
    since_step: int
    until_step: int | None = None
    words: str
    evidence: str
    try_: str
    command: str

    @property
    def phrase(self) -> str:
        """For a line: ``D won since step 400``."""
        return f"{self.name} since step {self.since_step}"

    def __str__(self) -> str:
        return f"{self.phrase}: {self.words} {self.evidence} {self.try_}: {self.command}"
