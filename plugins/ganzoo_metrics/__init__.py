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
