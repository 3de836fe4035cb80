"""One of the activations that a discriminator returns as features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DiscriminatorOutput


def chosen_features(output: DiscriminatorOutput, layer: int, *, regularizer: str) -> Tensor:
    """``output.features[layer]`` as (N, features), in the precision of the logits."""
    count = len(output.features)
    if count == 0:
        raise ConfigError(
            f"regularizer {regularizer} needs the discriminator's features, but the discriminator returns none",
            allowed="a discriminator with the tag provides_features",
            hint=f"--disc dcgan for images, --disc mlp for vectors, or leave {regularizer} out",
        )
    if not -count <= layer < count:
        raise ConfigError(
            f"regularizer {regularizer} uses a layer that the discriminator does not have",
            given=f"layer {layer}",
            allowed=f"-{count} to {count - 1}",
            hint=f"--set regularizers.{regularizer}.layer=-1",
        )
    return output.features[layer].flatten(1).to(output.logits.dtype)
