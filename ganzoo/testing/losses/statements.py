"""Checks of what a loss says of itself: values from elsewhere, its equilibrium, its diagnostics."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import ConfigError
from ganzoo.protocols import Loss
from ganzoo.testing.check import check, demand
from ganzoo.testing.losses.objectives import both, logits, loss_of
from ganzoo.testing.random_numbers import random_numbers_untouched
from ganzoo.testing.subject import Subject

REACHES = (4.0, 40.0, 400.0)
"""How far from 0 the best answer of D is looked for: an option may have moved it far out."""


@dataclass(frozen=True, kw_only=True)
class Reference:
    """What an author knows of a loss from elsewhere: a paper, other code, paper and pencil.

    Attributes:
        real: logits of real data.
        fake: logits of fakes.
        d: the discriminator's value, or ``None``.
        g: the generator's value, or ``None``.
    """

    real: Sequence[float]
    fake: Sequence[float]
    d: float | None = None
    g: float | None = None

    def __post_init__(self) -> None:
        if self.d is None and self.g is None:
            raise ConfigError("a Reference without d and g says nothing", hint="give the value of one of them")


def without_reference(subject: Subject) -> str | None:
    """Only an author has them."""
    return None if subject.given.get("reference") else "no reference values were given"


@check("reference-values", Loss, "It is the formula that its docstring states.", skip=without_reference)
def agrees_with_its_author(subject: Subject) -> None:
    """Numbers that do not come from this code."""
    loss = loss_of(subject)
    for reference in subject.given.get("reference", ()):
        real, fake = (torch.tensor(side, dtype=torch.float64) for side in (reference.real, reference.fake))
        found = both(loss, real, fake)
        for player, value, wanted in zip("DG", found.tolist(), (reference.d, reference.g), strict=True):
            where = f"at real {list(reference.real)}, fake {list(reference.fake)}"
            right = wanted is None or math.isclose(value, wanted, rel_tol=1e-6, abs_tol=1e-6)
            demand(right, f"{player} is {value:.8g} and should be {wanted} {where}")


def without(method: str) -> Any:
    """Skip a loss that lacks an optional method."""
    return lambda subject: None if hasattr(loss_of(subject), method) else f"it has no {method}()"


@check(
    "equilibrium",
    Loss,
    '``equilibrium() -> {"d": float, "g": float}``, the values at p_g = p_data.',
    skip=without("equilibrium"),
    every_choice=True,
)
def equilibrium_is_the_best_answer(subject: Subject) -> None:
    """D's smallest value where real and fake get the same logit, and G's there; there may be several such answers."""
    loss = loss_of(subject)
    stated = loss.equilibrium()
    demand(stated and set(stated) <= {"d", "g"}, f"equilibrium() has the keys {', '.join(stated) or 'none'}")
    wrong = [key for key, value in stated.items() if not isinstance(value, float)]
    demand(not wrong, f"equilibrium() gives {', '.join(wrong)} as no float")
    found = [_best_answers(loss, reach) for reach in REACHES]
    for key, column, tolerance in (("d", 0, 1e-6), ("g", 1, 1e-3)):
        if key in stated:
            missed = min((values[:, column] - stated[key]).abs().min().item() for values in found)
            likely = found[0][len(found[0]) // 2, column]
            right = missed <= tolerance * max(1.0, abs(stated[key]))
            demand(right, f"equilibrium() says {key} = {stated[key]:g}; the best constant answer gives {likely:.6g}")


def _best_answers(loss: Any, reach: float) -> Tensor:
    """(n, 2): both objectives at the constant logits within ±``reach`` that are best for D, looked for ever closer."""
    middle, found = torch.zeros((), dtype=torch.float64), []
    for closer in (1, 30, 900):
        answers = middle + torch.linspace(-reach, reach, 61, dtype=torch.float64) / closer
        values = torch.stack([both(loss, answer[None], answer[None]) for answer in answers]).nan_to_num(nan=math.inf)
        middle = answers[values[:, 0].argmin()]
        found.append(values)
    everywhere = torch.cat(found)
    return everywhere[everywhere[:, 0] <= everywhere[:, 0].min() + 1e-9]


@check(
    "diagnostics",
    Loss,
    "``diagnostics(*, real, fake) -> dict[str, Tensor]``: finite scalars of detached logits, asked for on logged "
    "steps only.",
    skip=without("diagnostics"),
    every_choice=True,
)
def diagnostics_are_scalars(subject: Subject) -> None:
    """They are logged, nothing is learned from them, and a run goes on as it would without them."""
    loss = loss_of(subject)
    real, fake = (side.detach() for side in logits(4, 1, 2, 2))
    kept = real.clone(), fake.clone()
    with random_numbers_untouched("diagnostics()"):
        diagnostics = loss.diagnostics(real=real, fake=fake)
    unchanged = torch.equal(real, kept[0]) and torch.equal(fake, kept[1])
    demand(unchanged, "diagnostics() changes the logits that it is given")
    for name, value in diagnostics.items():
        demand(isinstance(value, Tensor) and value.shape == (), f"diagnostics() gives {name} as no scalar tensor")
        demand(not value.requires_grad, f"diagnostics() gives {name} with a graph behind it")
        demand(value.isfinite(), f"diagnostics() gives {name} as {value.item():g}")
        kind = name.partition("/")[0]
        share = kind not in ("accuracy", "violations") or 0 <= value <= 1
        demand(share, f"{name} is a share and is {value.item():g}")
