"""The LeCam regularizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import torch
import torch.nn.functional as F
from pydantic import Field

from ganzoo.component import RegularizerOptions
from ganzoo.errors import ConfigError
from ganzoo.protocols import Regularizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from ganzoo.protocols import DataSpec, Player, StepView


class Lecam(RegularizerOptions):
    """Holds the discriminator's logits near running averages of the other side's logits, in the discriminator's step.

    Formula:
        D: λ·(E relu(r − ē_f)² + E relu(ē_r − f)²)
        ē_r ← d·ē_r + (1−d)·E r,  ē_f ← d·ē_f + (1−d)·E f,  the first time and before ``start`` ē ← E
        with ``of=mean``: D: λ·(relu(E r − ē_f)² + relu(ē_r − E f)²)

    r, f are the logits of real and fake samples, of any shape; E is the mean over batch and patches. If there are
    several maps, each has its own averages, and the terms are summed. λ is ``weight``, d is ``decay``. The averages
    carry no gradient, take in the current batch before the term is computed (with ``moves=after``, after it, so that
    the term sees the batches before alone; the first update has none, unless ``begin=zero``), and move once per update
    of D: each micro-batch sees the averages moved by its own means, and the update then takes in the means of the whole
    batch.
    With ``every`` they move only at the updates in which the term is applied. They are part of checkpoints. The term is
    0 at zero logits.

    Where implementations differ: the authors' CIFAR code uses d 0.9, ``start`` 1000 and averages that begin at 1000;
    their StyleGAN2 code uses d 0.99, no start and averages corrected for their beginning. Here they begin at the first
    batch's means, so no start is needed, and 0 is the default. The paper's formula has no relu; both codes do.
    Open-MAGVIT2's averages begin at 0 and are not corrected for it, which is ``begin=zero`` with d 0.999. TiTok and
    MaskBit take the term of the batch's mean logits and move the averages afterwards, with λ 0.001: ``of=mean``,
    ``moves=after``.

    Raises:
        ConfigError: if there are no logits on real data.

    Source: Tseng et al. 2021, arXiv:2104.03310, section 3; the authors' code.
    """

    weight: float = Field(default=0.3, ge=0, description="λ, the factor of the term")
    decay: float = Field(default=0.9, ge=0, lt=1, description="d, the share of its old value that an average keeps")
    start: int = Field(
        default=0,
        ge=0,
        description="first updates of D, of those that `every` leaves, in which the term is off and the averages are "
        "the batch means",
    )

    begin: Literal["batch", "zero"] = Field(
        default="batch", description="what the averages begin with: the first batch's means, or 0 as Open-MAGVIT2"
    )

    of: Literal["logit", "mean"] = Field(
        default="logit", description="take the term of every logit, or of the batch's mean logits"
    )
    moves: Literal["before", "after"] = Field(
        default="before", description="whether averages take in a batch before or after the term is computed of it"
    )

    def tags(self) -> frozenset[str]:
        """Averages over a micro-batch are not averages over the batch."""
        return frozenset({"batch_nonlinear"})

    def build(self, spec: DataSpec) -> LecamRegularizer:
        """The regularizer with its averages."""
        return LecamRegularizer(self)


class LecamRegularizer(Regularizer):
    """The term of :class:`Lecam` and its averages, one per side and map: tensors on the device of the logits."""

    def __init__(self, options: Lecam) -> None:
        self.decay, self.start, self.begin = options.decay, options.start, options.begin
        self.of, self.moves = options.of, options.moves
        self.averages = torch.zeros(2, 0)
        self.updates = 0
        self._seen: list[tuple[int, Tensor]] = []

    def discriminator_terms(self, view: StepView) -> dict[str, Tensor]:
        """The raw term ``lecam``; none before ``start``, or where averages have taken in no batch yet."""
        if view.real_output is None:
            raise ConfigError(
                "regularizer lecam compares logits on real and on fake data, but there are none on real data",
                allowed="the discriminator's step",
                hint="report this to the author of the training loop that calls lecam",
            )
        real, fake = view.real_output.maps(), view.fake_output.maps()
        means = torch.stack([torch.stack([logits.detach().mean() for logits in side]) for side in (real, fake)])
        self._seen.append((len(view.real), means))
        averages = self._moved(means) if self.moves == "before" else self._before(means)
        if averages is None or self.updates < self.start:
            return {}
        of_real, of_fake = averages
        if self.of == "mean":
            real, fake = (tuple(logits.mean() for logits in side) for side in (real, fake))
        terms = [
            F.relu(r - average_f).square().mean() + F.relu(average_r - f).square().mean()
            for r, f, average_r, average_f in zip(real, fake, of_real, of_fake, strict=True)
        ]
        return {"lecam": torch.stack(terms).sum()}

    def after_step(self, player: Player, network: nn.Module) -> None:
        """Move the averages by the means of the whole batch, after the discriminator's step only."""
        if player == "discriminator" and self._seen:
            total = sum(n for n, _ in self._seen)
            means = torch.stack([means * (n / total) for n, means in self._seen]).sum(0)
            self.averages = self._moved(means)
            self.updates += 1
        self._seen.clear()

    def _before(self, means: Tensor) -> Tensor | None:
        """The averages without the current batch; ``None`` where there was none before and they do not begin at 0."""
        if self.updates == 0:
            return torch.zeros_like(means) if self.begin == "zero" else None
        return self.averages.to(means, non_blocking=True)

    def _moved(self, means: Tensor) -> Tensor:
        if self.begin == "zero" and self.updates == 0:
            return (1 - self.decay) * means
        if self.updates == 0 or self.updates < self.start:
            return means
        return self.decay * self.averages.to(means, non_blocking=True) + (1 - self.decay) * means

    def state_dict(self) -> dict[str, Tensor]:
        """The averages, (2, maps), real before fake, and how often they have moved."""
        return {"averages": self.averages.clone(), "updates": torch.tensor(self.updates)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore :meth:`state_dict`."""
        self.averages, self.updates = state["averages"].clone(), int(state["updates"])
        self._seen.clear()
