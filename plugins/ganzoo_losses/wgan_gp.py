"""The Wasserstein objective that relies on a gradient penalty."""

from __future__ import annotations

from ganzoo_losses.wgan import Wgan


class WganGp(Wgan):
    """Wasserstein-1 distance in its dual form, with a critic held near slope 1 by a gradient penalty.

    Formula:
        D: E f − E r  (+ λ·E(‖∇D(x̂)‖ − 1)², the regularizer ``gradient-penalty``)
        G: −E f

    r and f are the logits of real and fake samples, of any shape; E is the mean over all elements. At zero logits both
    are 0. −D estimates the distance up to a factor, if the critic is near its optimum and near slope 1.

    The penalty is not part of this class: the loss is that of ``wgan``, and *suggests* the regularizer
    ``gradient-penalty`` with weight 10, five critic steps per generator step, and Adam at 1e-4 with betas (0, 0.9).
    Without any bound on the critic (``--reg none`` and no spectral norm) the objective is unbounded below. A logit of 0
    has no special meaning, so the share of logits above 0 carries no information.

    Source: Gulrajani et al. 2017, arXiv:1704.00028, equation 3 and algorithm 1.
    """
