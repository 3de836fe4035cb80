"""The critics' own step: one update of all of them, in one part or several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from ganzoo.training import spectral
from ganzoo.training.adversarial_step import AdversarialStep
from ganzoo.training.borrowed import Borrowed, learnable
from ganzoo.training.critic_logs import CriticLogs
from ganzoo.training.critic_settings import CriticSettings
from ganzoo.training.game import Terms, sum_of, times
from ganzoo.training.given_data import GivenBatch, with_condition
from ganzoo.training.image_pool import ImagePool
from ganzoo.training.last_whole import LastWhole
from ganzoo.training.misfit import told_of_misfits
from ganzoo.training.mix_ups import Squashed, tell_of_ranges
from ganzoo.training.observation import observed
from ganzoo.training.own_parts import Part
from ganzoo.training.processes import mean_over_processes, share_gradients
from ganzoo.training.untrained import tell_of_untrained


class CriticUpdate:
    """Steps the critics on fakes that carry no graph; in parts, it is open from the first to the last.

    Args:
        steps: critic → its step on given fakes.
        critics: the critics themselves.
        trained: their parameters that learn.
        optimizer: of these.
        settings: weights, precision, and how a batch is arranged.
        pool: fakes of earlier steps.
        borrowed: differentiates for chosen tensors, and tells of what critics use and do not hold.
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
        borrowed: Borrowed,
        warn: Callable[[str], None],
    ) -> None:
        self._steps, self._critics, self._trained = steps, critics, trained
        self._optimizer, self._settings, self._pool, self._warn = optimizer, settings, pool, warn
        self._borrowed, self._looked = borrowed, False
        self._open: list[dict[str, Terms]] = []
        self._vectors: list[Tensor] = []
        self._sizes: list[int] = []
        self._before: LastWhole | None = None

    def learn(self, given: GivenBatch, *, update: int, part: Part, count: Callable[[bool], None]) -> CriticLogs:
        """Learn from a part of the batch, and step at the last one.

        Args:
            given: the part.
            update: how many updates were made before.
            part: which one it is.
            count: called behind the last part, with whether critics have moved.

        Returns:
            What is logged.
        """
        index, of = part
        last = index == of - 1
        self._begin(given, part)
        try:
            found = self._propagated(given, update=update, part=part)
            logits = {name: terms.logits for name, terms in found.items() if terms.logits}
            logs = _scalars(found) | self._observed(logits, adapting=True)
            if last:
                tell_of_untrained(self._critics, self._steps.values(), update=update, warn=self._warn)
            moved = last and not self._wins()
            logs |= self._step() if moved else {}
        except BaseException:
            # The state is that of the last whole update, and the next begins with part 0.
            self.forget()
            raise
        judges = {
            name: partial(step.standing, *(terms[name].logits for terms in self._open))
            for name, step in self._steps.items()
        }
        if last:
            logs |= self._closed(moved, count)
            if self._settings.skip_below is not None:
                logs["skipped"] = torch.tensor(float(not moved), device=given.fake.device)
        return CriticLogs(logs, partial(self._observed, logits, adapting=False), judges)

    def terms(self, given: GivenBatch, *, update: int, part: Part) -> dict[str, Terms]:
        """Critic → its terms on what it is shown of the batch; the pool takes in the fakes."""
        assert given.real is not None
        arranged = self._settings.arrangement
        dtype = self._settings.dtype(given.fake, self._trained[0])
        fakes = self._pool.exchange(with_condition(given.fake.to(dtype), given.condition), update=update, part=part)
        shown = arranged.packed(arranged.with_mismatched(fakes, given.real, given.condition))
        real = arranged.side(given.real.to(dtype), given.condition)
        found: dict[str, Terms] = {}
        with self._first_look(given) as look:
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
            look(found)
        return found

    @contextmanager
    def _first_look(self, given: GivenBatch) -> Iterator[Callable[[Mapping[str, Terms]], None]]:
        """In the first call, tell of what trains on without an error; it reads a few numbers from the device."""
        if self._looked:
            yield lambda found: None
            return

        def look(found: Mapping[str, Terms]) -> None:
            self._looked = True
            self._borrowed.look("discriminator", [one for terms in found.values() for one in terms.scalars.values()])
            tell_of_ranges(given, warn=self._warn)
            for name, terms in found.items():
                if terms.logits is not None:
                    squashed.tell(name, terms.logits, self._steps[name].objective.loss, warn=self._warn)

        with Squashed(self._critics) as squashed:
            yield look

    @property
    def is_open(self) -> bool:
        """Whether an update was begun in parts, and its last one has not come."""
        return bool(self._open)

    def last_whole(self) -> LastWhole:
        """What the last whole update has left, also while another one is open."""
        return self._before or LastWhole(self._steps, self._critics, self._pool)

    def shown_whole(self) -> AbstractContextManager[None]:
        """Inside the block critics have the buffers that the last whole update has left."""
        return nullcontext() if self._before is None else self._before.shown()

    def forget(self) -> None:
        """Drop an update that was begun: all is as it was before its first part."""
        if self._before is not None:
            self._before.put_back()
        self._end()

    def _end(self) -> None:
        self._clear()
        self._open, self._before = [], None

    def _observed(self, logits: Mapping[str, tuple[Tensor, Tensor]], *, adapting: bool) -> dict[str, Tensor]:
        """Of critics whose losses adapt after an update, and are to be asked before it, or of all others."""
        found: dict[str, Tensor] = {}
        for name, sides in logits.items():
            objective = self._steps[name].objective
            if (objective.stateful_loss is not None) == adapting:
                found |= {f"{name}/{key}": value for key, value in observed(objective, *sides).items()}
        return found

    def _propagated(self, given: GivenBatch, *, update: int, part: Part) -> dict[str, Terms]:
        """The terms of a part, without the graph that its gradients came by: what is open may be copied."""
        with torch.enable_grad(), self._settings.autocast(given.fake):
            found = self.terms(given, update=update, part=part)
            loss = times(1 / part[1], self._weighted(found, Terms.total))
            self._borrowed.backward("discriminator", loss, [*self._trained, *learnable(self._steps)])
        self._open.append({name: _without_graph(terms) for name, terms in found.items()})
        return self._open[-1]

    def _begin(self, given: GivenBatch, part: Part) -> None:
        index, of = part
        if index == 0:
            if self._open:
                self._warn(
                    "an update was begun in parts and dropped before its last one, at which critics step: "
                    "after part=(0, 2) comes part=(1, 2)"
                )
            self.forget()
        self._sizes = [*(self._sizes if index else []), len(given.fake)]
        if len(set(self._sizes)) > 1:
            sizes = " and ".join(map(str, self._sizes))
            self._warn(f"parts of {sizes} samples count alike, so the result is not that of the whole batch")
        if self._before is None:
            self._before = LastWhole(self._steps, self._critics, self._pool)
            self._vectors = spectral.vectors(self._critics) if of > 1 else []
        elif self._vectors:  # Every part sees the weights that the whole batch would see.
            spectral.put_back(self._critics, self._vectors)

    def _weighted(self, found: Mapping[str, Terms], value: Callable[[Terms], Tensor]) -> Tensor:
        return sum_of(times(self._settings.of_critic(name), value(terms)) for name, terms in found.items())

    def _wins(self) -> bool:
        """Whether the critics' adversarial loss is so low that they are not stepped; in all processes alike.

        An optimizer is stepped or it is not, so this is read from the device.
        """
        if self._settings.skip_below is None:
            return False
        losses = [self._weighted(part, lambda terms: terms.scalars["adversarial"]) for part in self._open]
        return bool(mean_over_processes(torch.stack(losses).mean()) < self._settings.skip_below)

    def _step(self) -> dict[str, Tensor]:
        share_gradients(self._trained)
        logs = {} if self._settings.clip_grad_norm is None else self._clip(self._settings.clip_grad_norm)
        self._optimizer.step()
        return logs

    def _clip(self, largest: float) -> dict[str, Tensor]:
        """Clip the gradient of each critic; what several share is clipped once, by the norm that asks for most."""
        norms: dict[str, Tensor] = {}
        owners: dict[nn.Parameter, list[str]] = {}
        for name, critic in self._critics.items():
            trained = [parameter for parameter in critic.parameters() if parameter.grad is not None]
            norms[name] = nn.utils.get_total_norm([p.grad for p in trained if p.grad is not None])
            for parameter in trained:
                owners.setdefault(parameter, []).append(name)
        together: dict[tuple[str, ...], list[nn.Parameter]] = {}
        for parameter, names in owners.items():
            together.setdefault(tuple(names), []).append(parameter)
        for critics, parameters in together.items():
            norm = torch.stack([norms[name] for name in critics]).amax()
            nn.utils.clip_grads_with_norm_(parameters, largest, norm)
        return {f"{name}/grad_norm": norm for name, norm in norms.items()}

    def _closed(self, moved: bool, count: Callable[[bool], None]) -> dict[str, Tensor]:
        """What parts have to log when they are told that critics have moved; if one fails, that is counted already."""
        every = self._open
        if moved:
            self._end()
        else:
            self.forget()
        count(moved)
        logs: dict[str, Tensor] = {}
        for name, step in self._steps.items() if moved else ():
            adapted = step.after_update("discriminator", *(terms[name] for terms in every))
            logs |= {f"{name}/{key}": value for key, value in adapted.items()}
        return logs

    def _clear(self) -> None:
        """As ``zero_grad``, which costs a record for torch's profiler at each call."""
        for parameter in self._trained:
            parameter.grad = None


def _without_graph(terms: Terms) -> Terms:
    return replace(terms, scalars={term: value.detach() for term, value in terms.scalars.items()})


def _scalars(found: Mapping[str, Terms]) -> dict[str, Tensor]:
    return {f"{name}/{term}": value for name, terms in found.items() for term, value in terms.scalars.items()}
