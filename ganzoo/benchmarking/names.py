"""What ganzoo's step is compared with, by name; nothing here needs torch."""

from __future__ import annotations

from ganzoo.did_you_mean import did_you_mean
from ganzoo.errors import ConfigError

NAMES = ("plain", "hand", "reused")
"""The plain loop, the careful one, and the plain one whose players share their fakes."""


def check_name(name: str) -> None:
    """Raise :class:`ConfigError` if there is no such loop."""
    if name not in NAMES:
        raise ConfigError(
            f"there is no loop {name!r} to compare with{did_you_mean(name, NAMES)}",
            given=f"--against {name}",
            allowed=f"{', '.join(NAMES)}; other libraries are not built in",
            hint="ganzoo bench --against plain",
        )
