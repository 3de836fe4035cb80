"""What torch says of data that a critic's layers do not take, in words of the loop that handed them over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import Tensor, nn

from ganzoo.errors import ConfigError
from ganzoo.training.given_data import GivenBatch
from ganzoo.training.own_networks import was_called

OTHER_CHANNELS = (
    "expected input",
    "D input (got",
    "D (batched) input",
    "D (unbatched)",
    "shapes cannot be multiplied",
    "must match the size of tensor",
    "is invalid for input of size",
    "running_mean should contain",
)
TOO_SMALL = (
    "Kernel size can't be greater",
    "Padding size should be less than",
    "expected 0 < n_fft",
    "Sizes of tensors must match except",
    "Expected more than 1 spatial element",
    "Output size is too small",
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
        known = any(words in str(error) for words in (*OTHER_CHANNELS, *TOO_SMALL))
        if not (known and was_called(error)):
            raise
        raise _in_words(name, critic, shown, given, str(error).splitlines()[0]) from error


def _in_words(name: str, critic: nn.Module, shown: Tensor, given: GivenBatch, said: str) -> ConfigError:
    condition = "no condition" if given.condition is None else f"a condition {tuple(given.condition.shape)}"
    first = next((module for module in critic.modules() if isinstance(module, LAYERS)), None)
    if any(words in said for words in TOO_SMALL):
        hint = "samples as large as those it was built for, or with sides that it can halve as often"
    elif given.condition is None:
        hint = "condition= in both calls, if it was built for one"
    else:
        hint = "build it for the channels of data and condition together"
    return ConfigError(
        f"critic {name} does not take samples of this shape: {said}",
        given=f"fake {tuple(given.fake.shape)} and {condition}: the critic sees {tuple(shown.shape)}",
        allowed="what it was built for" + ("" if first is None else f"; its first layer is {_described(first)}"),
        hint=hint,
    )


def _described(layer: nn.Module) -> str:
    kind = type(layer).__name__.removeprefix("Parametrized")
    if isinstance(layer, nn.Linear):
        return f"{kind}({layer.in_features}, {layer.out_features})"
    return f"{kind}({layer.in_channels}, {layer.out_channels}, …)"
