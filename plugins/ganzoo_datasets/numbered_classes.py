"""Classes that files state as numbers, split by split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ganzoo.errors import DataError


def numbered_classes(
    source: object, labels: Mapping[str, NDArray[np.integer]], chosen: Sequence[str]
) -> tuple[tuple[str, ...], list[int]]:
    """Class names, and the position in them of each item of the chosen splits, one split after another.

    The classes are the numbers that occur in ``train``, ascending, so that a label means the same in every split.
    A file without train has the classes of all its splits.

    Args:
        source: the file or folder, for messages.
        labels: split → (N,) numbers; at least the chosen splits and, if there is one, train.
        chosen: the splits that are read.

    Raises:
        DataError: a split has numbers that train does not have.
    """
    known = np.unique(labels["train"] if "train" in labels else np.concatenate(list(labels.values())))
    for split in chosen:
        strange = np.setdiff1d(labels[split], known)
        if len(strange):
            raise DataError(
                f"{source}: some labels of {split} do not occur in train",
                given=", ".join(map(str, strange[:20].tolist())),
                allowed=", ".join(map(str, known[:50].tolist())),
                hint="put items of every class into train",
            )
    values = np.concatenate([labels[split] for split in chosen])
    return tuple(map(str, known.tolist())), np.searchsorted(known, values).tolist()
