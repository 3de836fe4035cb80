"""How alike embeddings are, to each other and to the proxies of their classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from torch.nn import functional as F

from ganzoo.errors import ConfigError

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.protocols import DiscriminatorOutput


class Similarities(NamedTuple):
    """Cosines in a batch.

    Attributes:
        proxy: (N,) of each sample and the proxy of its class.
        pairs: (N, N) of each two samples.
        alike: (N, N), whether two samples are of one class; also on the diagonal.
    """

    proxy: Tensor
    pairs: Tensor
    alike: Tensor


def similarities(output: DiscriminatorOutput | None, labels: Tensor | None, *, of: str) -> Similarities:
    """The cosines of one side; ``of`` is the regularizer that asks.

    Raises:
        ConfigError: there is no embedding, there are no labels, or there is a single sample.
    """
    if output is None or output.embedding is None or output.proxies is None:
        raise ConfigError(
            f"regularizer {of} compares embeddings with proxies of classes, but the discriminator returns none",
            allowed="a discriminator with the tag provides_embedding",
            hint=f"--disc embedding, or leave {of} out",
        )
    if labels is None:
        raise ConfigError(
            f"regularizer {of} needs labels, but the data have none",
            allowed="data with classes",
            hint=f"--data FOLDER with one sub-folder per class, or leave {of} out",
        )
    if len(labels) < 2:
        raise ConfigError(
            f"regularizer {of} compares the samples of a batch with each other, and there is one",
            given=f"a batch of {len(labels)}",
            allowed="2 samples or more, in each part of a batch",
            hint="--batch-size 64",
        )
    embedding, proxies = F.normalize(output.embedding, dim=1), F.normalize(output.proxies, dim=1)
    return Similarities(
        proxy=(embedding * proxies).sum(1),
        pairs=embedding @ embedding.T,
        alike=labels[:, None] == labels[None, :],
    )
