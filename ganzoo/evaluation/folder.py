"""Generated pictures in a folder or file, from any program, as metrics want them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ganzoo.cache import cache_folder
from ganzoo.component import DatasetOptions
from ganzoo.errors import ConfigError
from ganzoo.evaluation.gathering import CHUNK
from ganzoo.evaluation.reference import order
from ganzoo.protocols import Dataset, DataSpec
from ganzoo.registry import Registry

logger = logging.getLogger("ganzoo")

READER = "pictures"
"""The dataset that reads folders and files."""


@dataclass(frozen=True, kw_only=True)
class GeneratedPictures:
    """Pictures that some generator wrote.

    Attributes:
        dataset: the pictures, in the shape of the real ones.
        labels: their classes by the numbers that the real data use; ``None`` if they are not those classes.
    """

    dataset: Dataset
    labels: Tensor | None

    def chunks(self, n: int) -> Iterator[tuple[Tensor, Tensor | None]]:
        """So many of them, at most all, in an order that their content decides."""
        for part in torch.split(order(self.dataset)[:n], CHUNK):
            yield self.dataset.read(part), None if self.labels is None else self.labels[part]


def open_generated(registry: Registry, path: Path, spec: DataSpec) -> GeneratedPictures:
    """Read generated pictures in the shape of the real ones, with their labels if the classes have the same names.

    Raises:
        ConfigError: the real data are vectors.
        DataError: the pictures cannot be read.
    """
    if len(spec.shape) != 3:
        raise ConfigError(
            "a folder of pictures can be compared with pictures only, and these data are vectors",
            given=path,
            hint="ganzoo evaluate RUN",
        )
    options = registry.get("dataset", READER).options().model_validate({"path": str(path)})
    assert isinstance(options, DatasetOptions)
    dataset = options.open(image_size=spec.shape[-1], channels=spec.shape[0], split="all", cache=cache_folder())
    return GeneratedPictures(dataset=dataset, labels=_labels(dataset, spec))


def _labels(dataset: Dataset, spec: DataSpec) -> Tensor | None:
    if dataset.labels is None or len(spec.classes) < 2:
        return None
    unknown = sorted(set(dataset.spec.classes) - set(spec.classes))
    if unknown:
        logger.warning(
            "classes of the generated pictures are not those of the data (%s), so they are judged without classes",
            ", ".join(unknown[:5]),
        )
        return None
    numbers = torch.tensor([spec.classes.index(name) for name in dataset.spec.classes])
    return numbers[dataset.labels]
