"""What does not fit in a configuration: found one by one, told all at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from ganzoo.errors import ConfigError

Status = Literal["refused", "warned", "advised"]


@dataclass(frozen=True)
class Finding:
    """Something that does not fit, why, and what mends it.

    Attributes:
        status: ``refused`` cannot be computed; ``warned`` runs, but is ill-posed; ``advised`` runs, and something else
            would do better.
        section: the part of the configuration it is about, where it is about one.
    """

    status: Status
    reason: str
    fix: str = ""
    section: str = ""

    def __str__(self) -> str:
        return f"{self.reason}\n    next: {self.fix}" if self.fix else self.reason


def refusal(findings: Iterable[Finding]) -> ConfigError:
    """One error for all findings; findings in a row that share their fix show it once."""
    told = list(dict.fromkeys(findings))
    if len(told) == 1:
        return ConfigError(told[0].reason, hint=told[0].fix or None)
    lines = [f"{len(told)} problems:"]
    for finding, following in zip_longest(told, told[1:]):
        lines.append("  - " + finding.reason.replace("\n", "\n    "))
        if finding.fix and (following is None or following.fix != finding.fix):
            lines.append(f"    next: {finding.fix}")
    return ConfigError("\n".join(lines))
