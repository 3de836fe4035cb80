"""What critics of parts of the data have in common: whose parts are drawn when, and how verdicts come back together."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import CheckpointError, ConfigError
from ganzoo.protocols import DiscriminatorOutput
from ganzoo.seeds import generator_for
from ganzoo.training.all_or_nothing import MISFITS
from ganzoo.training.own_parts import whole_number
from ganzoo.training.verdicts import verdict
from ganzoo.training.walk import modules_of


class PartCritic(nn.Module):
    """A critic that judges several parts of each sample, as if they were samples of their own.

    Which parts follows from ``seed`` and from how many updates the critic has made, and from nothing else. So they are
    the same for all samples, for real data and fakes, for both players, in penalties and in all micro-batches, until
    the critic has made its next update. Draws are made on the CPU, and nothing is read from the device.

    :class:`ganzoo.Adversary` and :func:`ganzoo.adversarial_step` count the updates; in a loop without them call
    :meth:`after_update` behind the optimizer's step. The count is in ``state_dict``.
    """

    def __init__(self, critic: nn.Module, *, seed: int) -> None:
        super().__init__()
        if not isinstance(critic, nn.Module):
            raise ConfigError(
                f"the critic of {type(self).__name__} is not a torch.nn.Module",
                given=repr(critic),
                allowed="a module that returns what ganzoo.Adversary takes",
                hint='ganzoo.build("discriminator", "patchgan", spec=spec) makes one',
            )
        self.critic = critic
        self._seed = demanded("seed", seed, lowest=None)
        self._updates = 0

    @property
    def ganzoo_tags(self) -> frozenset[str] | None:
        """Those of the critic within, where it has some: what couples samples in a batch does so here."""
        tags: frozenset[str] | None = getattr(self.critic, "ganzoo_tags", None)
        return tags

    def after_update(self) -> None:
        """Called after each update of the critic: other parts from now on."""
        self._updates += 1

    def get_extra_state(self) -> Tensor:
        """How many updates have been made; on the CPU, so that it is read without waiting for a device."""
        return torch.tensor(self._updates)

    def set_extra_state(self, state: Any) -> None:
        """Restore :meth:`get_extra_state`."""
        try:
            self._updates = int(state)
        except MISFITS as error:
            raise CheckpointError(
                f"the state does not say how many updates this {type(self).__name__} has made",
                given=repr(state),
                allowed="a whole number",
                hint="load the state of the same critic",
            ) from error

    def _random(self, what: str) -> torch.Generator:
        return generator_for(self._seed, what, self._updates)

    def _judged(self, parts: Tensor, labels: Tensor | None, axis: int) -> DiscriminatorOutput:
        """The verdict on ``parts`` (N, k, C, …), each tensor of it as one of N samples; see :meth:`_together`."""
        n, k = parts.shape[:2]
        given = () if labels is None else (labels.repeat_interleave(k, 0),)
        output = verdict(self.critic, self.critic(parts.flatten(0, 1), *given))

        def together(values: Tensor) -> Tensor:
            if values.ndim == 0 or len(values) != n * k:
                raise ConfigError(
                    f"the critic {type(self.critic).__name__} does not answer for each of the {k} parts of a sample",
                    given=f"a tensor of shape {tuple(values.shape)} for a batch of {n * k}",
                    allowed="tensors whose first axis is that of the batch",
                    hint="let the critic return one logit, or one map of logits, for each sample",
                )
            each = values.reshape(n, k, *values.shape[1:])
            return self._together(each if each.ndim > 2 else each.unsqueeze(2), axis)

        def mean(values: Tensor | None) -> Tensor | None:
            return None if values is None else values.reshape(n, k, -1).mean(1)

        return DiscriminatorOutput(
            logits=together(output.logits),
            class_logits=mean(output.class_logits),
            features=tuple(map(together, output.features)),
            extra_logits=tuple(map(together, output.extra_logits)),
            feature_counts=output.feature_counts,
            embedding=mean(output.embedding),
            proxies=mean(output.proxies),
            map_weights=output.map_weights,
        )

    @abstractmethod
    def _together(self, values: Tensor, axis: int) -> Tensor:
        """What was said of all parts, (N, k, F, …), as (N, F, …)."""
        raise NotImplementedError


def part_critics(module: nn.Module) -> list[PartCritic]:
    """All that are in a module, each once, also within wrappers of torch."""
    return [part for part in modules_of(module) if isinstance(part, PartCritic)]


def demanded(name: str, value: Any, *, lowest: int | None = 1) -> int:
    """A whole number, of at least ``lowest`` if that is given.

    Raises:
        ConfigError: it is none.
    """
    found = None if isinstance(value, bool) else whole_number(value)
    if found is None or (lowest is not None and found < lowest):
        raise ConfigError(
            f"{name} is not a number that it can be",
            given=f"{name}={value!r}",
            allowed="a whole number" if lowest is None else f"a whole number from {lowest}",
        )
    return found
