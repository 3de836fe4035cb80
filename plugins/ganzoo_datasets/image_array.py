"""A dataset over one array of images, in memory or mapped from a file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.protocols import DataSpec, Survey
from ganzoo_datasets.read_ahead import ReadAhead


class ImageArray:
    """Images of one size, in the shape of :class:`ganzoo.protocols.Dataset`.

    Args:
        images: uint8 (N, C, H, W); only the requested parts of a memory map are read.
        digest: a hash of the pixels.
        classes: class names; fewer than two make the data unlabeled.
        labels: (N,) positions in ``classes``.
        groups: what each image belongs to, such as a patient.
        survey: what was found where they were read.
    """

    modes: Tensor | None = None

    def __init__(
        self,
        images: NDArray[np.uint8],
        *,
        digest: str,
        classes: Sequence[str] = (),
        labels: Sequence[int] = (),
        groups: Sequence[str] | None = None,
        survey: Survey | None = None,
    ) -> None:
        # A view without numpy.memmap's bookkeeping: its own indexing is several times slower.
        self._images = np.asarray(images)
        self._ahead = ReadAhead(images)
        classes = tuple(classes) if len(classes) > 1 else ()
        self.labels = torch.tensor(labels, dtype=torch.int64) if classes else None
        self.groups = None if groups is None else tuple(groups)
        self.survey = survey
        self.spec = DataSpec(
            shape=tuple(int(side) for side in images.shape[1:]),
            classes=classes,
            marginal=frequencies(self.labels, len(classes)),
        )
        self.fingerprint = fingerprint(digest, self.spec, self.labels, self.groups)

    def __len__(self) -> int:
        return len(self._images)

    def read(self, index: Tensor) -> Tensor:
        """Images at ``index``, uint8 (N, C, H, W)."""
        rows = index.numpy()
        self._ahead.want(rows)
        return torch.from_numpy(self._images[rows])

    def expect(self, index: Tensor) -> None:
        """Have images at ``index`` read into memory, as is done before each batch; this does not wait for them."""
        self._ahead.expect(index.numpy())


def frequencies(labels: Tensor | None, classes: int) -> tuple[float, ...]:
    """The relative frequency of each class, summing to 1; empty without labels."""
    if labels is None:
        return ()
    counts = torch.bincount(labels, minlength=classes).double()
    return tuple((counts / counts.sum()).tolist())


def fingerprint(digest: str, spec: DataSpec, labels: Tensor | None, groups: Sequence[str] | None = None) -> str:
    """SHA-256 of all that a run can see of the data: pixels (by their ``digest``), shape, classes, labels, groups."""
    seen = hashlib.sha256(f"{digest}{spec.shape}{spec.classes}".encode("utf-8", "surrogateescape"))
    if labels is not None:
        seen.update(labels.numpy().astype("<i8").tobytes())
    if groups is not None:
        seen.update(json.dumps(groups).encode())
    return seen.hexdigest()
