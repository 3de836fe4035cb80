"""Which entry points are installed, found in metadata alone: nothing of a plugin is imported here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, PackageNotFoundError, distributions
from pathlib import Path

from ganzoo.hookspecs import GROUP
from ganzoo.registry.origin import Origin, origin_of
from ganzoo.registry.problem import Problem, full_traceback, one_line

FIRST_PARTY = "ganzoo"
"""The distribution whose components keep their short names and cannot be disabled."""

_HEADER = re.compile(rf"^\s*\[\s*{GROUP}\s*\]", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Source:
    """An entry point of the group ``ganzoo`` and the distribution that announces it."""

    distribution: str
    version: str
    entry_point: EntryPoint
    metadata: Distribution

    @property
    def name(self) -> str:
        """What pluggy knows the plugin as: ``distribution:entry_point``."""
        return f"{self.distribution}:{self.entry_point.name}"

    @property
    def first_party(self) -> bool:
        """Whether it is part of ganzoo's own distribution."""
        return self.distribution == FIRST_PARTY

    @property
    def origin(self) -> Origin:
        """Where its distribution was installed from."""
        return origin_of(self.metadata, name=self.distribution, version=self.version)


@dataclass(frozen=True, kw_only=True)
class _Announcement:
    """A distribution that announces plugins, and the metadata folder that says so."""

    distribution: Distribution
    name: str
    version: str
    metadata: Path

    def leftover(self, message: str) -> Problem:
        """A warning about metadata that does not count."""
        return Problem(
            distribution=self.name,
            version=self.version,
            entry_point="",
            stage="metadata",
            message=message,
            severity="warning",
            fixes=(f"delete the folder {self.metadata}",),
        )

    def unreadable(self, error: Exception) -> Problem:
        """The failure of metadata that counts."""
        return Problem(
            distribution=self.name,
            version=self.version,
            entry_point="",
            stage="metadata",
            message=f"its entry_points.txt cannot be read: {one_line(error)}",
            traceback=full_traceback(error),
            fixes=(origin_of(self.distribution, name=self.name, version=self.version).reinstall,),
        )


def normalized(name: str) -> str:
    """A distribution's name as the package index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def own_upgrade() -> str:
    """How to upgrade ganzoo, from where it was installed: the package of that name on PyPI is another project."""
    try:
        found = Distribution.from_name(FIRST_PARTY)
    except PackageNotFoundError:
        return "get a newer ganzoo from its repository"
    return origin_of(found, name=FIRST_PARTY, version=found.version).upgrade


def installed() -> tuple[list[Source], list[Problem]]:
    """All entry points in the fixed order of loading, and what is wrong with the metadata.

    First-party entry points come first, the others by distribution and entry point. A distribution that is on the
    path twice counts where Python finds it first.
    """
    sources: list[Source] = []
    problems: list[Problem] = []
    by_name: dict[str, list[_Announcement]] = {}
    for announcement in _announcements():
        by_name.setdefault(announcement.name, []).append(announcement)
    for announcements in by_name.values():
        chosen, leftovers = _current(announcements)
        problems += [announcement.leftover(message) for announcement, message in leftovers]
        if chosen is None:
            continue
        try:
            sources += _sources(chosen)
        except Exception as error:
            problems.append(chosen.unreadable(error))
    return sorted(sources, key=_loading_order), problems


def _loading_order(source: Source) -> tuple[bool, str, str]:
    return not source.first_party, source.distribution, source.entry_point.name


def _announcements() -> Iterator[_Announcement]:
    """Distributions that name the group, along ``sys.path``, each metadata folder once."""
    seen: set[Path] = set()
    for number, distribution in enumerate(distributions()):
        try:
            text = distribution.read_text("entry_points.txt") or ""
        except (OSError, UnicodeError):
            continue  # nothing says it is ours, and the user asked nothing about it
        if not _HEADER.search(text):
            continue
        metadata = Path(getattr(distribution, "_path", None) or f"distribution-{number}")
        if metadata.absolute() not in seen:
            seen.add(metadata.absolute())
            name, version = _identity(distribution, metadata)
            yield _Announcement(distribution=distribution, name=name, version=version, metadata=metadata)


def _identity(distribution: Distribution, metadata: Path) -> tuple[str, str]:
    """Name and version; where the metadata lacks them, as the name of its folder has them."""
    try:
        metadata_fields = distribution.metadata
        fields = {key: metadata_fields[key] for key in ("Name", "Version") if key in metadata_fields}
    except Exception:
        fields = {}
    folder_name, _, folder_version = metadata.stem.partition("-")
    return normalized(fields.get("Name") or folder_name), fields.get("Version") or folder_version or "unknown"


def _current(announcements: list[_Announcement]) -> tuple[_Announcement | None, list[tuple[_Announcement, str]]]:
    """The metadata that counts among those of one name, and the stale ones beside it, each with what to say."""
    leftovers = [
        (announcement, f"left behind by an interrupted pip: delete {announcement.metadata}")
        for announcement in announcements
        if announcement.metadata.name.startswith("~")
    ]
    sound = [announcement for announcement in announcements if not announcement.metadata.name.startswith("~")]
    if not sound:
        return None, leftovers
    together = [announcement for announcement in sound if announcement.metadata.parent == sound[0].metadata.parent]
    chosen = max(together, key=lambda announcement: (_version_key(announcement.version), announcement.metadata.name))
    leftovers += [
        (
            announcement,
            f"stale metadata next to version {chosen.version}, which is used; "
            f"reinstall {announcement.name} or delete {announcement.metadata}",
        )
        for announcement in together
        if announcement is not chosen
    ]
    return chosen, leftovers


def _version_key(version: str) -> list[tuple[bool, int, str]]:
    """Numbers compare as numbers. Enough to tell which of two leftovers is newer."""
    parts = re.findall(r"\d+|[a-z]+", version.lower())
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in parts]


def _sources(announcement: _Announcement) -> list[Source]:
    entry_points = announcement.distribution.entry_points.select(group=GROUP)
    return [
        Source(
            distribution=announcement.name,
            version=announcement.version,
            entry_point=entry_point,
            metadata=announcement.distribution,
        )
        for entry_point in entry_points
    ]
