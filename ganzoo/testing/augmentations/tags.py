"""What tags of augmentations promise, measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ganzoo.errors import ConfigError
from ganzoo.testing.subject import VECTORS, Subject


def needs_images(subject: Subject) -> bool:
    """Whether it cannot be built for vectors."""
    try:
        subject.build(VECTORS)
    except ConfigError:
        return True
    return False


MEASURES: Mapping[str, Callable[[Subject], bool]] = {"needs_images": needs_images}
