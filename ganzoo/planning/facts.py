"""What the rules look at: names, tags and numbers of a configuration, and nothing that was built of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ganzoo.component import TAGS
from ganzoo.did_you_mean import did_you_mean

TAG_NAMES = tuple(tag.name for tag in TAGS)
BATCH_COUPLED = frozenset({"batch_coupled_train", "batch_coupled_always"})


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the rules may look at.

    Attributes:
        names: section → the component's name; ``data`` is the dataset.
        tags: section → the tags of its options as configured.
        regularizers, augmentations: name → tags.
        classes: how many classes the data has; ``None`` while it is not known.
        rank: axes of a sample besides its channels: 0 for vectors, 2 for images.
        every: regularizer → at which of its player's updates it acts.
        passes, spectral_norm, unroll_steps, fakes, updates, n_critic, accumulate, batch_size: as configured in
            ``train``.
        loss_slopes: see :mod:`ganzoo.planning.loss_slopes`; empty where nobody asked.
        sampling: as configured in ``data``.
        uncoupling: options by which the discriminator would not couple samples; empty where none does.
    """

    names: Mapping[str, str]
    tags: Mapping[str, frozenset[str]]
    regularizers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    augmentations: Mapping[str, frozenset[str]] = field(default_factory=dict)
    every: Mapping[str, int] = field(default_factory=dict)
    classes: int | None = None
    rank: int = 2
    passes: str = "auto"
    spectral_norm: str = "per-update"
    unroll_steps: int = 0
    fakes: str = "fresh"
    updates: str = "alternating"
    n_critic: int = 1
    loss_slopes: str = ""
    accumulate: int = 1
    batch_size: int = 64
    sampling: str = "shuffle"
    uncoupling: str = ""

    @property
    def discriminator(self) -> str:
        """The discriminator's name."""
        return self.names["discriminator"]

    @property
    def vector(self) -> bool:
        """Whether the data are vectors."""
        return self.rank == 0

    def has(self, section: str, tag: str) -> bool:
        """Whether a part carries a tag."""
        return known(tag) in self.tags[section]

    def regularizers_with(self, tag: str) -> str:
        """The regularizers that carry a tag, by name; empty if none does."""
        known(tag)
        return ", ".join(name for name, tags in self.regularizers.items() if tag in tags)

    def parts_with(self, tag: str) -> str:
        """All parts that carry a tag: ``discriminator acgan, regularizer auxiliary-classifier``."""
        known(tag)
        parts = [f"{section} {self.names[section]}" for section, tags in self.tags.items() if tag in tags]
        parts += [f"regularizer {name}" for name, tags in self.regularizers.items() if tag in tags]
        parts += [f"augmentation {name}" for name, tags in self.augmentations.items() if tag in tags]
        return ", ".join(parts)

    @property
    def batch_coupled(self) -> bool:
        """Whether the discriminator lets the samples of a batch influence each other in training."""
        return bool(self.tags["discriminator"] & BATCH_COUPLED)


def known(tag: str) -> str:
    """The tag. A rule that asks for one that is misspelt would silently never match."""
    if tag not in TAG_NAMES:
        raise LookupError(f"a rule asks for the tag {tag!r}, which does not exist{did_you_mean(tag, TAG_NAMES)}")
    return tag
