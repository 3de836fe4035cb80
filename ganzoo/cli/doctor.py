"""``ganzoo doctor``."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.cli.context import console, settings
from ganzoo.program import as_started
from ganzoo.screen import Screen, Text, say

if TYPE_CHECKING:
    from ganzoo.doctor.diagnosis import Diagnosis

_STYLES = {"ok": "green", "note": "yellow", "fault": "bold red"}
_MARKS = {"ok": "✓", "note": "!", "fault": "✗"}
_PLAIN_MARKS = {"ok": "+", "note": "!", "fault": "X"}


EXAMPLES = """\
Examples:
  ganzoo doctor
  ganzoo doctor --json > report.json
  ganzoo --no-plugins doctor
"""


def doctor_command(
    as_json: Annotated[bool, typer.Option("--json", help="Print the checks as JSON.")] = False,
) -> None:
    """Check versions, devices, folders and plugins. Paste the output into a bug report.

    Exit code: 0 if nothing is wrong, 4 if a plugin is broken, 6 if a device, a folder or the installation is unusable.
    """
    from ganzoo.doctor.checkup import checkup
    from ganzoo.doctor.diagnosis import exit_code  # here, since no other command needs what these import

    checks = []
    for some in checkup(plugins=settings().plugins):
        checks += some
        if not as_json:
            _print(console(), some)
    code = exit_code(checks)
    if as_json:
        say(json.dumps({"exit_code": code, "checks": [asdict(check) for check in checks]}, indent=2))
    else:
        _print_outcome(console(), checks)
    raise typer.Exit(code)


def _print(out: Screen, checks: Sequence[Diagnosis]) -> None:
    for section, group in groupby(checks, key=lambda check: check.section):
        out.print(Text(section, style="bold"))
        _print_section(out, list(group))
        out.print()


def _print_outcome(out: Screen, checks: Sequence[Diagnosis]) -> None:
    faults = [check.name for check in checks if check.status == "fault"]
    if faults:
        out.print(Text(f"at fault: {', '.join(dict.fromkeys(faults))}", style="bold red"), soft_wrap=True)
    else:
        out.print(Text("nothing is wrong", style="bold green"))


def _print_section(out: Screen, checks: Sequence[Diagnosis]) -> None:
    marks, width = _marks(), max(len(check.name) for check in checks)
    for check in checks:
        mark = Text(marks[check.status], style=_STYLES[check.status])
        out.print(Text("  ") + mark + Text(f" {check.name.ljust(width)}  {check.text}"), soft_wrap=True)
        for number, fix in enumerate(check.fixes):
            out.print(Text(f"      {'or:  ' if number else 'next:'} {as_started(fix)}"), soft_wrap=True)
        if check.traceback:
            out.print(Text(textwrap.indent(check.traceback.rstrip(), "      | ", lambda line: True)), soft_wrap=True)


def _marks() -> dict[str, str]:
    """Marks that the encoding of standard output has."""
    try:
        "".join(_MARKS.values()).encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return _PLAIN_MARKS
    return _MARKS
