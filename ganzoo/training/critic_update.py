"""The critics' own step: one update of all of them, in one part or several."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from ganzoo.training import spectral
from ganzoo.training.adversarial_step import AdversarialStep
from ganzoo.training.all_or_nothing import put_back, tensors_of
from ganzoo.training.critic_logs import CriticLogs
from ganzoo.training.critic_settings import CriticSettings
from ganzoo.training.game import Terms, sum_of, times
from ganzoo.training.given_data import GivenBatch, with_condition
from ganzoo.training.image_pool import ImagePool
from ganzoo.training.misfit import told_of_misfits
from ganzoo.training.observation import observed
from ganzoo.training.own_parts import Part
from ganzoo.training.processes import mean_over_processes, share_gradients
from ganzoo.training.without_trace import buffers_kept_if_it_raises


class CriticUpdate:
    """Steps the critics on fakes that carry no graph; in parts, it is open from the first to the last.

    Args:
        steps: critic → its step on given fakes.
        critics: the critics themselves.
        trained: their parameters that learn.
        optimizer: of these.
        settings: weights, precision, and how a batch is arranged.
        pool: fakes of earlier steps.
        warn: says something once.
    """

    def __init__(
        self,
        steps: Mapping[str, AdversarialStep],
        critics: nn.ModuleDict,
        trained: Sequence[nn.Parameter],
        optimizer: torch.optim.Optimizer,
        *,
        settings: CriticSettings,
        pool: ImagePool,
        warn: Callable[[str], None],
    ) -> None:
        self._steps, self._critics, self._trained = steps, critics, trained
        self._optimizer, self._settings, self._pool, self._warn = optimizer, settings, pool, warn
        self._open: list[dict[str, Terms]] = []
        self._vectors: list[Tensor] = []
        self._sizes: list[int] = []
        self._unmoved: tuple[dict[str, Tensor], dict[str, Tensor]] | None = None

    def learn(self, given: GivenBatch, *, update: int, part: Part) -> tuple[CriticLogs, bool]:
        """Learn from a part of the batch, and step at the last one.

        Returns:
            What is logged, and whether critics have moved or will.
        """
        index, of = part
        self._begin(given, part)
        pooled = self._pool.state_dict()
        try:
            with buffers_kept_if_it_raises(self._critics), torch.enable_grad(), self._settings.autocast(given.fake):
                found = self.terms(given, update=update, part=part)
                torch.autograd.backward(times(1 / of, self._weighted(found, Terms.total)))
        except Exception:
            # The state is that of the last whole update, and the next begins with part 0.
            self._pool.load_state_dict(pooled)
            self.forget()
            raise
        self._open.append(found)
        judges = {
            name: partial(step.standing, *(terms[name].logits for terms in self._open))
            for name, step in self._steps.items()
        }
        logits = {name: terms.logits for name, terms in found.items() if terms.logits}
        logs = _scalars(found) | self._observed(logits, adapting=True)
        moves = True
        if index == of - 1:
            moves = not self._wins()
            logs |= self._step() if moves else self._skip()
            if self._settings.skip_below is not None:
                logs["skipped"] = torch.tensor(float(not moves), device=given.fake.device)
        return CriticLogs(logs, partial(self._observed, logits, adapting=False), judges), moves

    def terms(self, given: GivenBatch, *, update: int, part: Part) -> dict[str, Terms]:
        """Critic → its terms on what it is shown of the batch; the pool takes in the fakes."""
        assert given.real is not None
        arranged = self._settings.arrangement
        dtype = self._settings.dtype(given.fake, self._trained[0])
        fakes = self._pool.exchange(with_condition(given.fake.to(dtype), given.condition), update=update, part=part)
        shown = arranged.packed(arranged.with_mismatched(fakes, given.real, given.condition))
        real = arranged.side(given.real.to(dtype), given.condition)
        found: dict[str, Terms] = {}
        for name, step in self._steps.items():
            with told_of_misfits(name, step.objective.discriminator, shown, given):
                found[name] = step.discriminator_terms(
                    real=real,
                    fake=shown,
                    update=update,
                    real_labels=given.real_labels,
                    fake_labels=given.fake_labels,
                    part=part,
                    observe=False,
                )
        return found

    def forget(self) -> None:
        """Drop an update that was begun: its gradients, its terms, and what parts have noted of it."""
        self._clear()
        self._open = []
        for step in self._steps.values():
            step.load_state_dict(step.state_dict())

    def _observed(self, logits: Mapping[str, tuple[Tensor, Tensor]], *, adapting: bool) -> dict[str, Tensor]:
        """Of critics whose losses adapt after an update, and are to be asked before it, or of all others."""
        found: dict[str, Tensor] = {}
        for name, sides in logits.items():
            objective = self._steps[name].objective
            if (objective.stateful_loss is not None) == adapting:
                found |= {f"{name}/{key}": value for key, value in observed(objective, *sides).items()}
        return found

    def _begin(self, given: GivenBatch, part: Part) -> None:
        index, of = part
        self._sizes = [*(self._sizes if index else []), len(given.fake)]
        if len(set(self._sizes)) > 1:
            sizes = " and ".join(map(str, self._sizes))
            self._warn(f"parts of {sizes} samples count alike, so the result is not that of the whole batch")
        if index:
            if self._vectors:  # Every part sees the weights that the whole batch would see.
                spectral.put_back(self._critics, self._vectors)
            return
        self._vectors = spectral.vectors(self._critics) if of > 1 else []
        self._clear()
        self._open = []
        if self._settings.skip_below is not None:
            names = [name for name, _ in self._critics.named_parameters()]
            self._unmoved = tensors_of(self._critics, without=names), self._pool.state_dict()

    def _weighted(self, found: Mapping[str, Terms], value: Callable[[Terms], Tensor]) -> Tensor:
        return sum_of(times(self._settings.of_critic(name), value(terms)) for name, terms in found.items())

    def _wins(self) -> bool:
        """Whether the critics' adversarial loss is so low that they are not stepped; in all processes alike.

        An optimizer is stepped or it is not, so this is read from the device.
        """
        if self._settings.skip_below is None:
            return False
        losses = [self._weighted(part, lambda terms: terms.scalars["adversarial"].detach()) for part in self._open]
        return bool(mean_over_processes(torch.stack(losses).mean()) < self._settings.skip_below)

    def _skip(self) -> dict[str, Tensor]:
        """Leave all as it was before the first part: statistics, spectral vectors, and the pool."""
        assert self._unmoved is not None
        tensors, pooled = self._unmoved
        put_back(self._critics, tensors)
        self._pool.load_state_dict(pooled)
        self.forget()
        return {}

    def _step(self) -> dict[str, Tensor]:
        share_gradients(self._trained)
        logs = {}
        if self._settings.clip_grad_norm is not None:
            for name, critic in self._critics.items():
                trained = [parameter for parameter in critic.parameters() if parameter.requires_grad]
                logs[f"{name}/grad_norm"] = nn.utils.clip_grad_norm_(trained, self._settings.clip_grad_norm)
        self._optimizer.step()
        self._clear()
        for name, step in self._steps.items():
            adapted = step.after_update("discriminator", *(terms[name] for terms in self._open))
            logs |= {f"{name}/{key}": value for key, value in adapted.items()}
        self._open = []
        return logs

    def _clear(self) -> None:
        """As ``zero_grad``, which costs a record for torch's profiler at each call."""
        for parameter in self._trained:
            parameter.grad = None


def _scalars(found: Mapping[str, Terms]) -> dict[str, Tensor]:
    return {f"{name}/{term}": value.detach() for name, terms in found.items() for term, value in terms.scalars.items()}
