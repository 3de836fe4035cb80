"""What of a module was never to be trained: a backbone that only provides features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import nn


def frozen_modules(whole: nn.Module, trained: Sequence[nn.Parameter]) -> Iterator[tuple[str, nn.Module]]:
    """Path and module of all that have parameters of which none is trained, and of what they hold."""
    known = {id(parameter) for parameter in trained}
    for path, module in whole.named_modules():
        parameters = list(module.parameters())
        if parameters and not any(id(parameter) in known for parameter in parameters):
            yield from module.named_modules(prefix=path)


def frozen_names(whole: nn.Module, trained: Sequence[nn.Parameter]) -> list[str]:
    """Names in a state of parameters that are not trained, and of buffers of modules that hold nothing else."""
    known = {id(parameter) for parameter in trained}
    names = [name for name, parameter in whole.named_parameters() if id(parameter) not in known]
    for path, module in frozen_modules(whole, trained):
        names += [f"{path}.{name}" for name, _ in module.named_buffers(recurse=False)]
    return list(dict.fromkeys(names))
