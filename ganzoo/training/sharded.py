"""Critics whose weights are spread over processes, which are refused."""

from __future__ import annotations

from torch import nn

from ganzoo.errors import ConfigError


def demand_whole(critics: nn.ModuleDict) -> None:
    """Refuse critics of which each process holds a part.

    Known by where their classes come from, so that nothing of ``torch.distributed`` is imported for those that are
    whole.

    Raises:
        ConfigError: a critic, or a part of it, is wrapped in FSDP or ``fully_shard``, or has parameters that are
            DTensors.
    """
    for name, critic in critics.items():
        if (how := _sharded(critic)) is not None:
            raise ConfigError(
                f"critic {name} is sharded over processes: its gradients are averaged over processes here, which is "
                "wrong for parts of weights, and gradient penalties fail on weights that are gathered for one pass",
                given=how,
                allowed="a whole critic in each process; your generator may be sharded",
                hint="ganzoo.Adversary(critic) with the critic as it was before FSDP or fully_shard: processes share "
                "its gradients without a wrapper",
            )


def _sharded(critic: nn.Module) -> str | None:
    for path, module in critic.named_modules():
        if any(kind.__module__.startswith("torch.distributed.fsdp") for kind in type(module).__mro__):
            return f"{type(module).__name__} at {path}" if path else type(module).__name__
    for path, parameter in critic.named_parameters():
        if type(parameter.data).__module__.startswith("torch.distributed.tensor"):
            return f"{type(parameter.data).__name__} at {path}"
    return None
