"""First-party datasets."""

from __future__ import annotations

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1

DIGITS_SETTING = {
    "train.steps": 2500,
    "train.batch_size": 32,
    "train.g_lr": 1e-3,
    "train.d_lr": 2e-3,
    "train.g_betas": [0.0, 0.99],
    "train.d_betas": [0.0, 0.99],
}
"""Found by search for hinge with patchgan-sn (docs/design.md says how); a loss or a critic may know better."""


@hookimpl
def ganzoo_components() -> list[Component]:
    """Announce the datasets."""
    return [
        Component(
            kind="dataset",
            name="digits",
            target="ganzoo_datasets.digits:Digits",
            summary="1,797 handwritten digits that come along; ten classes, gray, 32×32 unless asked otherwise",
            suggests=DIGITS_SETTING,
            paper="Alpaydin & Kaynak 1998, doi:10.24432/C50P49",
        ),
        Component(
            kind="dataset",
            name="folder",
            target="ganzoo_datasets.folder:Folder",
            summary="your own pictures: a folder of images, flat or one sub-folder a class",
            aliases=("image-folder",),
        ),
        Component(
            kind="dataset",
            name="synthetic",
            target="ganzoo_datasets.synthetic:Synthetic",
            summary="colored blobs with known modes, of any size; for tests",
            aliases=("blobs",),
        ),
    ]
