"""Which versions are installed, and which declared packages are missing."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution, version

from ganzoo.health.check import Check
from ganzoo.registry.discovery import FIRST_PARTY
from ganzoo.registry.origin import origin_of

DEVELOPERS_EXTRAS = frozenset({"dev", "docs", "peers"})
"""Extras that only a checkout of ganzoo needs."""

_REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)[^;]*(;\s*(?P<marker>.*))?")
_EXTRA = re.compile(r"extra\s*==\s*['\"](?P<extra>[\w.-]+)['\"]")


def version_checks() -> Iterator[Check]:
    """Python, ganzoo and what it declares; an extra only if something of it is missing."""
    python = f"{platform.python_version()} ({sys.executable})"
    yield Check(section="versions", name="Python", status="ok", text=python)
    yield Check(section="versions", name="platform", status="ok", text=platform.platform())
    try:
        ganzoo = distribution(FIRST_PARTY)
    except PackageNotFoundError:
        yield _absent(FIRST_PARTY)
        return
    origin = origin_of(ganzoo, name=FIRST_PARTY, version=ganzoo.version)
    where = f" ({origin.pinned})" if origin.url else ""
    yield Check(section="versions", name=FIRST_PARTY, status="ok", text=ganzoo.version + where)
    declared = _requirements(ganzoo)
    for name in declared.get("", ()):
        found = _version(name)
        yield Check(section="versions", name=name, status="ok", text=found) if found else _absent(name)
    for extra in sorted(declared.keys() - DEVELOPERS_EXTRAS - {""}):
        yield from _extra(extra, declared[extra])


def _absent(name: str) -> Check:
    return Check(
        section="versions",
        name=name,
        status="fault",
        text="is not installed",
        fixes=(f"python -m pip install {name}",),
    )


def _extra(extra: str, names: Sequence[str]) -> Iterator[Check]:
    """A note, if packages of an extra are missing."""
    if missing := [name for name in names if _version(name) is None]:
        yield Check(
            section="versions",
            name=f"extra {extra!r}",
            status="note",
            text=f"not installed: {', '.join(missing)}",
            fixes=(f"python -m pip install '{FIRST_PARTY}[{extra}]'",),
        )


def _requirements(ganzoo: Distribution) -> dict[str, list[str]]:
    """Extra → the packages it asks for; ``""`` stands for what is always needed. Other conditions are passed over."""
    found: dict[str, list[str]] = {}
    for line in ganzoo.requires or ():
        if parts := _REQUIREMENT.match(line):
            extra = _EXTRA.search(parts["marker"] or "")
            if extra or not parts["marker"]:
                found.setdefault(extra["extra"] if extra else "", []).append(parts["name"])
    return found


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
