"""What a generator learned from, beside what it makes: real pictures, and those that its samples come closest to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from ganzoo.cache import cache_folder
from ganzoo.component import ExtractorOptions
from ganzoo.errors import GanzooError
from ganzoo.evaluation import pictures
from ganzoo.evaluation.gathering import gather_real
from ganzoo.evaluation.reference import order
from ganzoo.planning.options import options_of
from ganzoo.protocols import Dataset, DataSpec, Extractor
from ganzoo.registry import Registry
from ganzoo.report.embedding import Embedded, embedded
from ganzoo.report.neighbors import nearest
from ganzoo.runs.own_data import open_own_data
from ganzoo.runs.run import Run
from ganzoo.training.runtime import pick_device

COLUMNS = 8
MOST_CLASSES = 16
PAIRED = 12
"""Generated samples whose nearest training pictures are shown."""
NEIGHBORS = 3
LOOKED_AT = 5000
"""Training pictures that are compared with them, at most: a report is made in seconds."""
EXTRACTOR = "random-conv"
"""By what pictures are compared. efficientnet-lite0 sees more, but took over a minute for 1,438 digits on one core."""
TILE = 96
"""Pixels of a picture among the neighbors."""


@dataclass(frozen=True, kw_only=True)
class Neighbors:
    """A generated picture and the training pictures closest to it, nearest first, with their distances."""

    fake: Embedded
    real: tuple[tuple[Embedded, float], ...]


@dataclass(frozen=True, kw_only=True)
class RealBesideFake:
    """What is shown of the real data.

    Attributes:
        grid: real pictures, laid out as the grids of samples are; ``None`` if there are none to show.
        neighbors: generated samples with the training pictures nearest to them.
        extractor: by what nearness is meant.
        looked_at: training pictures that were compared.
        of: how many there are.
        missing: what could not be shown, and why.
    """

    grid: Embedded | None = None
    neighbors: tuple[Neighbors, ...] = ()
    extractor: str | None = None
    looked_at: int = 0
    of: int = 0
    missing: tuple[str, ...] = ()


def real_beside_fake(registry: Registry, run: Run) -> RealBesideFake:
    """Look at the data of a run and sample its generator; a part that fails is left out and says why."""
    try:
        if run.of_vectors:
            return RealBesideFake(missing=("These data are points: the pictures above show real ones in gray.",))
        dataset = open_own_data(registry, run).dataset
        grid = embedded(_grid(dataset, conditional=bool(run.classes)))
    except (GanzooError, OSError) as error:
        return RealBesideFake(missing=(f"Real pictures are not shown: {_said(error)}",))
    try:
        return _with_neighbors(registry, run, dataset, grid)
    except (GanzooError, OSError) as error:
        reason = f"Nearest training pictures are not shown: {_said(error)}"
        return RealBesideFake(grid=grid, of=len(dataset), missing=(reason,))


def _said(error: Exception) -> str:
    return error.message if isinstance(error, GanzooError) else str(error)


def _grid(dataset: Dataset, *, conditional: bool) -> Image.Image:
    """As many as a grid of samples, and each class in a row of its own where samples have it so."""
    shuffled = order(dataset)
    if not conditional or dataset.labels is None:
        return pictures.grid(dataset.read(shuffled[: COLUMNS * COLUMNS]), COLUMNS)
    spec: DataSpec = dataset.spec
    labels = dataset.labels[shuffled]
    classes = [number for number, share in enumerate(spec.marginal) if share > 0][:MOST_CLASSES]
    # A class with fewer pictures than a row has columns shows some of them again.
    rows = [shuffled[labels == number].repeat(COLUMNS)[:COLUMNS] for number in classes]
    return pictures.grid(dataset.read(torch.cat(rows)), COLUMNS, names=[spec.classes[number] for number in classes])


def _with_neighbors(registry: Registry, run: Run, dataset: Dataset, grid: Embedded) -> RealBesideFake:
    fake = run.sample(PAIRED)
    name, extractor = EXTRACTOR, _extractor(registry, dataset)
    index = order(dataset)[:LOOKED_AT]
    real = gather_real(dataset, index, {name: extractor}, images=False, cache=cache_folder()).seen[name]
    distances, found = nearest(real.features, extractor(fake).features, min(NEIGHBORS, len(index)))
    rows = [
        Neighbors(fake=_tile(picture), real=_tiles(dataset.read(index[numbers]), far.tolist()))
        for picture, far, numbers in zip(fake, distances, found, strict=True)
    ]
    return RealBesideFake(grid=grid, neighbors=tuple(rows), extractor=name, looked_at=len(index), of=len(dataset))


def _extractor(registry: Registry, dataset: Dataset) -> Extractor:
    options = options_of(registry.get("extractor", EXTRACTOR), {})
    assert isinstance(options, ExtractorOptions)
    return options.open(data=dataset, device=pick_device("auto"), cache=cache_folder())


def _tiles(images: Tensor, distances: Sequence[float]) -> tuple[tuple[Embedded, float], ...]:
    return tuple((_tile(image), distance) for image, distance in zip(images, distances, strict=True))


def _tile(image: Tensor) -> Embedded:
    picture = pictures.to_image(image)
    factor = max(1, TILE // max(picture.size))
    enlarged = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    return embedded(enlarged, side=TILE)
