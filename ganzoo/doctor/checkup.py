"""All checks, one section after the other. Whatever fails becomes a fault; nothing but an interrupt gets out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ganzoo.doctor.devices import device_checks
from ganzoo.doctor.diagnosis import Diagnosis, Section
from ganzoo.doctor.folders import folder_checks
from ganzoo.doctor.plugins import plugin_checks
from ganzoo.doctor.versions import optional_checks, version_checks
from ganzoo.registry import full_traceback, one_line


def checkup(*, plugins: bool = True) -> Iterator[list[Diagnosis]]:
    """All checks, some at a time, as soon as they are known.

    Args:
        plugins: ``False`` leaves out third parties.
    """
    yield list(_surviving("versions", version_checks))
    yield list(_surviving("devices", device_checks))
    yield list(_surviving("folders", folder_checks))
    loaded = _surviving("plugins", lambda: plugin_checks(plugins=plugins))
    yield [*loaded, *_surviving("optional packages", optional_checks)]


def _surviving(section: Section, checks: Callable[[], Iterable[Diagnosis]]) -> Iterator[Diagnosis]:
    """The checks; an exception of theirs is the last one."""
    try:
        yield from checks()
    except Exception as error:
        yield Diagnosis(
            section=section,
            name="doctor",
            status="fault",
            text=f"could not continue: {one_line(error)}",
            fixes=("report it to the authors of ganzoo",),
            traceback=full_traceback(error),
        )
