"""Feature matching."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ganzoo.component import RegularizerOptions
from ganzoo.errors import ConfigError
from ganzoo.protocols import Regularizer
from ganzoo_regularizers.chosen_features import chosen_features

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import StepView


class FeatureMatching(RegularizerOptions, Regularizer):
    """Distance between the expected features of real and of fake data, minimized by the generator.

    Formula:
        G: λ·mean_j (sg E_x φ_j(x) − E_z φ_j(G(z)))²

    φ are the discriminator's features at ``layer``, where every channel and position is one feature; E are means over
    the batches, which may differ in size. λ is ``weight``. ``norm``: ``l2`` is the mean of squares above, ``sum`` is
    their sum, and ``l1`` is the mean of absolute differences. No gradient flows into the real side or to the
    discriminator. With ``only``, the term replaces the adversarial term in the generator's objective. It is 0 at equal
    expectations.

    Where implementations differ: this term compares expectations. The distance of each fake to some real image, sample
    by sample, is a different objective, whose minimum is a generator of one image; it is a known mistake. The paper
    uses ``sum``, the authors' code uses ``l1``; the mean does not depend on the width of the layer.

    Raises:
        ConfigError: if the discriminator returns no features, or none at this layer.

    Source: Salimans et al. 2016, arXiv:1606.03498, section 3.1.
    """

    norm: Literal["l2", "sum", "l1"] = Field(
        default="l2",
        description="mean of squares, sum of squares (the paper) or mean of absolute values (the authors' code)",
    )
    layer: int = Field(default=-1, description="index into the discriminator's features; by default the last")
    only: bool = Field(default=False, description="replace the generator's adversarial term instead of adding to it")

    def tags(self) -> frozenset[str]:
        """It compares batches of features, in the generator's step."""
        tags = frozenset({"needs_real_output", "needs_features", "batch_nonlinear"})
        return tags | {"replaces_generator_loss"} if self.only else tags

    def generator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``feature_matching``."""
        if view.real_output is None:
            raise ConfigError(
                "regularizer feature-matching needs the features of real data, but they were not computed",
                allowed="a training loop that reads the tag needs_real_output",
                hint="report this to the author of the training loop that calls feature-matching",
            )
        real = chosen_features(view.real_output, self.layer, regularizer="feature-matching").detach().mean(0)
        fake = chosen_features(view.fake_output, self.layer, regularizer="feature-matching").mean(0)
        difference = real - fake
        if self.norm == "l1":
            return {"feature_matching": difference.abs().mean()}
        squares = difference.square()
        return {"feature_matching": squares.sum() if self.norm == "sum" else squares.mean()}
