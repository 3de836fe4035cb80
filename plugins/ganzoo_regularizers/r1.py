"""The zero-centered gradient penalty on real data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.protocols import Regularizer
from ganzoo_regularizers.critic_gradient import squared_gradient_norms
from ganzoo_regularizers.lazy_penalty import LazyPenaltyOptions

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import StepView


class R1(LazyPenaltyOptions, Regularizer):
    """Squared slope of the critic at real data, in the discriminator's step.

    Formula:
        D: γ/2·Eᵢ‖∇D̄(xᵢ)‖²

    γ is ``weight``; the raw term is ½·E‖∇D̄‖². The squared norm is summed over all of C·H·W; D̄ is the mean logit of a
    sample, over the patches of each map and then over the maps, so that γ means the same for any number of patches;
    class logits are not used. The gradient is taken at the un-augmented images, with their labels. For D = ⟨w, x⟩ the
    term is γ/2·‖w‖². With ``every`` k the term is applied at every k-th update and multiplied by k: StyleGAN2's lazy
    form is ``every`` 16 with ``lazy_adam``, which sets D's Adam to lr·c and β^c, c = k/(k+1).

    Where implementations differ: the paper uses γ/2 and γ 10, as here; libraries whose factor stands for γ/2 need half
    the number. StyleGAN2 gives the lazy term its own optimizer step, so it takes k+1 steps where the plain form takes
    k, and c compensates for that; here the term is part of D's own step.

    Source: Mescheder et al. 2018, arXiv:1801.04406, equation 9; lazy form: Karras et al. 2020, arXiv:1912.04958.
    """

    def discriminator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``r1``."""
        return {"r1": squared_gradient_norms(view.critic, view.real, view.real_labels).mean() / 2}
