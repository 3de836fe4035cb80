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
"""Found by search for hinge with patchgan-sn (docs/design.md says how); a loss or a critic may suggest others."""

POINTS_SETTING = {
    "discriminator.name": "mlp",
    "generator.name": "mlp",
    "metrics.mode-coverage.samples": 2500,
    "train.steps": 10000,
    "train.batch_size": 256,
    "train.g_lr": 1e-3,
    "train.d_lr": 1e-3,
    "train.g_betas": [0.5, 0.999],
    "train.d_betas": [0.5, 0.999],
    "train.sample_every": 500,
    "train.checkpoint_every": 2500,
}
"""Networks for vectors, the metric for known modes, and about a minute on one core."""


@hookimpl
def ganzoo_components() -> list[Component]:
    """Announce the datasets."""
    return [
        Component(
            kind="dataset",
            name="digits",
            target="ganzoo_datasets.digits:Digits",
            summary="1,797 handwritten digits, included in ganzoo; ten classes, gray, 32×32 by default",
            suggests=DIGITS_SETTING,
            paper="Alpaydin & Kaynak 1998, doi:10.24432/C50P49",
        ),
        Component(
            kind="dataset",
            name="grid",
            target="ganzoo_datasets.grid:Grid",
            summary="25 Gaussians on a square lattice in the plane; for the mlp networks",
            aliases=("25-gaussians",),
            suggests=POINTS_SETTING,
            paper="Srivastava et al. 2017, arXiv:1705.07761; Lin et al. 2018, arXiv:1712.04086",
        ),
        Component(
            kind="dataset",
            name="pictures",
            target="ganzoo_datasets.pictures:Pictures",
            summary="your own pictures, in a folder or a file",
            aliases=("folder", "image-folder", "csv", "table", "npz", "medmnist", "idx", "mnist"),
        ),
        Component(
            kind="dataset",
            name="ring",
            target="ganzoo_datasets.ring:Ring",
            summary="8 Gaussians on a circle in the plane; for the mlp networks",
            aliases=("8-gaussians",),
            suggests=POINTS_SETTING,
            paper="Metz et al. 2016, arXiv:1611.02163; Lin et al. 2018, arXiv:1712.04086",
        ),
        Component(
            kind="dataset",
            name="synthetic",
            target="ganzoo_datasets.synthetic:Synthetic",
            summary="colored blobs with known modes, at any image size; for tests",
            aliases=("blobs",),
        ),
        Component(
            kind="dataset",
            name="textures",
            target="ganzoo_datasets.textures:Textures",
            summary="crops of brick, grass and gravel from scikit-image; three classes, gray, 32×32 by default",
            requires=("skimage",),
            install="ganzoo[textures]",
        ),
    ]
