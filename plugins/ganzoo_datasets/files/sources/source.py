"""What every place of pictures offers."""

from __future__ import annotations

from typing import Protocol

from ganzoo_datasets.files.pixels.raster import Raster


class PictureSource(Protocol):
    """Pictures by name."""

    @property
    def identity(self) -> str:
        """A text that tells this place from others, for the cache."""
        ...

    def state(self, name: str) -> str:
        """A text that changes when the content of a picture does, found without reading it."""
        ...

    def raster(self, name: str, *, at_least: int | None) -> Raster:
        """The decoded picture. With ``at_least``, a reader may shrink it while its sides stay that long.

        Raises:
            UnreadablePicture: and why.
        """
        ...

    def size(self, name: str) -> tuple[int, int] | None:
        """Width and height, from the header alone; ``None`` when even that cannot be read."""
        ...


def in_order(source: PictureSource) -> bool:
    """Whether pictures are quick to read only one after another, as from a compressed stream; it says ``in_order``."""
    return getattr(source, "in_order", False)
