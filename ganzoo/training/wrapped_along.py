"""Critics within a module that ``DistributedDataParallel`` wraps, which must be left out there."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator

from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ganzoo.errors import ConfigError


def keep_out(critics: nn.ModuleDict, module: nn.Module) -> None:
    """Let ``DistributedDataParallel(module)`` leave out the critics' parameters and buffers.

    Raises:
        ConfigError: ``module`` does not hold the critics, or is wrapped already.
    """
    own = _ids([*critics.parameters(), *critics.buffers()])
    # A critic may be an attribute of the module as well: it is left out by each of its names.
    named = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
    names = [name for name, tensor in named if id(tensor) in own]
    if not names or isinstance(module, DistributedDataParallel):
        raise ConfigError(
            "critics can be kept out of a wrapper only by the module that holds them, before it is wrapped",
            given=type(module).__name__,
            allowed="the module that holds the adversary and goes to DistributedDataParallel",
            hint="adversary.keep_out_of_ddp(module) before DistributedDataParallel(module)",
        )
    before = getattr(module, "_ddp_params_and_buffers_to_ignore", ())
    left_out = sorted({*before, *names})
    DistributedDataParallel._set_params_and_buffers_to_ignore_for_model(module, left_out)  # type: ignore[no-untyped-call]


def demand_kept_out(critics: nn.ModuleDict) -> None:
    """Refuse critics whose gradients a wrapper of the generator waits for.

    It averages gradients once all that it knows of have come. The critics' come in their own step only, so the
    generator's would stay those of each process, and its weights would drift apart without a word. A critic does not
    know who wraps it, so this looks at all wrappers that there are.

    Raises:
        ConfigError: a ``DistributedDataParallel`` holds critics' parameters beside others.
    """
    own = _ids(critics.parameters())
    for wrapper in _wrappers():
        ignored = wrapper.parameters_to_ignore
        held = _ids(value for name, value in wrapper.module.named_parameters() if name not in ignored)
        if held & own and held - own:
            raise ConfigError(
                "DistributedDataParallel waits for the critics' gradients, so it does not average the generator's",
                given=f"{type(wrapper.module).__name__}, which holds the adversary, wrapped as a whole",
                allowed="a wrapper that leaves the critics out: processes share their gradients without it",
                hint="adversary.keep_out_of_ddp(module) before DistributedDataParallel(module)",
            )


def _wrappers() -> Iterator[DistributedDataParallel]:
    # By type() and not by isinstance, which would wake lazy objects of other libraries.
    yield from (one for one in gc.get_objects() if issubclass(type(one), DistributedDataParallel))


def _ids(tensors: Iterable[Tensor]) -> set[int]:
    return {id(tensor) for tensor in tensors}
