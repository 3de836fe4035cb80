"""The pulling-away term of EBGAN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from pydantic import Field

from ganzoo.component import RegularizerOptions
from ganzoo.errors import ConfigError
from ganzoo.protocols import Regularizer
from ganzoo_regularizers.chosen_features import chosen_features

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import StepView


class PullAway(RegularizerOptions, Regularizer):
    """Pulls the discriminator's encodings of fakes apart, in the generator's step.

    Formula:
        G: λ/(N(N−1))·Σ_{i≠j} cos²(Sᵢ, Sⱼ)

    Sᵢ is the discriminator's encoding of fake i: its features at ``layer``, flattened. The last features of
    ``autoencoder`` are its code. λ is ``weight``. The raw term is 0 for orthogonal and 1 for parallel or opposite
    encodings. Their length does not matter; an encoding of zero is orthogonal to all.

    Where implementations differ: the cosine is squared. Widely copied code leaves out the square and so rewards
    opposite encodings, which is a known mistake.

    Raises:
        ConfigError: if the discriminator returns no features, or none at this layer, or there is only one fake.

    Source: Zhao et al. 2017, arXiv:1609.03126, section 2.4.
    """

    weight: float = Field(default=0.1, ge=0, description="λ, the factor of the term")
    layer: int = Field(default=-1, description="index into the discriminator's features; by default the last")

    def tags(self) -> frozenset[str]:
        """It compares pairs of features within a batch."""
        return frozenset({"needs_features", "batch_nonlinear", "needs_two_samples"})

    def generator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``pull_away``."""
        encodings = chosen_features(view.fake_output, self.layer, regularizer="pull-away")
        n = len(encodings)
        if n < 2:
            raise ConfigError(
                "regularizer pull-away compares the fakes of a batch in pairs, but there is no pair",
                given=f"{n} per micro-batch",
                allowed="at least 2",
                hint="a larger --batch-size, or a smaller train.accumulate",
            )
        directions = F.normalize(encodings, dim=1)
        squares = (directions @ directions.T).square()
        return {"pull_away": (squares.sum() - squares.diagonal().sum()) / (n * (n - 1))}
