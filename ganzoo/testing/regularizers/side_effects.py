"""Checks that terms change nothing and draw from the view alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ganzoo.protocols import Player, Regularizer
from ganzoo.testing.check import check, demand
from ganzoo.testing.random_numbers import random_numbers_untouched
from ganzoo.testing.regularizers.steps import part_of, step_of
from ganzoo.testing.regularizers.tags import terms_of
from ganzoo.testing.regularizers.toys import PLAYERS, tensors_of, toys_for
from ganzoo.testing.subject import Subject


@check("gradients-untouched", Regularizer, "No ``.grad`` is changed.", every_choice=True)
def leaves_gradients(subject: Subject) -> None:
    """Those that are there, and those that are not."""
    for player in PLAYERS:
        for filled in (False, True):
            toys = toys_for()
            view = step_of(subject, player, toys=toys)
            parameters = [*toys.critic.parameters(), *toys.generator.parameters()]
            for parameter in parameters:
                parameter.grad = torch.ones_like(parameter) if filled else None
            terms_of(part_of(subject), view)
            clean = all((one.grad == 1).all() if one.grad is not None else not filled for one in parameters)
            demand(clean, f"{player}_terms() changes .grad of a network's parameters")
            of_data = any(tensor.is_leaf and tensor.grad is not None for tensor in tensors_of(view).values())
            demand(not of_data, f"{player}_terms() leaves a .grad at what the view holds")
            _demand_after_step_leaves_gradients(subject, player)


def _demand_after_step_leaves_gradients(subject: Subject, player: Player) -> None:
    """Whoever logs how long they are looks at them later."""
    toys = toys_for()
    own = toys.of(player).requires_grad_()
    for parameter in own.parameters():
        parameter.grad = torch.ones_like(parameter)
    part_of(subject).after_step(player, own)
    clean = all(one.grad is not None and bool((one.grad == 1).all()) for one in own.parameters())
    demand(clean, f"after_step({player!r}, …) changes .grad of the network's parameters")


@check(
    "networks-untouched",
    Regularizer,
    "Terms change no parameter, buffer or mode of a network: only :meth:`after_step` does.",
    every_choice=True,
)
def leaves_networks(subject: Subject) -> None:
    """Weights, buffers, modes, and who learns."""
    for player in PLAYERS:
        toys = toys_for()
        view = step_of(subject, player, toys=toys)
        before = state_of(toys.critic), state_of(toys.generator)
        terms_of(part_of(subject), view)
        for whose, kept, network in zip(("D", "G"), before, (toys.critic, toys.generator), strict=True):
            changed = changed_between(kept, state_of(network))
            demand(not changed, f"{player}_terms() changes {', '.join(changed)} of {whose}")


def state_of(network: nn.Module) -> dict[str, Tensor]:
    """Everything that a forward and an update depend on, copied."""
    state = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    state |= {f"the mode of {name or 'the whole'}": torch.tensor(one.training) for name, one in network.named_modules()}
    state |= {f"requires_grad of {name}": torch.tensor(one.requires_grad) for name, one in network.named_parameters()}
    return state


def changed_between(before: dict[str, Tensor], after: dict[str, Tensor]) -> list[str]:
    """The names of what is no longer there, or no longer the same."""
    return [name for name in before if name not in after or not torch.equal(before[name], after[name])]


@check("inputs-unmodified", Regularizer, "The tensors of the view are never changed in place.", every_choice=True)
def leaves_its_inputs(subject: Subject) -> None:
    """The loss, and other regularizers, see the same tensors."""
    for player in PLAYERS:
        view = step_of(subject, player)
        kept = {name: (tensor.detach().clone(), tensor.requires_grad) for name, tensor in tensors_of(view).items()}
        terms_of(part_of(subject), view)
        for name, tensor in tensors_of(view).items():
            value, required = kept[name]
            demand(torch.equal(value, tensor), f"{player}_terms() changes {name} of the view")
            demand(required == tensor.requires_grad, f"{player}_terms() changes requires_grad of {name} of the view")


@check("random", Regularizer, "Random numbers come from ``view.random`` alone.", every_choice=True)
def draws_from_the_view(subject: Subject) -> None:
    """The same numbers give the same terms, and no other numbers are drawn."""
    for player in PLAYERS:
        terms = []
        for seed in (0, 0, 1):
            toys = toys_for()
            view, part = step_of(subject, player, toys=toys), part_of(subject, seed=seed)
            with random_numbers_untouched(f"in {player}'s step it"):
                terms.append(terms_of(part, view))
                part.after_step(player, toys.of(player))
        same, built = (all(torch.equal(terms[0][name], other[name]) for name in terms[0]) for other in terms[1:])
        demand(same, f"the same step of {player} with the same random numbers gives other terms")
        demand(built, f"built after another seed, it gives other terms for the same step of {player}: build() draws")
