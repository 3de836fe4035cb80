"""Which image sizes doubling can reach, sides b·2ⁿ, and how wide the maps are on the way."""

from __future__ import annotations

from ganzoo.errors import ConfigError

FIRST = range(4, 8)
"""Sides of the first map. Doubled, they reach disjoint sets of sides."""
MOST_DOUBLINGS = 16


def doublings(height: int, width: int, *, generator: str) -> tuple[int, int]:
    """How often a first map of side b is doubled to the image, n ≥ 1, and b: height = b·2ⁿ.

    Raises:
        ConfigError: if the image is not square or has no such side; ``generator`` is the name in the message.
    """
    reached = {b << n: (n, b) for b in FIRST for n in range(1, MOST_DOUBLINGS)}
    if height != width or height not in reached:
        nearest = min(reached, key=lambda side: (abs(side - min(height, width)), side))
        raise ConfigError(
            f"generator {generator} doubles maps of 4, 5, 6 or 7 px per side up to a square image; these do not fit",
            given=f"images of {height}×{width}",
            allowed="4, 5, 6 or 7 times a power of two: 8, 10, 12, 14, 16, 20, 24, 28, 32, …, 64, …, 128, …, 256",
            hint=f"--image-size {nearest}",
        )
    return reached[height]


def halving_widths(last: int, count: int, *, largest: int) -> list[int]:
    """``count`` widths, each half the one before, the last ``last`` and none above ``largest`` times that."""
    return [last * min(2**i, largest) for i in reversed(range(count))]
