"""Which images the DCGAN family can take: sides that halve down to 4, 5, 6 or 7."""

from __future__ import annotations

from ganzoo.errors import ConfigError

REMAINING = range(4, 8)
"""Sides that may remain. Between 4 and 7 lies exactly one b of any side b·2ⁿ."""


def halvings(height: int, width: int, *, discriminator: str) -> tuple[int, int]:
    """How often a square image is halved, n ≥ 1, and the side b that remains: height = b·2ⁿ.

    Raises:
        ConfigError: if the image is not square or no such b is left.
    """
    count, side = 0, height
    while side % 2 == 0 and side >= 8:
        count, side = count + 1, side // 2
    if height != width or not count or side not in REMAINING:
        raise ConfigError(
            f"discriminator {discriminator} halves square images down to 4, 5, 6 or 7 px per side; these do not fit",
            given=f"images of {height}×{width}",
            allowed="4, 5, 6 or 7 times a power of two: 8, 10, 12, 14, 16, 20, 24, 28, 32, …, 64, …, 128, …, 256",
            hint=f"--image-size {nearest_fitting(min(height, width))}",
        )
    return count, side


def nearest_fitting(side: int) -> int:
    """The fitting side nearest to ``side``; of two equally near ones the smaller."""
    fitting = sorted(b << n for b in REMAINING for n in range(1, 16))
    return min(fitting, key=lambda candidate: abs(candidate - side))
