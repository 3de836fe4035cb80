"""A Ray cluster: reached, asked for its nodes, and refused before anything starts if runs cannot be computed there."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from typing import Any

from ganzoo.errors import ConfigError, ResourceError
from ganzoo.registry import Registry
from ganzoo.studies.engine_choice import AUTO

NAMESPACE = "ganzoo"
PATIENCE = 5.0
"""Seconds in which an address must answer; Ray itself tries for two minutes, and then ends the process."""
ANSWER = 120.0
"""Seconds in which a node must say what is installed; starting its first process takes a while."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """What of a node each process of a run reserves; it has as many threads as cores."""

    cpus: int
    gpus: float


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Ray, connected inside the block; a connection that is there already is used, and left.

    Raises:
        ConfigError: the address is not one.
        ResourceError: no cluster is there.
    """
    ray: Any = import_module("ray")
    if ray.is_initialized():
        yield ray
        return
    address = os.environ.get("RAY_ADDRESS", AUTO) if address == AUTO else address
    if address != AUTO:
        _probe(address)
    before = signal.getsignal(signal.SIGTERM)  # Ray takes it over
    try:
        ray.init(address, namespace=NAMESPACE, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, SystemExit) as error:
        raise _nobody(address, str(error).partition("\n")[0]) from error
    try:
        yield ray
    finally:
        ray.shutdown()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _probe(address: str) -> None:
    host, _, port = address.rpartition(":")
    if not host or "/" in host or not port.isdecimal():
        raise ConfigError(
            "--address is not that of a Ray cluster",
            given=address,
            allowed=f"HOST:PORT of its head node, or {AUTO}; the command runs on a machine of the cluster",
            hint="--address 192.168.0.10:6379",
        )
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise _nobody(address, str(error)) from error


def _nobody(address: str, reason: str) -> ResourceError:
    return ResourceError(
        f"no Ray cluster can be reached: {reason}",
        given=f"--address {address}",
        allowed="HOST:PORT of the head node of a cluster that this machine belongs to; ray start --head begins one",
        hint="--address HOST:PORT",
    )


def working_nodes(ray: Any) -> list[Mapping[str, Any]]:
    """The nodes that compute: those with a core to reserve."""
    return [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]


def share_of_a_node(ray: Any, *, jobs: int, gpu: bool, processes: int = 1) -> Share:
    """What a process reserves where ``jobs`` runs of so many divide the smallest node among themselves.

    All runs get the same, wherever they are, so that their times can be compared and their numbers are equal. Where
    nodes have GPUs and runs may use them, nodes without are left out. Processes that train a run together have a GPU
    each, since NCCL has them exchange nothing on the same one; a run that needs more than a node has is on several.

    Raises:
        ResourceError: no node has a core.
    """
    nodes = working_nodes(ray)
    if not nodes:
        raise ResourceError(
            "no node of the Ray cluster has a core for runs",
            given=", ".join(f"{node['NodeName']}: {node['Resources'].get('CPU', 0):g}" for node in ray.nodes()),
            allowed="a node with one core or more; ray start --address HOST:PORT joins this machine to the cluster",
            hint="--engine local",
        )
    with_gpu = [node for node in nodes if gpu and node["Resources"].get("GPU", 0) > 0]
    cores = min(node["Resources"]["CPU"] for node in with_gpu or nodes)
    gpus = min((node["Resources"]["GPU"] for node in with_gpu), default=0)
    if processes == 1:
        return Share(cpus=max(1, int(cores) // jobs), gpus=min(1.0, gpus / jobs))
    at_once = min(jobs * processes, int(gpus) or int(cores))
    return Share(cpus=max(1, int(cores) // at_once), gpus=1.0 if int(gpus) else 0.0)


def room_in_words(ray: Any, share: Share, processes: int = 1) -> str:
    """What a run reserves, and what the cluster has and has free."""
    needed = f"{share.cpus} {'core' if share.cpus == 1 else 'cores'}"
    needed += f" and {share.gpus:g} GPU" if share.gpus else ""
    needed = needed if processes == 1 else f"{processes} times {needed}, each"
    has = [f"{node['NodeName']} {_resources(node['Resources'])}" for node in working_nodes(ray)]
    return (
        f"a run needs {needed} of a node; the cluster has {', '.join(has) or 'no node with a core'}; "
        f"free are {_resources(ray.available_resources())}"
    )


def _resources(resources: Mapping[str, float]) -> str:
    """``2 cores and 1 GPU``."""
    gpus = resources.get("GPU", 0)
    return f"{resources.get('CPU', 0):g} cores" + (f" and {gpus:g} GPU" if gpus else "")


def slots(ray: Any, share: Share, processes: int = 1) -> int:
    """How many runs of so many processes the cluster holds at once."""
    room = 0
    for resources in (node["Resources"] for node in working_nodes(ray)):
        by_cores = int(resources["CPU"]) // share.cpus
        room += min(by_cores, int(resources.get("GPU", 0) / share.gpus)) if share.gpus else by_cores
    return room // processes


def demand_room(ray: Any, share: Share, processes: int) -> None:
    """Raise :class:`ResourceError` where the cluster does not hold one run: it would wait for ever."""
    if slots(ray, share, processes):
        return
    raise ResourceError(
        f"the Ray cluster has no room for a run of {processes} processes",
        given=room_in_words(ray, share, processes),
        allowed=f"runs of at most {slots(ray, share)} processes; "
        "ray start --address HOST:PORT joins this machine to the cluster",
        hint="--engine local",
    )


def installed() -> dict[str, str]:
    """Versions of what numbers depend on, on the machine where this is called."""
    plugins = {one.source.distribution: one.source.version for one in Registry.load().entry_points}
    torch = version("torch").partition("+")[0]  # the rest says for which GPUs it was built
    return {"ganzoo": version("ganzoo"), "torch": torch, **plugins}


def check_nodes(ray: Any) -> None:
    """Raise :class:`ResourceError` for nodes where ganzoo cannot be loaded, or is another one."""
    here = installed()
    affinity = import_module("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy
    ask = ray.remote(installed)
    asked = {
        node["NodeName"]: ask.options(num_cpus=0, scheduling_strategy=affinity(node["NodeID"], soft=False)).remote()
        for node in working_nodes(ray)
    }
    for name, answer in asked.items():
        try:
            there = ray.get(answer, timeout=ANSWER)
        except ray.exceptions.RayError as error:
            raise ResourceError(
                f"ganzoo cannot be loaded on node {name}: {str(error).strip().splitlines()[-1]}",
                allowed="the ganzoo and the plugins of this machine on every node",
                hint="install it there, in the environment that Ray was started from, and start Ray again",
            ) from error
        others = sorted(one for one in {*here, *there} if here.get(one) != there.get(one))
        if others:
            told = "; ".join(f"{one} {there.get(one, 'missing')}, here {here.get(one, 'missing')}" for one in others)
            raise ResourceError(
                f"node {name} has other versions than this machine, and would compute other numbers",
                given=told,
                allowed="the same versions everywhere",
                hint="install the same versions there, and start Ray again",
            )
