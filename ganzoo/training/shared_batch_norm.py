"""BatchNorm over the rows of all processes, with gradients through its statistics, and second derivatives of these.

torch's ``SyncBatchNorm`` works on GPUs alone, and a penalty cannot be differentiated through it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ganzoo.training.team import ALONE, Team
from ganzoo.training.walk import modules_of


class _Shared(nn.modules.batchnorm._BatchNorm):
    """A BatchNorm that was made by :func:`share`; in evaluation it is what it was."""

    team: Team = ALONE

    def forward(self, x: Tensor) -> Tensor:
        if self.team.alone or not (self.training or self.running_mean is None):
            return super().forward(x)
        self._check_input_dim(x)  # type: ignore[no-untyped-call]
        y = x.to(torch.promote_types(x.dtype, torch.float32))
        axes = [axis for axis in range(x.dim()) if axis != 1]
        shape = [1, -1, *(1,) * (x.dim() - 2)]
        here = y.mean(axes)
        there = torch.stack([here, (y - here.view(shape)).square().mean(axes)])
        # One exchange for both: variances within the processes, and that of their means. All have equally many rows.
        means, variances = self.team.gathered(there[None]).unbind(1)
        mean = means.mean(0)
        variance = variances.mean(0) + (means - mean).square().mean(0)
        if self.training:
            self._follow(mean.detach(), variance.detach(), y.numel() // y.shape[1] * self.team.size)
        y = (y - mean.view(shape)) * (variance + self.eps).rsqrt().view(shape)
        if self.weight is not None:
            y = y * self.weight.view(shape) + self.bias.view(shape)
        return y.to(x.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor, n: int) -> None:
        """Move the running statistics, as torch does: with the variance of a sample."""
        if self.running_mean is None or self.running_var is None or self.num_batches_tracked is None:
            return
        self.num_batches_tracked.add_(1)
        weight = 1 / self.num_batches_tracked if self.momentum is None else self.momentum
        for running, seen in ((self.running_mean, mean), (self.running_var, variance * (n / (n - 1)))):
            running.copy_((1 - weight) * running + weight * seen)


class SharedBatchNorm1d(_Shared, nn.BatchNorm1d):
    """:class:`torch.nn.BatchNorm1d` over all processes."""


class SharedBatchNorm2d(_Shared, nn.BatchNorm2d):
    """:class:`torch.nn.BatchNorm2d` over all processes."""


class SharedBatchNorm3d(_Shared, nn.BatchNorm3d):
    """:class:`torch.nn.BatchNorm3d` over all processes."""


_OF: dict[type[nn.Module], type[_Shared]] = {
    nn.BatchNorm1d: SharedBatchNorm1d,
    nn.BatchNorm2d: SharedBatchNorm2d,
    nn.BatchNorm3d: SharedBatchNorm3d,
}


def share(network: nn.Module, team: Team) -> None:
    """Let every BatchNorm of a network look at the rows of all processes; nothing is done for one alone."""
    if team.alone:
        return
    for module in modules_of(network):
        if type(module) in _OF:
            module.__class__ = _OF[type(module)]
            module.team = team  # type: ignore[assignment]


def settle(team: Team, *networks: nn.Module) -> None:
    """After an update in which every BatchNorm looked at its own rows, give all processes the mean of their statistics.

    Those of :func:`share` are the same everywhere, and are left alone.
    """
    if team.alone:
        return
    norms = [module for network in networks for module in modules_of(network) if type(module) in _OF]
    held = [norm._buffers[name] for norm in norms for name in ("running_mean", "running_var")]
    statistics = [one for one in held if one is not None]
    team.add(statistics)
    for one in statistics:
        one.div_(team.size)


def separate(network: nn.Module) -> None:
    """Undo :func:`share`, in a copy that a process looks at by itself."""
    for module in modules_of(network):
        if isinstance(module, _Shared):
            module.team = ALONE


def shares(network: nn.Module) -> bool:
    """Whether there is such a BatchNorm, or one that could be made one."""
    return any(type(module) in _OF or isinstance(module, _Shared) for module in modules_of(network))


@contextmanager
def apart(*networks: nn.Module | None) -> Iterator[None]:
    """Let every process be by itself inside the block, in which each has the whole batch."""
    held = [
        (module, module.team)
        for network in networks
        if network is not None
        for module in modules_of(network)
        if isinstance(module, _Shared)
    ]
    try:
        for module, _ in held:
            module.team = ALONE
        yield
    finally:
        for module, team in held:
            module.team = team
