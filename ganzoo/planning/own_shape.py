"""The shape of samples in a loop of one's own: what is said of it, and what comes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ganzoo.errors import ConfigError
from ganzoo.training.given_data import GivenBatch
from ganzoo.training.own_parts import whole_number

USUAL = (1, 3)
"""Numbers of channels that pictures have."""


def sample_shape(shape: Any) -> tuple[int, ...]:
    """``shape=`` as whole numbers.

    Raises:
        ConfigError: it is not (C, …).
    """
    sides = [whole_number(side) for side in shape] if isinstance(shape, tuple | list) else []
    numbers = tuple(side for side in sides if side is not None and side > 0)
    if numbers and len(numbers) == len(sides):
        return numbers
    raise ConfigError(
        "shape is not that of a sample",
        given=f"shape={shape!r}",
        allowed="(C, H, W) for pictures, (C, T) for signals, (C, D, H, W) for volumes, without the batch",
        hint="shape=(3, 32, 32)",
    )


def demand_channels(shape: tuple[int, ...]) -> None:
    """Refuse the shape of a picture without its channels, which would be that of a signal with as many channels.

    Raises:
        ConfigError: it has two equal sides.
    """
    if len(shape) == 2 and shape[0] == shape[1] > 1:
        side = shape[0]
        raise ConfigError(
            "shape seems to be that of a picture without its channels, and would make critics for signals",
            given=f"shape={shape}",
            allowed="(C, H, W), with C = 1 for gray pictures; or (C, T), where T is free: name another than C",
            hint=f"shape=(1, {side}, {side})",
        )


@contextmanager
def shape_explained(shape: tuple[int, ...]) -> Iterator[None]:
    """Where critics cannot be built, say that the shape seems to have its channels last, or the batch in it.

    Only then: a volume of three sections or frames is rare, but there are critics for it.
    """
    try:
        yield
    except ConfigError as error:
        if meant := _meant(shape):
            what, better = meant
            raise ConfigError(
                f"shape seems to have {what}: {error.message}",
                given=f"shape={shape}",
                allowed="(C, H, W) for pictures, (C, T) for signals, (C, D, H, W) for volumes, without the batch",
                hint=f"shape={better}",
            ) from error
        raise


def _meant(shape: tuple[int, ...]) -> tuple[str, tuple[int, ...]] | None:
    """What is odd about a shape, and what it would be without that."""
    if len(shape) == 3 and shape[-1] in USUAL and shape[0] not in USUAL:
        return "its channels last", (shape[-1], *shape[:-1])
    if len(shape) == 4 and shape[1] in USUAL:
        return "the batch in front", shape[1:]
    return None


def demand_alike(made_for: tuple[int, ...], pac: int, seen: tuple[int, ...], given: GivenBatch) -> None:
    """Refuse data of other axes or channels than critics were made for; their sides are free.

    Args:
        made_for: the shape of what critics see.
        pac: how many samples that is.
        seen: the shape of what they would see.
        given: the batch it comes from.

    Raises:
        ConfigError: it differs.
    """
    if len(seen) == len(made_for) and seen[0] == made_for[0]:
        return
    lacking = (made_for[0] - seen[0]) // pac
    condition = "no condition" if given.condition is None else f"a condition {tuple(given.condition.shape)}"
    shape = tuple(given.fake.shape[1:])
    if len(seen) == len(made_for) and lacking > 0 and given.condition is None:
        hint = f"condition= of shape (N, {lacking}, …) in both calls"
    elif given.fake.ndim == len(made_for) and made_for[0] == pac:  # one channel, which they came without
        hint = "fake.unsqueeze(1) and real.unsqueeze(1) in both calls, for data without their one channel"
    else:
        hint = f"shape={shape} when the adversary is made, and condition_channels= beside it for a condition"
    raise ConfigError(
        "the critics were made for samples of another shape",
        given=f"fake {tuple(given.fake.shape)} and {condition}; critics were made for {made_for}, and would see {seen}",
        allowed="as many axes and channels, those of a condition included; height, width and length are free",
        hint=hint,
    )
