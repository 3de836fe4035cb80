"""Checks of a regularizer over whole updates: its state, its projections, and what it leaves to the step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ganzoo.component import RegularizerOptions
from ganzoo.protocols import Regularizer
from ganzoo.testing.check import check, demand
from ganzoo.testing.regularizers.side_effects import changed_between, state_of
from ganzoo.testing.regularizers.steps import fresh_terms, part_of, step_of
from ganzoo.testing.regularizers.tags import terms_of
from ganzoo.testing.regularizers.toys import PLAYERS, toys_for
from ganzoo.testing.subject import Subject


@check(
    "state",
    Regularizer,
    "Everything that changes is in the state: a restored regularizer continues exactly as the saved one would.",
    every_choice=True,
)
def state_survives(subject: Subject) -> None:
    """What another regularizer, built anew, makes of the state, and what the first makes of its own memory."""
    part, restored = part_of(subject), part_of(subject, seed=1)
    updates(subject, part, seeds=(1, 2, 3))
    state = part.state_dict()
    for name, value in state.items():
        demand(isinstance(value, Tensor), f"state_dict() holds {name} as {type(value).__name__}, not as a tensor")
    restored.load_state_dict({name: value.clone() for name, value in state.items()})
    again = restored.state_dict()
    demand(
        not changed_between(state, again),
        f"load_state_dict() does not restore {', '.join(changed_between(state, again))}",
    )
    wanted, found = (updates(subject, one, seeds=(4, 5)) for one in (part, restored))
    changed = changed_between(wanted, found)
    demand(not changed, f"restored from state_dict() it goes on otherwise: {'; '.join(changed[:3])}")


def updates(subject: Subject, part: Regularizer, *, seeds: tuple[int, ...]) -> dict[str, Tensor]:
    """Terms and networks of updates of both players."""
    seen: dict[str, Tensor] = {}
    for seed in seeds:
        toys = toys_for(seed=seed)
        for player in PLAYERS:
            terms = terms_of(part, step_of(subject, player, toys=toys, seed=seed))
            seen |= {f"{name!r} in {player}'s update {seed}": term.detach() for name, term in terms.items()}
            toys.of(player).requires_grad_()
            part.after_step(player, toys.of(player))
            seen |= {
                f"{name} of the {player} after update {seed}": value.clone()
                for name, value in toys.of(player).state_dict().items()
            }
    return seen


@check("no-host-sync", Regularizer, "No value on the device is read, which would stall a GPU.", every_choice=True)
def reads_no_value(subject: Subject) -> None:
    """Two updates on tensors without content: whatever asks for a number raises. Random numbers are real ones."""
    part, toys = part_of(subject), toys_for(device="meta")
    for seed in (0, 1):
        for player in PLAYERS:
            view = step_of(subject, player, toys=toys, seed=seed)
            try:
                terms_of(part, view)
                part.after_step(player, toys.of(player))
            except (RuntimeError, NotImplementedError, TypeError) as error:
                demand(False, f"in {player}'s step on device 'meta', where nothing can be read or mixed: {error}")


@check(
    "projection", Regularizer.after_step, "It changes the network that it is given, and no other.", every_choice=True
)
def projects_its_own_network(subject: Subject) -> None:
    """Whatever it may remember of the other one."""
    for player in PLAYERS:
        toys, part = toys_for(), part_of(subject)
        for each in PLAYERS:
            terms_of(part, step_of(subject, each, toys=toys))
        # As after an update of D, whichever player is asked for.
        toys.critic.requires_grad_()
        own, other = toys.of(player), toys.other(player)
        kept, learns = state_of(other), [parameter.requires_grad for parameter in own.parameters()]
        part.after_step(player, own)
        changed = changed_between(kept, state_of(other))
        demand(not changed, f"after_step({player!r}, …) changes {', '.join(changed)} of the other player")
        same = learns == [parameter.requires_grad for parameter in own.parameters()]
        demand(same, f"after_step({player!r}, …) changes which parameters learn")


@check(
    "weight-outside",
    RegularizerOptions,
    "The step multiplies: a raw term contains neither ``weight`` nor ``every``.",
    every_choice=True,
)
def leaves_the_weight_to_the_step(subject: Subject) -> None:
    """The step multiplies."""
    options = subject.chosen
    changed = {**dict(options), "weight": 5 * getattr(options, "weight", 0.0) + 1, "every": 3}
    other = replace(subject, options=type(options)(**changed))
    for player in PLAYERS:
        view = step_of(subject, player)
        plain, weighted = fresh_terms(subject, view), fresh_terms(other, view)
        for name, term in plain.items():
            found = weighted.get(name)
            demand(found is not None, f"with another weight and every=3 there is no {name!r}")
            assert found is not None
            demand(torch.equal(term, found), f"with another weight and every=3 {name!r} is {found:.6g}, not {term:.6g}")


@check(
    "optimizer-correction",
    RegularizerOptions.optimizer_correction,
    "Each c is above 0 and at most 1.",
    every_choice=True,
)
def corrects_within_bounds(subject: Subject) -> None:
    """For a term at every update, and for a lazy one."""
    options: Any = subject.chosen
    for every in (1, 4, 16):
        corrections = type(options)(**{**dict(options), "every": every}).optimizer_correction()
        for player, c in corrections.items():
            demand(player in PLAYERS, f"optimizer_correction() names {player!r}, which is not a player")
            demand(0 < c <= 1, f"with every={every} optimizer_correction() gives {player} c = {c}")
