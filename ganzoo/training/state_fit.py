"""Whether a mapping is a state of these critics, asked before torch tries, whose words tell of tensors alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ganzoo.errors import CheckpointError

EXTRA, WEIGHTS = "_extra_state", "discriminators."
"""What all states have, and how the names of critics' weights begin."""
SHOWN = 5
"""So many names tell what it is."""


def demand_a_state(given: Mapping[str, Any], critics: nn.ModuleDict, *, saved: Collection[str], strict: bool) -> None:
    """Refuse what is not the state of an Adversary, such as the checkpoint that it lies in, and that of other critics.

    Args:
        given: what shall be loaded.
        critics: those here.
        saved: those of them of which a state has something.
        strict: whether all of these must be there, and no others.

    Raises:
        CheckpointError: it is none; the hint says what seems to be meant.
    """
    named = list(dict.fromkeys(name.split(".")[1] for name in given if str(name).startswith(WEIGHTS)))
    if not named and EXTRA not in given:
        raise _no_state(given, critics)
    if strict and set(named) != set(saved):
        written = ", ".join(f"{name!r}: …" for name in named)
        raise CheckpointError(
            "the state has other critics, by their names",
            given=", ".join(named) or "none",
            allowed=", ".join(saved),
            hint=f"ganzoo.Adversary({{{written}}}), with critics as they were then; or "
            "load_state_dict(state, strict=False, critics_only=True) for those that are in both",
        )


def another_shape(state: Mapping[str, Any], critics: nn.ModuleDict) -> CheckpointError | None:
    """Why a state was refused, if the weights in it have other shapes: torch may tell of the optimizer first."""
    for name, mine in critics.named_parameters():
        value = state.get(f"{WEIGHTS}{name}")
        if is_lazy(mine) or not isinstance(value, Tensor):
            continue
        if value.shape != mine.shape:
            return CheckpointError(
                f"the state is that of a larger, smaller or otherwise different critic {name.partition('.')[0]}",
                given=f"{name} of shape {tuple(value.shape)}",
                allowed=f"{tuple(mine.shape)}, as here",
                hint="build the critic with the options that it had when the state was saved",
            )
    return None


def _no_state(given: Mapping[str, Any], critics: nn.ModuleDict) -> CheckpointError:
    hint = "adversary.load_state_dict(adversary.state_dict()) is how a state is loaded"
    within = [name for name, value in given.items() if isinstance(value, Mapping) and EXTRA in value]
    held = [str(name).removesuffix(f".{EXTRA}") for name in given if str(name).endswith(f".{EXTRA}")]
    of_one = [name for name, critic in critics.items() if given and given.keys() == critic.state_dict().keys()]
    if within:
        hint = f"load_state_dict(checkpoint[{within[0]!r}])"
    elif held:
        hint = f"this is the state of a module whose {held[0]} is an Adversary: load it into such a module"
    elif of_one:
        hint = f"adversary.discriminators[{of_one[0]!r}].load_state_dict(state) loads the weights of a critic alone"
    names = [repr(name) for name in given]
    return CheckpointError(
        "this is not the state of an Adversary",
        given=", ".join(names[:SHOWN]) + (" …" if names[SHOWN:] else "") or "nothing",
        allowed="what adversary.state_dict() gave",
        hint=hint,
    )
