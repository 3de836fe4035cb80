"""The relaxed orthogonal regularization of BigGAN."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from pydantic import Field

from ganzoo.component import RegularizerOptions
from ganzoo.protocols import Regularizer
from ganzoo_regularizers.generator_at_hand import network_of
from ganzoo_regularizers.weight_matrices import weight_matrices

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import StepView


class Orthogonal(RegularizerOptions, Regularizer):
    """Squared overlaps between the filters of each of the generator's layers, in the generator's step.

    Formula:
        G: β/2·Σ‖(W·Wᵀ) ⊙ (1 − I)‖²_F,  gradient 2β·((W·Wᵀ) ⊙ (1 − I))·W

    β is ``weight``. W is every parameter with two axes or more, as an (out, rest) matrix whose rows are filters; the
    lengths of the rows are not penalized. Embedding tables, biases and normalization parameters are left out. For a
    weight under spectral norm, W is the stored parameter before its division by σ(W), as in the authors' code. The
    value grows with the number of weights and does not depend on the batch.

    Where implementations differ: the paper writes β‖(WᵀW) ⊙ (1−I)‖²_F, with columns in place of rows and twice this
    value; here, rows and scale are those of the gradient in the authors' code. That code takes the first axis of a
    transposed convolution for its filters, which is its input; here the filters are the second axis, its output.

    Source: Brock et al. 2019, arXiv:1809.11096, equation 3; the authors' code.
    """

    weight: float = Field(default=1e-4, ge=0, description="β; the term is β/2·‖(WWᵀ)⊙(1−I)‖²")

    def tags(self) -> frozenset[str]:
        """It looks at the weights of the generator, which not every loop has."""
        return frozenset({"needs_generator"})

    def generator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``orthogonal``; none if the generator has no such weight."""
        network = network_of(view, name="orthogonal")
        terms = [overlap(matrix) for _, matrix in weight_matrices(network, embeddings=False)]
        return {"orthogonal": torch.stack(terms).sum()} if terms else {}


def overlap(matrix: Tensor) -> Tensor:
    """½·Σ_{i≠j} ⟨wᵢ, wⱼ⟩² over the rows of a matrix."""
    products = matrix @ matrix.T
    # Not ‖·‖² less the diagonal's: the difference of two large numbers loses the small one.
    return (products - products.diagonal().diag()).square().sum() / 2
