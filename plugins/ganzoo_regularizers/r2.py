"""The zero-centered gradient penalty on fakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.protocols import Regularizer
from ganzoo_regularizers.lazy_penalty import LazyPenaltyOptions

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import StepView


class R2(LazyPenaltyOptions, Regularizer):
    """Squared slope of the critic at fakes, in the discriminator's step.

    Formula:
        D: γ/2·Eᵢ‖∇D̄(G(z)ᵢ)‖²

    γ is ``weight``; the raw term is ½·E‖∇D̄‖². Everything is as in ``r1``, with fakes and the labels they were
    generated for in place of real data. G gets no gradient from this term, because fakes are detached in D's step. For
    D = ⟨w, x⟩ the term is γ/2·‖w‖². With ``estimate`` ``difference`` the slope is estimated as in ``r1``.

    Where implementations differ: libraries whose factor stands for γ/2 need half the number. R3GAN uses R1 and R2
    together, with the same γ.

    Source: Mescheder et al. 2018, arXiv:1801.04406, equation 10; with R1: Huang et al. 2024, arXiv:2501.05441;
    difference: Lin et al. 2025, arXiv:2501.08316; divided by σ: arXiv:2509.24935, arXiv:2511.22475.
    """

    def discriminator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``r2``."""
        return {"r2": self.half_squared_slope(view, view.fake, view.fake_labels)}
