"""Whether a mapping is a state of these critics, asked before torch tries, whose words tell of tensors alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ganzoo.errors import CheckpointError

EXTRA, WEIGHTS = "_extra_state", "discriminators."
"""What all states have, and how the names of critics' weights begin."""
SHOWN = 5
"""So many names tell what it is."""


def demand_a_state(given: Mapping[str, Any], critics: nn.ModuleDict, *, strict: bool) -> None:
    """Refuse what is not the state of an Adversary, such as the checkpoint that it lies in, and that of other critics.

    Args:
        given: what shall be loaded.
        critics: those here.
        strict: whether critics that are not here matter.

    Raises:
        CheckpointError: it is none; the hint says what seems to be meant.
    """
    named = list(dict.fromkeys(name.split(".")[1] for name in given if name.startswith(WEIGHTS)))
    if not named and EXTRA not in given:
        raise _no_state(given, critics)
    if strict and not set(named) <= set(critics):
        written = ", ".join(f"{name!r}: …" for name in named)
        raise CheckpointError(
            "the state has critics of other names",
            given=", ".join(named),
            allowed=", ".join(critics),
            hint=f"ganzoo.Adversary({{{written}}}), with critics as they were then",
        )


def demand_same_shapes(state: Mapping[str, Any], critics: nn.ModuleDict, *, prefix: str) -> None:
    """Refuse weights of other shapes.

    Args:
        state: may be that of a module that holds the Adversary.
        critics: those here.
        prefix: how the names in ``state`` begin that are of the Adversary.

    Raises:
        CheckpointError: it is of other critics.
    """
    for name, mine in (*critics.named_parameters(), *critics.named_buffers()):
        value = state.get(f"{prefix}{WEIGHTS}{name}")
        if is_lazy(mine) or not isinstance(value, Tensor):
            continue
        if value.shape != mine.shape:
            raise CheckpointError(
                f"the state is that of a larger, smaller or otherwise different critic {name.partition('.')[0]}",
                given=f"{name} of shape {tuple(value.shape)}",
                allowed=f"{tuple(mine.shape)}, as here",
                hint="build the critic with the options that it had when the state was saved",
            )


def _no_state(given: Mapping[str, Any], critics: nn.ModuleDict) -> CheckpointError:
    hint = "adversary.load_state_dict(adversary.state_dict()) is how a state is loaded"
    within = [name for name, value in given.items() if isinstance(value, Mapping) and EXTRA in value]
    of_one = [name for name, critic in critics.items() if given and given.keys() == critic.state_dict().keys()]
    if within:
        hint = f"load_state_dict(checkpoint[{within[0]!r}])"
    elif of_one:
        hint = f"adversary.discriminators[{of_one[0]!r}].load_state_dict(state) loads the weights of a critic alone"
    names = [repr(name) for name in given]
    return CheckpointError(
        "this is not the state of an Adversary",
        given=", ".join(names[:SHOWN]) + (" …" if names[SHOWN:] else "") or "nothing",
        allowed="what adversary.state_dict() gave",
        hint=hint,
    )
