"""What of a module was never to be trained: a backbone that only provides features."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from ganzoo.errors import ConfigError


def frozen_modules(whole: nn.Module, trained: Sequence[nn.Parameter]) -> Iterator[tuple[str, nn.Module]]:
    """Path and module of all that have parameters of which none is trained, and of what they hold."""
    known = {id(parameter) for parameter in trained}
    for path, module in whole.named_modules():
        parameters = list(module.parameters())
        if parameters and not any(id(parameter) in known for parameter in parameters):
            yield from module.named_modules(prefix=path)


def frozen_names(whole: nn.Module, trained: Sequence[nn.Parameter], resting: Collection[nn.Module]) -> list[str]:
    """Names that are left out of a state: of parameters that are not trained, and of what modules at rest hold.

    A frozen module in training mode has statistics that move, so they belong to the state.
    """
    known, still = {id(parameter) for parameter in trained}, set(resting)
    names = [name for name, parameter in whole.named_parameters() if id(parameter) not in known]
    for path, module in frozen_modules(whole, trained):
        if module in still:
            unsaved = module._non_persistent_buffers_set
            names += [f"{path}.{name}" for name, _ in module.named_buffers(recurse=False) if name not in unsaved]
    return list(dict.fromkeys(names))


def demand_as_it_was(critics: nn.Module, trained: Sequence[nn.Parameter], frozen: Sequence[nn.Parameter]) -> None:
    """Refuse to train what the optimizer does not know, and nothing at all.

    Raises:
        ConfigError: a parameter that was frozen when the critics came is trainable now, or all of them are frozen.
    """
    if not any(parameter.requires_grad for parameter in trained):
        raise ConfigError(
            "all parameters of the critics have been frozen since the Adversary was made, so nothing can learn",
            given="requires_grad=False everywhere",
            allowed="at least one of those that required a gradient then",
            hint='for p in adversary.optimizer.param_groups[0]["params"]: p.requires_grad_(True)',
        )
    strange = {id(parameter) for parameter in frozen if parameter.requires_grad}
    if strange:
        names = [name for name, one in critics.named_parameters() if id(one) in strange]
        raise ConfigError(
            "a parameter was frozen when the Adversary was made, so its optimizer and its state do not know it",
            given=f"{names[0]} with requires_grad=True" + (f", and {len(names) - 1} more" if names[1:] else ""),
            allowed="what is frozen at first stays so",
            hint="make it trainable before ganzoo.Adversary(critic), and take over what critics have learned with "
            "load_state_dict(state, critics_only=True); or requires_grad_(False) on it",
        )


class Fingerprints:
    """Numbers that tell whether frozen tensors are others, computed again for those alone that were written to."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[object, int]] = {}

    def of(self, tensors: Mapping[str, Tensor]) -> int:
        """That of all together, names included."""
        return zlib.crc32(repr([(name, self._one(name, tensor)) for name, tensor in tensors.items()]).encode())

    def _one(self, name: str, tensor: Tensor) -> int:
        known, as_it_is = self._known.get(name), (tensor._version, tensor.data_ptr(), tensor.dtype)
        if known is None or known[0] != as_it_is:
            content = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            known = self._known[name] = as_it_is, zlib.crc32(content.numpy().data)
        return known[1]
