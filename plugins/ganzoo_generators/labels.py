"""What conditional generators have in common: how many classes there are, and that labels must come with latents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DataSpec


def class_count(spec: DataSpec, *, generator: str) -> int:
    """How many classes the generator is conditioned on; 0 if it is unconditional.

    Raises:
        ConfigError: if a conditional generator is asked for and there are no classes.
    """
    if spec.conditional and not spec.classes:
        raise ConfigError(
            f"generator {generator} is asked to be conditional, but the data have no classes",
            allowed="data with classes",
            hint="--data FOLDER with one sub-folder per class",
        )
    return len(spec.classes) if spec.conditional else 0


def given_labels(labels: Tensor | None, *, classes: int, generator: str) -> Tensor:
    """The labels a conditional generator was called with.

    Raises:
        ConfigError: if there are none.
    """
    if labels is None:
        raise ConfigError(
            f"generator {generator} was built conditional, but got no labels",
            allowed=f"labels (N,) in [0, {classes})",
            hint="pass labels, or build it with a DataSpec that is not conditional",
        )
    return labels
