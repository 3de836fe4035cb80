"""The contrast of patches between a generator's input and its output."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganzoo.errors import ConfigError
from ganzoo.seeds import generator_for
from ganzoo.training.part_critic import demanded


class PatchNCE(nn.Module):
    """Holds each patch of the output to that of the input in its place: ``ganzoo.PatchNCE([3, 64, 128])``.

    Formula:
        in layer l and sample n:  q_s = h_l(made_l[n, :, s]),  k_s = sg h_l(given_l[n, :, s]),  both of norm 1
        L = mean over l, n, s of −log( exp(q_s·k_s/τ) / Σ_t exp(q_s·k_t/τ) )

    ``given`` and ``made`` are features (N, C, …) of the input and of the output, in the same layers of the generator's
    encoder: the term is added to your own loss of the generator, beside a critic's. s and t are the same ``patches``
    locations in all samples, drawn without replacement from those of the layer, or all where there are no more; they
    depend on ``seed``, ``step`` and the layer alone. h_l is linear, ReLU, linear. Weights start from N(0, 0.02²),
    biases from 0; they belong in your optimizer. No gradient reaches ``given``. The value is above 0; where all
    features are alike, it is the mean log of the number of locations.

    Where implementations differ: CUT's code makes h_l when it first sees features, so that an optimizer that was made
    before lacks them; here their ``channels`` are told. It weights the term by 1, or takes the mean of it and of the
    same term of targets that go through the generator (identity). Negatives of all samples in the batch are its option;
    here they are of the same sample, its default.

    Args:
        channels: of the features of each layer.
        width: of h_l; None for features as they are.
        patches: locations in each layer.
        temperature: τ, above 0.
        seed: of the draws.

    Raises:
        ConfigError: an argument is out of range, ``given`` and ``made`` differ in number or shape, or features are not
            those that ``channels`` tells or have a single location, which has nothing to be told from.

    Source: Park et al. 2020 (CUT), arXiv:2007.15651, equations 3 to 5 and appendix C.
    """

    def __init__(
        self,
        channels: Sequence[int],
        *,
        width: int | None = 256,
        patches: int = 256,
        temperature: float = 0.07,
        seed: int = 0,
    ) -> None:
        super().__init__()
        several = isinstance(channels, Sequence) and len(channels) > 0
        number = isinstance(temperature, int | float) and not isinstance(temperature, bool)
        if not several or not number or not 0 < temperature < math.inf:
            raise ConfigError(
                "PatchNCE needs a layer of features or more, and a temperature",
                given=f"channels={channels!r}, temperature={temperature!r}",
                allowed="channels=[3, 64, 128], one number for each layer, and a temperature above 0",
            )
        self.channels = [demanded("channels", one) for one in channels]
        self.patches = demanded("patches", patches, lowest=2)
        self.temperature, self.seed = temperature, demanded("seed", seed, lowest=None)
        self.width = None if width is None else demanded("width", width)
        self.heads = nn.ModuleList(_head(one, self.width) for one in self.channels)

    def forward(self, made: Sequence[Tensor], given: Sequence[Tensor], *, step: int) -> Tensor:
        """The term of one step, a scalar."""
        shapes = [[tuple(one.shape) for one in side] for side in (made, given)]
        fitting = [len(one) > 2 and one[1] == count for one, count in zip(shapes[0], self.channels, strict=False)]
        if shapes[0] != shapes[1] or len(shapes[0]) != len(self.channels) or not all(fitting):
            raise ConfigError(
                "PatchNCE compares features of the output with those of the input, layer by layer",
                given=f"made {shapes[0]}, given {shapes[1]}",
                allowed=f"two lists of equal shapes (N, C, …) with C of {self.channels}",
            )
        layers = zip(self.heads, made, given, strict=True)
        terms = [self._layer(number, step, *layer) for number, layer in enumerate(layers)]
        return torch.stack(terms).mean()

    def _layer(self, number: int, step: int, head: nn.Module, made: Tensor, given: Tensor) -> Tensor:
        count = given.flatten(2).shape[2]
        if count < 2:
            raise ConfigError(
                "features with a single location have no patches to tell it from",
                given=f"layer {number} of shape {tuple(given.shape)}",
                allowed="features with 2 locations or more",
            )
        random = generator_for(self.seed, "patch-nce", demanded("step", step, lowest=0), number)
        chosen = torch.randperm(count, generator=random)[: self.patches].to(given.device)
        q, k = (F.normalize(head(one.flatten(2)[:, :, chosen].transpose(1, 2)), dim=2) for one in (made, given))
        logits = q @ k.detach().transpose(1, 2) / self.temperature
        return F.cross_entropy(logits.flatten(0, 1), torch.arange(len(chosen), device=q.device).repeat(len(q)))


def _head(channels: int, width: int | None) -> nn.Module:
    if width is None:
        return nn.Identity()
    layers = nn.Linear(channels, width), nn.Linear(width, width)
    for layer in layers:
        nn.init.normal_(layer.weight, std=0.02)
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layers[0], nn.ReLU(), layers[1])
