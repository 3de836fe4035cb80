"""The energy-based objective with a margin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from pydantic import Field

from ganzoo.component import Options

if TYPE_CHECKING:
    from torch import Tensor


class Ebgan(Options):
    """Energies: D lowers those of real data and lifts those of fakes up to a margin, G lowers those of its fakes.

    Formula:
        D: E r̃ + E relu(m − f̃)
        G: E f̃

    r̃ = −r and f̃ = −f are the energies of real and fake, the negated logits, so that higher logits mean more real here
    as everywhere; m is ``margin``. Logits may have any shape; E is the mean over every element. At zero logits: D = m,
    G = 0. D needs energies that are bounded below, as the reconstruction error of ``autoencoder`` is; with a head that
    can take any value, E r̃ has no minimum. The logits are ≤ 0, so the share of them above 0 says nothing; what is
    logged is the share of fakes whose energy is below the margin, which are those that still push D.

    Where implementations differ: the margin is in units of the energy, and the paper's (10 for MNIST, 20 for CelebA,
    80 for LSUN, 40 and 80 for ImageNet at 128 and 256 pixels) are not in those of ``autoencoder``, whose energy is the
    *mean* squared error of a sample: within images of [−1, 1] it is at most 4, a margin above which is never reached
    and lets D lift fakes for ever. The default, 1, is what a reconstruction of all zeros costs on images of ±1, and
    what common implementations with a mean squared error take for batches of 64. If the paper's energy is read as the
    Euclidean distance, as it is written there, a margin M corresponds to M²/(C·H·W) here: 0.52 for LSUN, 0.03 for
    CelebA at 64 pixels. The pull-away term acts on encodings, which a loss does not see: it is the regularizer
    ``pull-away``.

    The loss *suggests* the discriminator ``autoencoder`` with ``discriminator.distance`` l2, the squared error.

    Source: Zhao et al. 2016, arXiv:1609.03126, equations 1 and 2.
    """

    margin: float = Field(default=1.0, gt=0, description="m: fakes whose energy is below it push D, in its units")

    def tags(self) -> frozenset[str]:
        """The logits are read as negated energies."""
        return frozenset({"needs_energy"})

    def discriminator_loss(self, *, real: Tensor, fake: Tensor) -> Tensor:
        """D's objective from logits of any shape."""
        return F.relu(self.margin + fake).mean() - real.mean()

    def generator_loss(self, *, fake: Tensor) -> Tensor:
        """G's objective from logits of any shape."""
        return -fake.mean()

    def diagnostics(self, *, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
        """The share of fakes with an energy below the margin."""
        return {"violations/fake": (fake > -self.margin).float().mean()}

    def equilibrium(self) -> dict[str, float]:
        """D's value at p_g = p_data. G's is any constant in [0, m], so it is left out."""
        return {"d": self.margin}
