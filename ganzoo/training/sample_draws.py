"""The random numbers of a regularizer where a micro-batch is spread over processes.

A regularizer draws from one stream, sample by sample, so each process has to begin where the samples of those before it
end. How much a part of a micro-batch draws is found out once, by calling the regularizer on trial and noting what it
asks of its generator; before and after each call the same is drawn for the parts of the others.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ganzoo.errors import PluginError
from ganzoo.protocols import Player, Regularizer, StepView
from ganzoo.training.game import Named
from ganzoo.training.team import Team
from ganzoo.training.without_trace import buffers_replaced, same_random_numbers

Drawn = tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]
"""A function, and its arguments but for the generator."""


class _Noting(TorchFunctionMode):
    """Notes each call within the block that draws from a generator."""

    def __init__(self, random: torch.Generator) -> None:
        super().__init__()
        self.random = random
        self.calls: list[Drawn] = []

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if kwargs.get("generator") is self.random:
            kept = tuple(one.detach().clone() if isinstance(one, Tensor) else one for one in args)
            self.calls.append((func, kept, {key: value for key, value in kwargs.items() if key != "generator"}))
        return func(*args, **kwargs)


def _shapes(calls: list[Drawn]) -> list[Any]:
    """What the numbers of calls depend on."""

    def shape(value: Any) -> Any:
        return (value.shape, value.dtype) if isinstance(value, Tensor) else value

    return [
        (func, [shape(one) for one in args], {key: shape(one) for key, one in kwargs.items()})
        for func, args, kwargs in calls
    ]


def _draw(calls: list[Drawn], random: torch.Generator, times: int) -> None:
    for _ in range(times):
        for func, args, kwargs in calls:
            func(*(one.clone() if isinstance(one, Tensor) else one for one in args), **kwargs, generator=random)


@dataclass(kw_only=True)
class SampleDraws:
    """What each regularizer draws for the part of a micro-batch that a process has.

    Attributes:
        found: (player, regularizer) → its calls; ``None`` for one whose draws are not sample by sample, so that it has
            to see the whole micro-batch.
        starting: those that draw at their very first call alone. That starts a state, the same in all processes.
    """

    team: Team
    found: dict[tuple[Player, str], list[Drawn] | None] = field(default_factory=dict)
    starting: set[tuple[Player, str]] = field(default_factory=set)

    def by_sample(
        self,
        player: Player,
        name: str,
        regularizer: Regularizer,
        trial: Callable[[], list[StepView]],
        networks: Sequence[nn.Module],
    ) -> bool:
        """Whether it draws sample by sample, if at all: found out by calling a copy twice, as for two parts.

        Args:
            player: whose terms are asked for.
            name: of the regularizer.
            regularizer: it is left as it is.
            trial: makes two views whose random numbers count for nothing.
            networks: they are left as they are.
        """
        key = player, name
        if key not in self.found:
            regularizer, views = copy.deepcopy(regularizer), trial()
            start = views[0].random.get_state()
            with ExitStack() as untouched:
                untouched.enter_context(same_random_numbers(views[0].fake.device))
                for network in networks:
                    untouched.enter_context(buffers_replaced(network))
                first, again = (_tried(regularizer, view) for view in views)
            same = _shapes(first) == _shapes(again) and _reproduced(first, start, views[0].random)
            self.found[key] = first if same else None if again else []
            if first and not again:
                self.starting.add(key)
        return self.found[key] is not None

    @contextmanager
    def in_place(self, player: Player, name: str, named: Named, random: torch.Generator) -> Iterator[None]:
        """Let the block draw what is its own, between the draws of the processes before and after this one.

        Raises:
            PluginError: it draws otherwise than on trial.
        """
        drawn = self.found[player, name] or []
        _draw(drawn, random, self.team.number)
        with _Noting(random) as noting:
            yield
        starts = (player, name) in self.starting
        self.starting.discard((player, name))
        if not starts and _shapes(noting.calls) != _shapes(drawn):
            raise PluginError(
                f"{named.words} draws other random numbers in one update than in another, and several processes cannot "
                "tell which are whose",
                given=f"{len(noting.calls)} draws",
                allowed=f"{len(drawn)} draws of the same shapes, as in its first update",
                hint="train it in one process",
            )
        _draw(drawn, random, self.team.size - 1 - self.team.number)


def _tried(regularizer: Regularizer, view: StepView) -> list[Drawn]:
    terms_of = regularizer.discriminator_terms if view.player == "discriminator" else regularizer.generator_terms
    noting = _Noting(view.random)
    with noting:
        terms_of(view)
    return noting.calls


def _reproduced(calls: list[Drawn], start: Tensor, after: torch.Generator) -> bool:
    """Whether the calls that were noted are all that was drawn."""
    random = torch.Generator()
    random.set_state(start)
    _draw(calls, random, 1)
    return torch.equal(random.get_state(), after.get_state())
