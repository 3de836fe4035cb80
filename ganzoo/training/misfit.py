"""What torch says of data that a critic's layers do not take, in words of the loop that handed them over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.training.given_data import GivenBatch

SAID = (
    "expected input",
    "D input (got",
    "D (batched) input",
    "D (unbatched)",
    "shapes cannot be multiplied",
    "Kernel size can't be greater",
    "must match the size of tensor",
    "is invalid for input of size",
    "running_mean should contain",
)
"""How torch 2.13 words it: seen by handing layers what they do not take."""
LAYERS = (nn.modules.conv._ConvNd, nn.Linear)


@contextmanager
def told_of_misfits(name: str, critic: nn.Module, shown: Tensor, given: GivenBatch) -> Iterator[None]:
    """Raise a :class:`ConfigError` that names the critic where its layers do not take what it is shown.

    Args:
        name: of the critic.
        critic: the critic.
        shown: what it sees, conditions and joined samples included.
        given: what the loop gave.
    """
    try:
        yield
    except (RuntimeError, ValueError) as error:
        if not any(words in str(error) for words in SAID):
            raise
        raise _in_words(name, critic, shown, given, str(error).splitlines()[0]) from error


def _in_words(name: str, critic: nn.Module, shown: Tensor, given: GivenBatch, said: str) -> ConfigError:
    condition = "no condition" if given.condition is None else f"a condition {tuple(given.condition.shape)}"
    first = next((module for module in critic.modules() if isinstance(module, LAYERS)), None)
    return ConfigError(
        f"critic {name} does not take samples of this shape: {said}",
        given=f"fake {tuple(given.fake.shape)} and {condition}: the critic sees {tuple(shown.shape)}",
        allowed="what it was built for" + ("" if first is None else f"; its first layer is {first}"),
        hint="condition= in both calls, if it was built for one"
        if given.condition is None
        else "build it for the channels of data and condition together",
    )
