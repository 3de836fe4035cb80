"""Build ``plugins/ganzoo_datasets/digits.npz`` from the UCI digits.

Usage: ``python examples/make_digits.py digits.csv.gz plugins/ganzoo_datasets/digits.npz``

``digits.csv.gz`` lies in every scikit-learn wheel under ``sklearn/datasets/data/``: 1,797 lines of 64 counts (0…16)
and the digit. The split is drawn within each class: neighbors in the file are runs of 0…9 by one writer, so a cut
by position would split the writers unevenly.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

TRAIN_SHARE = 0.8
SEED = 0


def main(source: Path, target: Path) -> None:
    table = np.loadtxt(source, delimiter=",", dtype=np.int64)
    images, labels = table[:, :64].reshape(-1, 8, 8), table[:, 64]
    train = np.zeros(len(labels), dtype=bool)
    random = np.random.default_rng(SEED)
    for digit in range(10):
        members = random.permutation(np.flatnonzero(labels == digit))
        train[members[: round(TRAIN_SHARE * len(members))]] = True
    np.savez_compressed(target, images=images.astype(np.uint8), labels=labels.astype(np.uint8), train=train)
    print(f"{target}: {len(labels)} digits, {train.sum()} to train on")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
