"""Feature matching."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Literal

import torch
from pydantic import Field

from ganzoo.component import RegularizerOptions
from ganzoo.errors import ConfigError
from ganzoo.protocols import Regularizer
from ganzoo_regularizers.chosen_features import chosen_features

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from ganzoo.protocols import DiscriminatorOutput, StepView


class FeatureMatching(RegularizerOptions, Regularizer):
    """Distance between the features of real and of fake data, minimized by the generator.

    Formula:
        batch:   G: λ·Σ_j mean (sg E_x φ_j(x) − E_z φ_j(G(z)))²
        sample:  G: λ·Σ_j mean_n |sg φ_j(x_n) − φ_j(x̂_n)|                with ``norm=l1``

    φ_j are the discriminator's features at layer j, where every channel and position is one feature. ``pair=batch``
    compares expectations: E are means over the batches, which may differ in size. ``pair=sample`` compares each fake
    with the real sample in its place, as in paired tasks (reconstruction, translation, vocoding): then batches are
    paired and of equal number and shape, and in a loop that hands over fakes both sides see the same draws of
    augmentation and dropout. λ is ``weight``. ``norm``: ``l2`` is the mean of squares, ``sum`` is their sum (over
    features; a mean over samples), and ``l1`` is the mean of absolute differences. ``layer`` is one layer or ``all``,
    whose distances are added. Of a discriminator that is several critics in one, such as ``multiscale-patchgan``,
    ``average=layers`` takes the mean over the layers of each critic and adds critics, ``critics`` adds layers and takes
    the mean over critics, and ``both`` is the mean of these means. The distances of a critic are multiplied by the
    weight of its map of logits, where the discriminator gives one (``ensemble``). ``relative`` divides the distance of
    a layer by the mean absolute value of its real features. No gradient flows into the real side or to the
    discriminator. With ``only``, the term replaces the adversarial term in the generator's objective. It is 0 at equal
    features.

    Where implementations differ: for a generator without targets the distance of each fake to some real image, sample
    by sample, is a different objective, whose minimum is a generator of one image; it is a known mistake. For one with
    targets the distance of expectations does not notice a batch in another order. Salimans et al. use ``sum``, their
    code ``l1``. HiFi-GAN adds layers and critics (``none``) with weight 2, the logits among them; DAC leaves the logits
    out; audiocraft averages ``both``; SPADE averages ``critics`` with weight 10, and so does Vocos; pix2pixHD has 10
    times 4 over the number of layers, which is ``both`` with weight 40. EnCodec's paper is ``relative``.

    Raises:
        ConfigError: if the discriminator returns no features, or none at this layer, or paired batches are unlike.

    Source: Salimans et al. 2016, arXiv:1606.03498, section 3.1 (batch); Larsen et al. 2016, arXiv:1512.09300, and Wang
        et al. 2018, arXiv:1711.11585, equation 5 (sample).
    """

    pair: Literal["batch", "sample"] = Field(
        default="batch", description="compare means over the batches, or each fake with the real sample in its place"
    )
    norm: Literal["l2", "sum", "l1"] = Field(
        default="l2",
        description="mean of squares, sum of squares (the paper) or mean of absolute values (the authors' code)",
    )
    layer: int | Literal["all"] = Field(
        default=-1, description="index into the discriminator's features, by default the last; or all"
    )
    average: Literal["none", "layers", "critics", "both"] = Field(
        default="none",
        description="with layer all: add all distances, or average over the layers of a critic, over critics, or both",
    )
    relative: bool = Field(default=False, description="divide by the mean absolute value of the real features")
    only: bool = Field(default=False, description="replace the generator's adversarial term instead of adding to it")

    def tags(self) -> frozenset[str]:
        """It compares features, in the generator's step; means over batches are not the mean of their parts."""
        tags = frozenset({"needs_real_output", "needs_features"})
        tags |= {"batch_nonlinear"} if self.pair == "batch" or self.relative else frozenset()
        tags |= {"pairs_samples"} if self.pair == "sample" else frozenset()
        return tags | {"replaces_generator_loss"} if self.only else tags

    def generator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``feature_matching``."""
        if view.real_output is None:
            raise ConfigError(
                "regularizer feature-matching needs the features of real data, but they were not computed",
                allowed="a training loop that reads the tag needs_real_output",
                hint="report this to the author of the training loop that calls feature-matching",
            )
        groups = _layers_of_critics(view.fake_output) if self.layer == "all" else [[self.layer]]
        sums = []
        for layers in groups:
            distances = torch.stack([self._distance(view.real_output, view.fake_output, layer) for layer in layers])
            sums.append(distances.mean() if self.average in ("layers", "both") else distances.sum())
        weights = view.fake_output.map_weights
        if self.layer == "all" and len(weights) == len(sums):
            sums = [weight * one for weight, one in zip(weights, sums, strict=True)]
        total = torch.stack(sums).sum()
        return {"feature_matching": total / len(sums) if self.average in ("critics", "both") else total}

    def _distance(self, real_output: DiscriminatorOutput, fake_output: DiscriminatorOutput, layer: int) -> Tensor:
        real = chosen_features(real_output, layer, regularizer="feature-matching").detach()
        fake = chosen_features(fake_output, layer, regularizer="feature-matching")
        scale = real.abs().mean().clamp_min(torch.finfo(real.dtype).tiny) if self.relative else 1.0
        if self.pair == "batch":
            real, fake = real.mean(0, keepdim=True), fake.mean(0, keepdim=True)
        elif real.shape != fake.shape:
            raise ConfigError(
                "feature-matching with pair=sample compares each fake with the real sample in its place",
                given=f"features of real {tuple(real.shape)}, of fakes {tuple(fake.shape)}",
                allowed="batches of equal number and shape",
                hint="--set regularizers.feature-matching.pair=batch",
            )
        difference = real - fake
        if self.norm == "l1":
            return difference.abs().mean() / scale
        squares = difference.square()
        return (squares.sum() / len(squares) if self.norm == "sum" else squares.mean()) / scale


def _layers_of_critics(output: DiscriminatorOutput) -> list[Sequence[int]]:
    """The indices of each critic's features, without critics that show none; layer 0 where there are none at all."""
    counts = [len(group) for group in output.feature_groups()]
    ends = accumulate(counts)
    return [range(end - count, end) for end, count in zip(ends, counts, strict=True) if count] or [[0]]
