"""The energy-based objective with a margin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch.nn.functional as F
from pydantic import Field

from ganzoo.component import Options

if TYPE_CHECKING:
    from torch import Tensor


class Ebgan(Options):
    """Energies: D lowers the energy of real data and raises that of fakes up to a margin; G lowers that of its fakes.

    Formula:
        D: E r̃ + E relu(m − f̃)
        G: E f̃

    r̃ = −r and f̃ = −f are the energies of real and fake samples, the negated logits, so that higher logits mean more
    real here too; m is ``margin``. Logits may have any shape; E is the mean over all elements. At zero logits: D = m, G
    = 0. D needs energies that are bounded below, like the reconstruction error of ``autoencoder``; with a head that can
    output any value, E r̃ has no minimum. The logits are ≤ 0, so the share of logits above 0 carries no information;
    the share of fakes with an energy below the margin is logged instead, since these are the fakes that still push D.

    Where implementations differ: the margin is measured in units of the energy, and the paper's margins (10 for MNIST,
    20 for CelebA, 80 for LSUN, 40 and 80 for ImageNet at 128 and 256 pixels) are not in the units of ``autoencoder``,
    whose energy is the *mean* squared error of a sample: within images of [−1, 1] it is at most 4, so a margin above 4
    is never reached and lets D raise the energy of fakes forever. The default, 1, is what a reconstruction of all zeros
    costs on images of ±1, and what common implementations with a mean squared error use for batches of 64. If the
    paper's energy is read as the Euclidean distance, as it is written there, a margin M corresponds to M²/(C·H·W) here:
    0.52 for LSUN, 0.03 for CelebA at 64 pixels. The pull-away term acts on encodings, which a loss does not see; it is
    the regularizer ``pull-away``.

    The loss *suggests* the discriminator ``autoencoder`` with ``discriminator.distance`` l2, the squared error.

    Source: Zhao et al. 2016, arXiv:1609.03126, equations 1 and 2.
    """

    margin: float = Field(default=1.0, gt=0, description="m, in units of the energy: fakes below it push D")

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
