"""First-party metrics."""

from __future__ import annotations

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components() -> list[Component]:
    """Announce the metrics."""
    return [
        Component(
            kind="metric",
            name="frechet-distance",
            target="ganzoo_metrics.frechet_distance:FrechetDistance",
            summary="Fréchet distance between Gaussians fitted to features: what FID is, through any extractor",
            aliases=("fd",),
            suggests={"extractors.efficientnet-lite0": {}},
            paper="Heusel et al. 2017, arXiv:1706.08500",
        ),
        Component(
            kind="metric",
            name="kernel-distance",
            target="ganzoo_metrics.kernel_distance:KernelDistance",
            summary="unbiased kernel distance with its standard error: what KID is, through any extractor",
            aliases=("kd",),
            suggests={"extractors.efficientnet-lite0": {}},
            paper="Bińkowski et al. 2018, arXiv:1801.01401",
        ),
        Component(
            kind="metric",
            name="precision-recall",
            target="ganzoo_metrics.precision_recall:PrecisionRecall",
            summary="share of samples that look real, and of real data that could be generated",
            suggests={"extractors.efficientnet-lite0": {}},
            paper="Kynkäänniemi et al. 2019, arXiv:1904.06991",
        ),
        Component(
            kind="metric",
            name="density-coverage",
            target="ganzoo_metrics.density_coverage:DensityCoverage",
            summary="how densely real neighborhoods are filled, and how many are reached",
            suggests={"extractors.efficientnet-lite0": {}},
            paper="Naeem et al. 2020, arXiv:2002.09797",
        ),
        Component(
            kind="metric",
            name="nearest-neighbor",
            target="ganzoo_metrics.nearest_neighbor:NearestNeighbor",
            summary="whether samples are copies of training data, beside held-out data",
            aliases=("memorization",),
            suggests={"extractors.efficientnet-lite0": {}},
            paper="after Meehan et al. 2020, arXiv:2004.05675",
            expected_failures={
                "direction": "it asks whether samples are copies, not whether they are good: one that is unlike the "
                "data is no copy"
            },
        ),
        Component(
            kind="metric",
            name="intra-class-frechet-distance",
            target="ganzoo_metrics.intra_class_frechet_distance:IntraClassFrechetDistance",
            summary="mean over classes of the Fréchet distance within each",
            aliases=("intra-fd",),
            suggests={"extractors.efficientnet-lite0": {}},
            paper="Miyato & Koyama 2018, arXiv:1802.05637",
        ),
        Component(
            kind="metric",
            name="class-score",
            target="ganzoo_metrics.class_score:ClassScore",
            summary="how sure a classifier is of samples while all classes occur",
            suggests={"extractors.classifier": {}},
            paper="Salimans et al. 2016, arXiv:1606.03498",
        ),
        Component(
            kind="metric",
            name="class-coverage",
            target="ganzoo_metrics.class_score:ClassCoverage",
            summary="which classes of the data are reached, as a classifier sees them",
            suggests={"extractors.classifier": {}},
            paper="after Srivastava et al. 2017, arXiv:1705.07761",
        ),
        Component(
            kind="metric",
            name="ms-ssim",
            target="ganzoo_metrics.ms_ssim:MsSsim",
            summary="similarity of pairs of samples: high where they are too much alike",
            paper="Odena et al. 2017, arXiv:1610.09585",
        ),
        Component(
            kind="metric",
            name="sliced-wasserstein",
            target="ganzoo_metrics.sliced_wasserstein:SlicedWasserstein",
            summary="sliced Wasserstein distance between patches, scale by scale; needs no extractor",
            aliases=("swd",),
            paper="Karras et al. 2018, arXiv:1710.10196",
        ),
        Component(
            kind="metric",
            name="downstream",
            target="ganzoo_metrics.downstream:Downstream",
            summary="whether samples help a classifier: balanced accuracy on held-out real pictures",
            aliases=("classification-accuracy-score", "tstr"),
            paper="Wu et al. 2026, arXiv:2502.17160; Ravuri & Vinyals 2019, arXiv:1905.10887",
        ),
        Component(
            kind="metric",
            name="mode-coverage",
            target="ganzoo_metrics.mode_coverage:ModeCoverage",
            summary="modes captured, high-quality samples and reverse KL, for data with known modes",
            aliases=("modes",),
            paper="Srivastava et al. 2017, arXiv:1705.07761; Lin et al. 2018, arXiv:1712.04086",
        ),
    ]
