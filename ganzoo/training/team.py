"""The processes that train one run together: each computes its rows of every batch, and all move alike.

A batch is cut into micro-batches, and each of these into equal parts, one per process. Losses are means, so the
gradient of the whole is the sum of what the processes have, weighted by their shares: one exchange of one flat tensor
per optimizer step. Whatever looks at a micro-batch as a whole gathers it, in the order that it has in one process. So
several processes train what one trains, but for the order in which numbers are added up.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.distributed.rendezvous import rendezvous

from ganzoo import launch
from ganzoo.errors import ConfigError, ProcessLostError
from ganzoo.training.processes import add_up, share_weights

Value = TypeVar("Value")

PATIENCE = timedelta(hours=24)
"""How long a process waits for another one that is alive: the first may be busy with an evaluation."""
FAREWELL = timedelta(seconds=15)
"""How long a process that failed waits for the first one to save; ``torchrun`` would end it when another one ends."""


@dataclass(frozen=True)
class Team:
    """One process's place among those that train together.

    Attributes:
        number: of this process, from 0; the first writes files and speaks.
        size: how many there are.
    """

    number: int = 0
    size: int = 1

    @property
    def alone(self) -> bool:
        """Whether there is no other."""
        return self.size == 1

    @property
    def leads(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.number == 0

    def rows(self, n: int, parts: int = 1) -> slice | Tensor:
        """Which of ``n`` rows of a batch are this process's: its share of each of ``parts`` micro-batches."""
        if self.alone:
            return slice(None)
        whole = torch.arange(n).view(parts, self.size, -1)
        return whole[:, self.number].reshape(-1)

    def part_of(self, rows: Tensor) -> Tensor:
        """The part of this process, of something that all have whole."""
        return rows if self.alone else rows.chunk(self.size)[self.number]

    def stretch(self, n: int) -> range:
        """Which of ``n`` pieces of work are this process's, one after the other; the first has some if anybody has."""
        begin, end = (-(-n * number // self.size) for number in (self.number, self.number + 1))
        return range(begin, end)

    def to_first(self, rows: Tensor, counts: Sequence[int]) -> Tensor:
        """The rows of all processes in order, for the first one; the others keep theirs.

        Args:
            rows: on the CPU.
            counts: how many each process has; with none it need not take part.
        """
        if self.alone:
            return rows
        with _told():
            if not self.leads:
                distributed.send(rows.contiguous(), dst=0)
                return rows
            whole = rows.new_empty(sum(counts), *rows.shape[1:])
            own, *others = torch.split(whole, list(counts))
            own.copy_(rows)
            for number, part in enumerate(others, start=1):
                if len(part):
                    distributed.recv(part, src=number)
        return whole

    def add(self, tensors: Sequence[Tensor]) -> None:
        """Replace tensors by their sums over all processes, in one exchange per type."""
        if not self.alone:
            with _told():
                add_up(tensors)

    def gathered(self, rows: Tensor) -> Tensor:
        """The rows of all processes, in order; gradients find their way back to the process that has the row."""
        if self.alone:
            return rows
        if not rows.is_floating_point():
            return self._padded(rows.to(torch.int64)).to(rows.dtype)
        gathered: Tensor = _Gathered.apply(rows, self)  # type: ignore[no-untyped-call]
        return gathered

    def first(self, make: Callable[[], Value]) -> Value:
        """What the first process makes, for all; the others make nothing."""
        if self.alone:
            return make()
        made: list[Any] = [make() if self.leads else None]
        with _told():
            distributed.broadcast_object_list(made, src=0)
        value: Value = made[0]
        return value

    def any(self, wish: bool) -> bool:
        """Whether any of the processes wishes it."""
        if self.alone:
            return wish
        wishes = torch.tensor([float(wish)])
        self.add([wishes])
        return bool(wishes.item())

    def share(self, *modules: nn.Module) -> None:
        """Give all the weights and statistics of the first: other machines may draw other numbers."""
        for module in modules:
            with _told():
                share_weights(module)

    def _padded(self, rows: Tensor) -> Tensor:
        whole = rows.new_zeros(self.size, *rows.shape)
        whole[self.number] = rows
        self.add([whole])
        return whole.flatten(0, 1)


ALONE = Team()


class _Gathered(torch.autograd.Function):
    """Rows → those of all; its derivative adds up what all want of a row, and is linear too, for second derivatives."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, team: Team) -> Tensor:
        ctx.team = team
        return team._padded(rows.detach())

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Scattered.apply(gradient, ctx.team), None  # type: ignore[no-untyped-call]


class _Scattered(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, whole: Tensor, team: Team) -> Tensor:
        ctx.team = team
        total = whole.detach().clone(memory_format=torch.contiguous_format)
        team.add([total])
        return team.part_of(total)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Gathered.apply(gradient, ctx.team), None  # type: ignore[no-untyped-call]


def join(device: str = "auto") -> Team:
    """Meet the other processes that were started with this one, once; alone if there are none.

    Args:
        device: what is computed on, as in ``runtime.device``: tensors on GPUs are exchanged by NCCL, others by gloo.

    Raises:
        ProcessLostError: they did not come.
        ConfigError: the environment says that there are others, but not where they meet.
    """
    number, size = launch.launched()
    if size == 1:
        return ALONE
    if not distributed.is_initialized():
        cuda = torch.cuda.is_available() and device in ("auto", "cuda")
        if cuda:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", number)) % torch.cuda.device_count())
        with _told():
            meet(_place(), number, size, backend="cpu:gloo,cuda:nccl" if cuda else "gloo")
    return Team(number, size)


def _place() -> Any:
    """The store that all can reach, where the environment says."""
    try:
        store, _, _ = next(rendezvous("env://"))
    except ValueError as error:
        raise ConfigError(
            "several processes were started to train together, but where they meet is not known",
            given=str(error).rpartition("rendezvous: ")[2],
            allowed="RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT in the environment, as torchrun sets them",
            hint="start it with torchrun, or unset WORLD_SIZE to train in one process",
        ) from error
    return store


def meet(store: Any, number: int, size: int, *, backend: str = "gloo") -> Team:
    """Form the group by way of a store that all can reach."""
    distributed.init_process_group(backend, store=store, rank=number, world_size=size, timeout=PATIENCE)

    def claim() -> bool:
        try:
            return bool(store.add("ganzoo/told", 1) == 1)
        except RuntimeError:
            return True  # where nobody can be asked any more, twice is better than not at all

    def leave() -> None:
        with suppress(RuntimeError):
            distributed.destroy_process_group()  # whoever waits for this process notices now
            if number:
                store.wait(["ganzoo/over"], FAREWELL)
            else:
                store.set("ganzoo/over", "")

    launch.met(claim=claim, leave=leave)
    atexit.register(_part)
    return Team(number, size)


def _part() -> None:
    """Leave the group before Python takes itself apart: threads of gloo that are left then were seen to abort it."""
    if distributed.is_initialized():
        with suppress(RuntimeError):
            distributed.destroy_process_group()


@contextmanager
def _told() -> Iterator[None]:
    """Say what it means if an exchange fails."""
    try:
        yield
    except torch.OutOfMemoryError:
        raise  # of this process, for what is exchanged
    except RuntimeError as error:
        raise ProcessLostError(
            "another process of this run ended, or cannot be reached",
            given=str(error).partition("\n")[0].partition(". This is typically")[0] or type(error).__name__,
            allowed="all processes to the end",
            hint="read what ended it: its own message, that of torchrun, or the system's, which kills processes where "
            "memory runs out; then start ganzoo resume, with as many processes",
        ) from error
