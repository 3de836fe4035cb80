"""Where each of the processes that train one run of a comparison sits, said to it as ``torchrun`` would."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

HERE = "127.0.0.1"
"""Where processes of one machine meet."""
INTERFACE = "GLOO_SOCKET_IFNAME"


@dataclass(frozen=True, kw_only=True)
class Seat:
    """The place of one process among those that train a run together.

    Attributes:
        number: of the process, from 0; the first writes the run.
        size: how many there are.
        address, port: where all meet, on the machine of the first.
        local: number among those of its machine, by which it takes a GPU. Ray shows each process its own GPU alone.
        interface: of the network, by which gloo reaches the others; it chooses one itself if it is ``None``.
    """

    number: int
    size: int
    address: str = HERE
    port: int
    local: int = 0
    interface: str | None = None

    def environment(self) -> dict[str, str]:
        """The variables that :mod:`ganzoo.launch` and ``torch.distributed`` read; an interface that is set stays."""
        told = {
            "RANK": self.number,
            "WORLD_SIZE": self.size,
            "LOCAL_RANK": self.local,
            "MASTER_ADDR": self.address,
            "MASTER_PORT": self.port,
        }
        chosen = os.environ.get(INTERFACE) or self.interface
        return {name: str(value) for name, value in told.items()} | ({} if chosen is None else {INTERFACE: chosen})

    def __str__(self) -> str:
        """For people, who count from one: ``process 2 of 2``."""
        return f"process {self.number + 1} of {self.size}"


def seats_here(size: int) -> list[Seat]:
    """Those of processes that all run on this machine; none for a run of one process."""
    if size == 1:
        return []
    port = free_port(HERE)
    return [Seat(number=number, size=size, port=port, local=number) for number in range(size)]


def free_port(address: str) -> int:
    """A port that nobody uses now. If somebody takes it before the first process does, the run is tried again."""
    with socket.socket() as held:
        held.bind((address, 0))
        port: int = held.getsockname()[1]
    return port
