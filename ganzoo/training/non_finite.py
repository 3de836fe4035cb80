"""Where in a network the first number appears that is not finite. It reads values, so it is for failures alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from torch import Tensor, nn


@dataclass(frozen=True)
class NonFinite:
    """A place where something is not finite.

    Attributes:
        network: which of the networks.
        module: path and class; empty if what the network itself is given is not finite.
        what: what of the module, such as ``the output of module``.
    """

    network: str
    module: str
    what: str

    def __str__(self) -> str:
        return f"{self.what} {self.module} is the first that is not finite"


@contextmanager
def watched(networks: Mapping[str, nn.Module]) -> Iterator[list[NonFinite]]:
    """Note the first place, in order of execution, where something is not finite within the block."""
    found: list[NonFinite] = []
    handles = []
    try:
        for network, root in networks.items():
            for name, module in root.named_modules():
                before, after = _hooks(found, network, name, module)
                handles += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
        yield found
    finally:
        for handle in handles:
            handle.remove()


def is_finite(value: Any) -> bool:
    """Whether all numbers are finite in whatever a module takes or gives."""
    if isinstance(value, Tensor):
        return bool(value.isfinite().all())
    if isinstance(value, Mapping):
        return all(map(is_finite, value.values()))
    if isinstance(value, tuple | list):
        return all(map(is_finite, value))
    if is_dataclass(value) and not isinstance(value, type):
        return all(is_finite(getattr(value, field.name)) for field in fields(value))
    return True


def _hooks(
    found: list[NonFinite], network: str, name: str, module: nn.Module
) -> tuple[Callable[..., None], Callable[..., None]]:
    shown = f"module {name} ({type(module).__name__})" if name else f"the forward of {type(module).__name__}"

    def before(_: nn.Module, given: Any) -> None:
        if not found and not is_finite(given):
            found.append(NonFinite(network, shown if name else "", "the input of" if name else "its input"))

    def after(_: nn.Module, given: Any, output: Any) -> None:
        if not found and not is_finite(output):
            bad = [key for key, value in module.named_parameters(recurse=False) if not is_finite(value)]
            found.append(NonFinite(network, shown, f"parameter {', '.join(bad)} of" if bad else "the output of"))

    return before, after
