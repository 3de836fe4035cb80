"""The shape of the signals a critic is built for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from ganzoo.protocols import DataSpec


def signal_shape(spec: DataSpec, *, of: str, shortest: int = 1, because: str = "") -> tuple[int, int]:
    """(C, T) of ``spec``; ``of`` is the name of the discriminator.

    Args:
        spec: what the data look like.
        of: the name of the discriminator.
        shortest: the smallest T that it takes.
        because: what asks for this length, as in "for n_fft 2048".

    Raises:
        ConfigError: if the data are not signals, or too short.
    """
    if spec.rank != 1:
        raise ConfigError(
            f"discriminator {of} works on signals only",
            given=f"data of shape {spec.shape}",
            allowed="data of shape (C, T)",
            hint="ganzoo list discriminators",
        )
    channels, length = spec.shape
    if length < shortest:
        raise ConfigError(
            f"discriminator {of} cannot judge signals {length} long",
            given=f"data of shape {spec.shape}",
            allowed=f"signals at least {shortest} long {because}".rstrip(),
            hint=f"spec=ganzoo.protocols.DataSpec(shape=({channels}, {shortest}))",
        )
    return channels, length
