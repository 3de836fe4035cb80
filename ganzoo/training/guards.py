"""What a step demands of losses and regularizers, at no cost: it looks at shapes and versions, never at a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import PluginError
from ganzoo.protocols import DiscriminatorOutput
from ganzoo.training.game import Named


def demand_scalar(value: Any, named: Named, what: str) -> None:
    """Refuse whatever is not a tensor without axes: the step would train on the sum of its numbers.

    Args:
        value: what a component returned.
        named: the component.
        what: of whom, as ``discriminator_loss`` or ``the term 'r1' of the discriminator``.

    Raises:
        PluginError: it is not one.
    """
    if isinstance(value, Tensor) and value.ndim == 0:
        return
    found = f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
    raise PluginError(
        f"{named.words} does not return a scalar for {what}",
        given=found,
        allowed="a tensor without axes, the mean over all samples",
        hint="; ".join(filter(None, ["end its formula with .mean()", named.command])),
    )


@contextmanager
def left_unchanged(named: Named, tensors: Mapping[str, Tensor | None], *, during: str) -> Iterator[None]:
    """Refuse a component that changes, in place, what it was given: others go on with the same tensors.

    torch counts the changes of a tensor that its views share. Changes through ``.data`` or numpy are not counted.

    Args:
        named: the component.
        tensors: what it is called in the error → the tensor.
        during: where the component is called.

    Raises:
        PluginError: at the end of the block a tensor has changed.
    """
    if torch.compiler.is_compiling() or torch.is_inference_mode_enabled():
        yield
        return
    before = {name: _version(tensor) for name, tensor in tensors.items()}
    yield
    changed = [name for name, version in before.items() if _version(tensors[name]) != version]
    if changed:
        raise PluginError(
            f"{named.words} changes {' or '.join(changed)} in place in {during}",
            given="an operation that writes into its input, such as relu_(), mul_() or x[mask] = 0",
            allowed="new tensors, since what comes later in the step uses the same ones",
            hint="; ".join(filter(None, ["write x = x.relu() for x.relu_()", named.command])),
        )


def _version(tensor: Tensor | None) -> int:
    return 0 if tensor is None else tensor._version


def of_output(side: str, output: DiscriminatorOutput | None) -> dict[str, Tensor | None]:
    """The tensors of a verdict, by what an error calls them."""
    if output is None:
        return {}
    return {
        f"logits of {side}": output.logits,
        f"class_logits of {side}": output.class_logits,
        **{f"features[{number}] of {side}": feature for number, feature in enumerate(output.features)},
        **{f"extra_logits[{number}] of {side}": logits for number, logits in enumerate(output.extra_logits)},
    }
