"""``ganzoo compare --engine ray``: start a comparison on a cluster, or find it there, and copy what it does."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from typing import Any

from ganzoo.errors import GanzooError, ResourceError
from ganzoo.runs.interruption import Stop, stoppable
from ganzoo.studies.comparison import FILE, Comparison
from ganzoo.studies.driving import Job, Tell, open_jobs, saved_in_words
from ganzoo.studies.engine_choice import EngineChoice, write_choice
from ganzoo.studies.mirroring import Copy, Held, pack
from ganzoo.studies.ray_cluster import NAMESPACE, check_nodes, connected, demand_room, share_of_a_node
from ganzoo.studies.ray_keeper import Keeper, News

logger = logging.getLogger("ganzoo")

POLL = 0.3
"""Seconds between two questions for news."""


def follow(comparison: Comparison, choice: EngineChoice, *, jobs: int, tell: Tell, after: Callable[[], object]) -> None:
    """Do what is left to do of a comparison on a Ray cluster; if this process ends, it goes on there.

    Raises:
        ConfigError: the address is not one.
        ResourceError: the cluster cannot be reached or used, or the keeper was lost.
        Interrupted: somebody asked to stop; every run has saved a checkpoint, which is here, except those that the
            error names.
        GanzooError: the keeper failed.
    """
    with connected(choice.address) as ray, stoppable() as stop:
        keeper, last = _find(ray, choice), None
        if keeper is not None:
            last = _follow(ray, comparison, keeper, tell, after, stop)
        # One that somebody else stopped has ended, and what it left is gone on with.
        if (last is None or last.end == "stopped") and stop.signal_number is None and open_jobs(comparison):
            last = _follow(ray, comparison, _start(ray, comparison, choice, jobs), tell, after, stop)
        write_choice(comparison, replace(choice, keeper=None))
        if last is None:
            return
        if stop.signal_number is not None and last.end == "stopped":
            left = len(open_jobs(comparison))
            raise stop.error(
                f"stopped with {left} runs to do; {saved_in_words(last.killed)}",
                hint=f"ganzoo compare {comparison.word}",
            )
        if last.end not in ("done", "stopped"):
            raise GanzooError(
                f"the comparison failed on the Ray cluster:\n{last.end}", hint=f"ganzoo compare {comparison.word}"
            )


def _find(ray: Any, choice: EngineChoice) -> Any:
    """The keeper that lives; ``None`` if there is none. One that never got all of its cells is removed."""
    if choice.keeper is None:
        return None
    try:
        keeper = ray.get_actor(choice.keeper, namespace=NAMESPACE)
    except ValueError:
        return None
    with suppress(ray.exceptions.RayError):  # a keeper that cannot be asked is followed, which says what is wrong
        if not ray.get(keeper.has_begun.remote()):
            _end(ray, keeper)
            return None
    return keeper


def _end(ray: Any, keeper: Any) -> None:
    """Remove a keeper and its folder."""
    ray.get(keeper.remove.remote())
    ray.kill(keeper)


def _start(ray: Any, comparison: Comparison, choice: EngineChoice, jobs: int) -> Any:
    processes = comparison.processes
    gpu = any(cell.config["runtime"]["device"] != "cpu" for cell in comparison.possible)
    share = share_of_a_node(ray, jobs=jobs, gpu=gpu, processes=processes)
    demand_room(ray, share, processes)
    check_nodes(ray)
    name = f"{comparison.path.name}-{uuid.uuid4().hex[:12]}"
    write_choice(comparison, replace(choice, keeper=name))  # first, so that it is found whatever happens
    cells = comparison.path / "cells"
    options = {"num_cpus": 0, "lifetime": "detached", "name": name, "namespace": NAMESPACE}
    head = next((node["NodeID"] for node in ray.nodes() if "node:__internal_head__" in node["Resources"]), None)
    if head is not None:  # without it there is no cluster. A soft affinity was seen to choose another node.
        affinity = import_module("ray.util.scheduling_strategies").NodeAffinitySchedulingStrategy
        options["scheduling_strategy"] = affinity(head, soft=False)
    definition = (comparison.path / FILE).read_text(encoding="utf-8")
    keeper = ray.remote(Keeper).options(**options).remote(definition, share)
    held: Held = {}
    try:
        while (parcel := pack(cells, held, everything=True)) is not None:
            held = ray.get(keeper.take.remote(parcel))
        ray.get(keeper.start.remote())
    except ray.exceptions.RayActorError as error:
        raise _lost(comparison) from error
    return keeper


def _lost(comparison: Comparison) -> ResourceError:
    return ResourceError(
        f"the Ray cluster lost what computes comparison {comparison.path.name}; all that was copied is there",
        hint=f"ganzoo compare {comparison.word}",
    )


def _follow(ray: Any, comparison: Comparison, keeper: Any, tell: Tell, after: Callable[[], object], stop: Stop) -> News:
    """Copy and repeat what the keeper has, until it has ended, and remove it; returns the last it said."""
    logger.info("the runs go on if this command is closed; Ctrl-C stops them, and each saves a checkpoint")
    cells, heard, asked = comparison.path / "cells", 0, False
    cells.mkdir(exist_ok=True)
    copy = Copy(cells)
    while True:
        if stop.signal_number is not None and not asked:
            keeper.stop.remote()
            asked = True
        try:
            news: News = ray.get(keeper.news.remote(heard, copy.holds()))
        except ray.exceptions.ActorUnavailableError:  # the connection broke, which may pass
            time.sleep(POLL)
            continue
        except ray.exceptions.RayActorError as error:
            raise _lost(comparison) from error
        if news.parcel is not None:
            copy.take_over(news.parcel)
        for one in news.messages:
            tell(Job(cell=comparison.cell(one.cell), seed=one.seed), one.status, one.done, one.total)
        heard += len(news.messages)
        if news.messages:
            after()
        if news.end is not None and news.parcel is None:
            _end(ray, keeper)
            return news
        if news.parcel is None or not news.parcel.rest:
            time.sleep(POLL)
