"""Which versions are installed, and which declared packages are missing or too old."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, version
from importlib.util import find_spec

from ganzoo.doctor.diagnosis import Diagnosis
from ganzoo.registry import FIRST_PARTY, origin_of

_NAME = re.compile(r"[\w.-]+")
_LOWEST = re.compile(r">=\s*(?P<version>[\w.]+)")
_NUMBERS = re.compile(r"\d+(\.\d+)*")


def version_checks() -> Iterator[Diagnosis]:
    """Python, ganzoo and what it always needs."""
    python = f"{platform.python_version()} ({sys.executable})"
    yield Diagnosis(section="versions", name="Python", status="ok", text=python)
    yield Diagnosis(section="versions", name="platform", status="ok", text=platform.platform())
    try:
        ganzoo = distribution(FIRST_PARTY)
    except PackageNotFoundError:
        yield _fault(FIRST_PARTY, "is not installed", fix="in its repository: python -m pip install --editable .")
        return
    origin = origin_of(ganzoo, name=FIRST_PARTY, version=ganzoo.version)
    where = f" ({origin.pinned})" if origin.url else ""
    yield Diagnosis(section="versions", name=FIRST_PARTY, status="ok", text=ganzoo.version + where)
    for line in ganzoo.requires or ():
        if ";" not in line and (name := _NAME.match(line)):
            lowest = _LOWEST.search(line)
            yield _package(name[0], lowest["version"] if lowest else "0")


def optional_checks() -> Iterator[Diagnosis]:
    """What one command alone needs; what components need is known once plugins are loaded."""
    if find_spec("matplotlib") is None:
        fix = f"python -m pip install '{FIRST_PARTY}[plot]'"
        text = "is not installed; ganzoo plot needs it"
        yield Diagnosis(section="optional packages", name="matplotlib", status="note", text=text, fixes=(fix,))


def _package(name: str, lowest: str) -> Diagnosis:
    try:
        found = version(name)
    except PackageNotFoundError:
        return _fault(name, "is not installed", fix=f"python -m pip install {name}")
    if _numbers(found) < _numbers(lowest):
        return _fault(
            name, f"{found}, but ganzoo needs {lowest} or later", fix=f"python -m pip install '{name}>={lowest}'"
        )
    return Diagnosis(section="versions", name=name, status="ok", text=found)


def _fault(name: str, text: str, *, fix: str) -> Diagnosis:
    return Diagnosis(section="versions", name=name, status="fault", text=text, fixes=(fix,))


def _numbers(version: str) -> list[int]:
    """``[2, 13]`` for ``2.13.0+cpu``: zeros at the end do not count. Nothing where it does not begin with a number."""
    numbers = _NUMBERS.match(version)
    parts = [int(part) for part in numbers[0].split(".")] if numbers else []
    while parts and parts[-1] == 0:
        parts.pop()
    return parts
