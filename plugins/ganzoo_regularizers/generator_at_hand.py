"""What a loop that hands over fakes alone cannot show: the network behind them, their latents, further fakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ganzoo.protocols import Generate, StepView


def network_of(view: StepView, *, name: str) -> nn.Module:
    """The player's own network. Raises :class:`ConfigError` if the loop knows the fakes alone."""
    if view.network is None:
        raise _absent(name, "the weights of the generator")
    return view.network


def latents_of(view: StepView, *, name: str) -> tuple[Tensor, Generate]:
    """The latents of the fakes, and the generator. Raises :class:`ConfigError` if the loop knows the fakes alone."""
    if view.z is None or view.generate is None:
        raise _absent(name, "the generator and the latents of its fakes")
    return view.z, view.generate


def _absent(name: str, what: str) -> ConfigError:
    return ConfigError(
        f"regularizer {name} needs {what}, and this step was given the fakes alone",
        allowed="a loop that has a generator of ganzoo's form, and hands over its latents",
        hint=f"pass generator= and z= to the step, or leave {name} out",
    )
