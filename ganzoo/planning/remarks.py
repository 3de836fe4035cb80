"""What a beginner would want to hear before training: nothing is refused, and each remark names what helps.

A remark is a function of the plan in the table ``REMARKS``. What does not go together is for ``rules``.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ganzoo.config.finding import Finding
from ganzoo.memory import in_units, memory
from ganzoo.orders import BLOCK
from ganzoo.planning.overview import Overview, overview
from ganzoo.planning.plan import Plan

UNEVEN = 4
"""So many times as many images of one class as of another are worth a remark."""
ENLARGED = 1.5
"""Pictures enlarged by so much are worth one."""
FEW = 500
"""With fewer images, a discriminator soon knows each of them."""
LONG = 24 * 3600.0
"""Seconds that nobody would want to wait for without having been told."""


def uneven_classes_unseen(plan: Plan, data: Overview) -> Finding | None:
    """Networks that see no classes draw a rare class as rarely as it occurs."""
    fewest, most = _extremes(data)
    if plan.spec.conditional or plan.config.data.sampling == "balanced" or most < UNEVEN * fewest:
        return None
    return Finding(
        "advised",
        f"the classes have between {fewest:,} and {most:,} images, and these networks do not see classes: few of the "
        "generated images will be of the rare ones, and nobody can ask for them",
        "--disc acgan --set data.sampling=balanced",
        section="data",
    )


def uneven_classes_seen(plan: Plan, data: Overview) -> Finding | None:
    """A rare class is learned from few batches, even where the networks see classes."""
    fewest, most = _extremes(data)
    if not plan.spec.conditional or plan.config.data.sampling == "balanced" or most < UNEVEN * fewest:
        return None
    return Finding(
        "advised",
        f"the classes have between {fewest:,} and {most:,} images, and the rare ones are seen as rarely",
        "--set data.sampling=balanced",
        section="data",
    )


def classes_unseen(plan: Plan, data: Overview) -> Finding | None:
    """Whoever sorts pictures into classes will want to ask for samples of one; the built-in data are only looked at."""
    fewest, most = _extremes(data)
    own = plan.config.data.name == "pictures" and len(plan.spec.classes) > 1
    if plan.spec.conditional or not own or most >= UNEVEN * fewest:
        return None
    return Finding(
        "advised",
        f"these networks do not see the {len(plan.spec.classes)} classes of the data: ganzoo sample --class will not "
        "be able to ask for one",
        "--disc acgan",
        section="data",
    )


def few_images(plan: Plan, data: Overview) -> Finding | None:
    """A discriminator learns a handful of pictures by heart."""
    if data.channels is None or data.images >= FEW or plan.config.augment:
        return None
    batch = plan.config.train.batch_size
    repeated = f", and every batch of {batch} repeats them" if data.images < batch else ""
    smaller = f" --batch-size {max(4, data.images // 4 * 4)}" if data.images < batch else ""
    return Finding(
        "advised",
        f"a discriminator learns {data.images:,} images by heart{repeated}: the samples then become copies, or worse "
        "again",
        f"--augment ada{smaller}",
        section="data",
    )


def enlarged(plan: Plan, data: Overview) -> Finding | None:
    """Pixels that were never there cost time and teach nothing."""
    size, by = plan.config.data.image_size, plan.origins.get("data.image_size", "data")
    if data.sizes is None or size is None or by == "data":
        return None
    side = min(data.sizes[1])
    if size < ENLARGED * side:
        return None
    width, height = data.sizes[1]
    return Finding(
        "advised",
        f"the pictures have at most {width}×{height} pixels and are enlarged to {size}×{size} (image size from {by}), "
        "which takes longer and adds no detail",
        f"--image-size {_fitting(side)}",
        section="data",
    )


def larger_than_memory(plan: Plan, data: Overview) -> Finding | None:
    """Small pictures in random order come from a disk at a fraction of its rate."""
    item, found = math.prod(data.shape), memory()
    waits = plan.config.data.sampling == "shuffle" and hasattr(plan.dataset, "expect") and 2 * item <= BLOCK
    if not waits or found is None or data.images * item <= found.total // 2:
        return None
    return Finding(
        "advised",
        f"the pictures take {in_units(data.images * item)}, more than half of the {in_units(found.total)} of memory "
        "that this process may use, and in random order a disk is slow with small ones",
        "--set data.sampling=blocks",
        section="data",
    )


def blocks_of_one(plan: Plan, data: Overview) -> Finding | None:
    """An order for disks, where it is that of a plain shuffle."""
    item = math.prod(data.shape)
    if plan.config.data.sampling != "blocks" or (data.channels is not None and 2 * item <= BLOCK):
        return None
    what = f"of {_in_kib(item)}" if data.channels is not None else "that are no pictures"
    return Finding(
        "advised",
        f"data.sampling=blocks is for pictures of at most {_in_kib(BLOCK // 2)}; items {what} are read no faster by it",
        "--set data.sampling=shuffle",
        section="data",
    )


REMARKS: tuple[Callable[[Plan, Overview], Finding | None], ...] = (
    uneven_classes_unseen,
    uneven_classes_seen,
    classes_unseen,
    few_images,
    enlarged,
    larger_than_memory,
    blocks_of_one,
)


def remarks(plan: Plan) -> list[Finding]:
    """All remarks on a plan."""
    data = overview(plan.dataset, name=plan.config.data.name, split=plan.config.data.split)
    return [said for remark in REMARKS if (said := remark(plan, data)) is not None]


def long_on_a_cpu(seconds: float, device: str) -> Finding | None:
    """A remark on a measured estimate."""
    if seconds < LONG or device != "cpu":
        return None
    return Finding(
        "advised",
        f"this takes about {seconds / 86400:.1f} days on a CPU",
        "--device cuda on a machine with a GPU, or smaller images or fewer steps, such as --image-size 32 --steps 5000",
        section="train",
    )


def _in_kib(size: int) -> str:
    """``48 KiB``."""
    return f"{-(-size // 1024)} KiB"


def _extremes(data: Overview) -> tuple[int, int]:
    """Images of the rarest class that occurs, and of the most frequent one; equal without classes."""
    counts = [count for count in data.classes.values() if count] or [1]
    return min(counts), max(counts)


def _fitting(side: int) -> int:
    """The power of two that is nearest to a side, at least 8, which the configuration asks for."""
    return max(8, 1 << round(math.log2(max(side, 1))))
