"""Which block of a generator self-attention follows."""

from __future__ import annotations

from ganzoo.errors import ConfigError


def place_of_attention(attention: int | None, side: int, count: int, *, generator: str) -> int | None:
    """Index of the block whose output has ``attention`` px per side; ``None`` for no attention.

    ``count`` blocks double a map of ``side`` px; ``generator`` is the name in the message.

    Raises:
        ConfigError: if no block ends there.
    """
    if attention is None:
        return None
    ends = [side << number for number in range(1, count + 1)]
    if attention not in ends:
        nearest = min(ends, key=lambda end: abs(end - attention))
        raise ConfigError(
            f"generator {generator} has no block that ends in feature maps of {attention} px per side",
            given=f"attention {attention}",
            allowed=", ".join(str(end) for end in ends),
            hint=f"--set generator.attention={nearest}",
        )
    return ends.index(attention)
