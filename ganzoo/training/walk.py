"""What a network consists of. torch's own walk makes a name for each part on the way, which takes ten times as long."""

from __future__ import annotations

from torch import Tensor, nn


def modules_of(network: nn.Module) -> list[nn.Module]:
    """The network and all within it, each once, level by level."""
    found = {network: None}
    level = [network]
    while level:
        within = (part for one in level for part in one._modules.values())
        level = list(dict.fromkeys(part for part in within if part is not None and part not in found))
        found |= dict.fromkeys(level)
    return list(found)


def parameters_of(network: nn.Module) -> list[nn.Parameter]:
    """Its parameters; one that is shared comes as often as it is there."""
    values = (value for module in modules_of(network) for value in module._parameters.values())
    return [value for value in values if value is not None]


def buffers_of(network: nn.Module) -> list[Tensor]:
    """Its buffers; one that is shared comes as often as it is there."""
    values = (value for module in modules_of(network) for value in module._buffers.values())
    return [value for value in values if value is not None]


def leaves_of(part: object) -> list[Tensor]:
    """What a loss, a regularizer or an augmentation could learn: a module's parameters, and what other objects hold."""
    if isinstance(part, nn.Module):
        return list(parameters_of(part))
    held = getattr(part, "__dict__", {}).values()
    tensors = [value for value in held if isinstance(value, Tensor) and value.is_leaf]
    return tensors + [one for value in held if isinstance(value, nn.Module) for one in parameters_of(value)]
