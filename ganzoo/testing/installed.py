"""Installed components: which of them to check, with which options."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from ganzoo.component import FILES
from ganzoo.config.explanation import explain
from ganzoo.config.finding import refusal
from ganzoo.did_you_mean import did_you_mean, nearest
from ganzoo.errors import ConfigError, PluginError
from ganzoo.registry import Entry, Registry, normalized, spelled
from ganzoo.testing.by_kind import CHECKED
from ganzoo.testing.calls import check_subject
from ganzoo.testing.check import Check
from ganzoo.testing.report import CheckReport, Outcome
from ganzoo.testing.subject import subject_of_entry

LOADS = Check(
    name="loads",
    run=lambda subject: None,
    cites="ganzoo.component:Component",
    sentence='target: import string of the :class:`Options` class, ``"package.module:Class"``.',
)
GIVEN = Check(
    name="options-given",
    run=lambda subject: None,
    cites="ganzoo.component:Options",
    sentence="An option without a default must be given, to a check as to a run.",
)


def of_distribution(registry: Registry, distribution: str, kind: str | None = None) -> list[Entry]:
    """The components of one distribution that can be checked, by kind and name.

    Raises:
        ConfigError: it provides none.
        PluginError: it is broken.
    """
    wanted = normalized(distribution)
    for problem in registry.problems:
        if problem.distribution == wanted and problem.severity == "failure":
            raise PluginError(str(problem), given=distribution, hint="ganzoo doctor")
    found = [entry for entry in registry.entries(kind) if entry.distribution == wanted]
    if not found:
        providers = sorted({entry.distribution for entry in registry.entries(kind)})
        what = "component" if kind is None else kind
        raise ConfigError(
            f"no {what} of {distribution!r} is installed{did_you_mean(wanted, providers)}",
            given=distribution,
            allowed=", ".join(providers),
            hint="in its folder: python -m pip install --editable .; to see what is installed: ganzoo plugins",
        )
    return found


def given_to(entries: list[Entry], assignments: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The options that ``NAME.OPTION`` → value mean for each of these components, in their order.

    Raises:
        ConfigError: a path without a dot, or a name that is none of theirs.
    """
    given: list[dict[str, Any]] = [{} for _ in entries]
    for path, value in assignments.items():
        name, dot, option = path.rpartition(".")
        named = [spelled(name) in (entry.name, entry.qualified) for entry in entries]
        if not dot or not any(named):
            names = sorted({entry.name for entry in entries})
            raise ConfigError(
                f"--set {path} is an option of nothing that is checked{did_you_mean(name, names)}",
                given=path,
                allowed=", ".join(f"{one}.OPTION=VALUE" for one in names),
            )
        for options in itertools.compress(given, named):
            options[option.replace("-", "_")] = value
    return given


def with_checks(entries: Sequence[Entry], only: Collection[str]) -> list[Entry]:
    """Those of the components that some of these checks apply to; all of them if no check is named.

    Raises:
        ConfigError: none of them has a check of that name.
    """
    known = {
        entry.kind: {check.name for check in CHECKED[entry.kind].checks} for entry in entries if entry.kind in CHECKED
    }
    names = sorted(set().union(*known.values()))
    for name in only:
        if name not in names:
            raise ConfigError(
                f"there is no check {name!r} of a {' or '.join(known)}{did_you_mean(name, names)}",
                given=f"--only {name}",
                allowed=", ".join(names),
                hint=f"ganzoo check {entries[0].name} --only {nearest(name, names) or names[0]}",
            )
    return [entry for entry in entries if not only or known.get(entry.kind, set()) & set(only)]


def check_entry(
    entry: Entry, given: Mapping[str, Any], *, only: Collection[str] = (), fail_fast: bool = False
) -> CheckReport:
    """All checks of an installed component; one that cannot be loaded, or lacks options, fails a check of its own.

    What nothing can be said of here, since a package it requires is missing, is a report without checks. ``only``
    names the checks to run, all of them if empty; ``fail_fast`` stops after the first that fails.

    Raises:
        ConfigError: an option in ``given`` is not allowed.
    """
    if reason := why_not(entry):
        skipped = Outcome.of(LOADS, "skipped", reason)
        return CheckReport(component=entry.qualified, kind=entry.kind, outcomes=(skipped,), at_least=0)
    try:
        wanted = lacking(entry, given)
        if wanted:
            missing = " ".join(f"--set {entry.name}.{name}=VALUE" for name in wanted)
            return _only(entry, GIVEN, f"it cannot be checked without: {missing}")
        return check_subject(subject_of_entry(entry, given), only=only, fail_fast=fail_fast)
    except PluginError as error:
        return _only(entry, LOADS, str(error))
    except ValidationError as error:
        model = entry.options()
        fix = (
            f"see its options with: ganzoo info {entry.name} --kind {entry.kind}"
            if model.model_fields
            else f"ganzoo check {entry.name} --kind {entry.kind}"
        )
        raise refusal(explain(error, model, section=entry.name, fix=fix)) from None


def demand_ready(entry: Entry, given: Mapping[str, Any]) -> None:
    """For a component that was asked for by its name: no report without checks stands for it.

    Raises:
        ConfigError: an option without a default is not given.
        PluginError: a package that it requires is missing, or it cannot be loaded.
    """
    name = f"{entry.kind} {entry.qualified}"
    if entry.missing():
        missing = ", ".join(entry.missing())
        raise PluginError(f"{name} cannot be checked: {missing} is not installed", hint=entry.installation())
    if wanted := lacking(entry, given):
        said = " ".join(f"--set {entry.name}.{option}=VALUE" for option in wanted)
        raise ConfigError(
            f"{name} cannot be checked without {', '.join(wanted)}", hint=f"ganzoo check {entry.name} {said}"
        )


def why_not(entry: Entry) -> str | None:
    """Why a component cannot be checked here, before it is loaded; ``None`` if it can."""
    if entry.missing():
        return f"{', '.join(entry.missing())} is not installed: {entry.installation()}"
    return None


def lacking(entry: Entry, given: Mapping[str, Any]) -> list[str]:
    """Options without a default that are not given.

    Raises:
        PluginError: the component cannot be loaded.
    """
    if entry.kind in FILES:
        return []
    return [name for name, info in entry.options().model_fields.items() if info.is_required() and name not in given]


def _only(entry: Entry, check: Check, finding: str) -> CheckReport:
    failed = Outcome.of(check, "failed", finding)
    return CheckReport(component=entry.qualified, kind=entry.kind, outcomes=(failed,), at_least=1)
