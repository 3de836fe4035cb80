"""One line of the report, and what a report comes to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ganzoo.errors import PluginError, ResourceError

DiagnosisStatus = Literal["ok", "note", "fault"]
Section = Literal["versions", "devices", "folders", "plugins", "optional packages"]


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """One line of the report.

    Attributes:
        section: where it belongs.
        name: what was looked at.
        status: ``note`` is worth knowing and no fault.
        text: what was found, in one line.
        fixes: commands that mend it, or what to do where no command does; each is enough.
        traceback: of the exception behind it; empty where there is none.
    """

    section: Section
    name: str
    status: DiagnosisStatus
    text: str
    fixes: tuple[str, ...] = ()
    traceback: str = ""


def exit_code(checks: Iterable[Diagnosis]) -> int:
    """0 if nothing is wrong, 4 if a plugin is broken, 6 if the machine or the installation is, plugins or not."""
    faulty = {check.section for check in checks if check.status == "fault"}
    if faulty - {"plugins"}:
        return ResourceError.exit_code
    return PluginError.exit_code if faulty else 0
