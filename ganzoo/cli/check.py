"""``ganzoo check``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.cli.context import console, registry
from ganzoo.config.layers import parse_assignments
from ganzoo.errors import ConfigError, PluginError
from ganzoo.registry import parse_kind
from ganzoo.screen import Screen, Text, say
from ganzoo.torch_import import load_torch

if TYPE_CHECKING:
    from ganzoo.registry import Entry, Registry
    from ganzoo.testing import CheckReport

EXAMPLES = """\
Examples:
  ganzoo check hinge
  ganzoo check --dist ganzoo-mine
  ganzoo check hinge --only permutation --only gradcheck
  ganzoo check pictures --set pictures.path=FOLDER
"""
STYLES = {
    "passed": "green",
    "failed": "bold red",
    "unexpected pass": "bold red",
    "expected failure": "yellow",
    "skipped": "dim",
    "too few checks ran": "bold red",
}
"""How a line of a report begins → how that is shown."""


def check_command(
    name: Annotated[
        str | None,
        typer.Argument(help="Name or alias of a component, or distribution/name; or use --dist.", show_default=False),
    ] = None,
    dist: Annotated[
        str | None, typer.Option("--dist", metavar="PACKAGE", help="Check every component of this distribution.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", metavar="KIND", help="Check components of this kind only.")
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME.OPTION=VALUE", help="Check the component with this option. Can be repeated."
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", metavar="CHECK", help="Run only the check of this name. Can be repeated."),
    ] = None,
    fail_fast: Annotated[bool, typer.Option("--fail-fast", help="Stop at the first check that fails.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Also list the checks that passed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the reports as JSON.")] = False,
) -> None:
    """Check that components do what their protocol says; for authors of plugins."""
    known = registry()
    entries = _asked_for(known, name, dist, kind)
    load_torch()
    from ganzoo.testing.installed import check_entry, demand_ready, given_to, with_checks

    asked, entries = entries, with_checks(entries, only or ())
    _tell_of_others([entry for entry in asked if entry not in entries], only or ())
    given = given_to(entries, parse_assignments(assignments or ()))
    if name is not None:
        for entry, options in zip(entries, given, strict=True):
            demand_ready(entry, options)
    out, reports = console(), []
    for entry, options in zip(entries, given, strict=True):
        reports.append(check_entry(entry, options, only=only or (), fail_fast=fail_fast))
        if not as_json:
            _print(out, reports[-1], verbose=verbose)
        if fail_fast and not reports[-1].ok:
            break
    if as_json:
        say(json.dumps([report.as_dict() for report in reports], indent=2))
    _conclude(reports)


def _tell_of_others(entries: list[Entry], only: Sequence[str]) -> None:
    """A report that lists ten losses must not pass for one of the whole package."""
    if entries:
        counts = Counter(entry.kind for entry in entries)
        kinds = ", ".join(f"{count} {parse_kind(kind).plural if count > 1 else kind}" for kind, count in counts.items())
        say(f"without a check {' or '.join(only)}, so not checked: {kinds}", err=True)


def _asked_for(known: Registry, name: str | None, dist: str | None, kind: str | None) -> list[Entry]:
    if (name is None) == (dist is None):
        raise ConfigError(
            "check takes the name of a component or of a distribution",
            given="neither" if name is None else f"{name} and --dist {dist}",
            allowed="ganzoo check NAME, or ganzoo check --dist PACKAGE",
            hint="ganzoo list",
        )
    if name is not None:
        return known.find(name) if kind is None else [known.get(kind, name)]
    from ganzoo.testing.installed import of_distribution

    return of_distribution(known, str(dist), kind)


def _print(out: Screen, report: CheckReport, *, verbose: bool) -> None:
    head, *rest = report.lines(verbose=verbose)
    out.print(Text(head, style="bold" if report.ok else "bold red"), soft_wrap=True)
    for line in rest:
        text = Text(line)
        for beginning, style in STYLES.items():
            text.highlight_regex(rf"^  {beginning}\b", style)
        out.print(text, soft_wrap=True)


def _conclude(reports: list[CheckReport]) -> None:
    """Exit code 4 unless all is well.

    Raises:
        PluginError: a component does not keep to its protocol.
    """
    from ganzoo.testing.installed import GIVEN

    broken = [report for report in reports if not report.ok]
    unasked = [outcome.detail for report in broken for outcome in report.outcomes if outcome.check == GIVEN.name]
    settings = " ".join(detail.partition(": ")[2] for detail in unasked)
    mending = "mend what was found, or say in the record's expected_failures why it may be so"
    if broken:
        raise PluginError(
            f"{len(broken)} of {len(reports)} components did not pass",
            given=", ".join(f"{report.kind} {report.component}" for report in broken),
            hint=f"the same again with {settings}" if len(unasked) == len(broken) else mending,
        )
