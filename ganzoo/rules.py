"""Which parts do not go together, as data: each rule reads capability tags and says why and what to change.

*Refused* is only what cannot be computed; what is ill-posed runs with a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["refused", "warned"]


@dataclass(frozen=True)
class Finding:
    """Something that does not fit, why, and the command that mends it."""

    status: Status
    reason: str
    fix: str

    def __str__(self) -> str:
        return f"{self.reason}\n    fix: {self.fix}"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the rules may look at.

    Attributes:
        names: section → the component's name; ``data`` is the dataset.
        tags: section → the tags of its options as configured.
        regularizers: name → tags.
        classes: how many classes the data has.
        vector: whether the data are vectors.
        passes, spectral_norm: as configured in ``train``.
    """

    names: Mapping[str, str]
    tags: Mapping[str, frozenset[str]]
    regularizers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    classes: int = 0
    vector: bool = False
    passes: str = "auto"
    spectral_norm: str = "per-update"

    def has(self, section: str, tag: str) -> bool:
        """Whether a part carries a tag."""
        return tag in self.tags[section]

    def regularized(self, tag: str) -> bool:
        """Whether any regularizer carries a tag."""
        return any(tag in tags for tags in self.regularizers.values())

    def with_tag(self, tag: str) -> str:
        """The regularizers that carry a tag, by name."""
        return ", ".join(name for name, tags in self.regularizers.items() if tag in tags)

    def batch_coupled(self, section: str = "discriminator") -> bool:
        """Whether the samples of a batch influence each other in training."""
        return bool(self.tags[section] & {"batch_coupled_train", "batch_coupled_always"})


Rule = tuple[Status, Callable[[Facts], bool], Callable[[Facts], str], str]

RULES: tuple[Rule, ...] = (
    (
        "refused",
        lambda facts: facts.has("discriminator", "needs_labels") and facts.classes < 2,
        lambda facts: (
            f"discriminator {facts.names['discriminator']} needs classes, and data {facts.names['data']} has none"
        ),
        "give --data a folder with one sub-folder per class, or take --disc dcgan",
    ),
    (
        "refused",
        lambda facts: (
            facts.regularized("needs_class_logits") and not facts.has("discriminator", "provides_class_logits")
        ),
        lambda facts: (
            f"regularizer {facts.with_tag('needs_class_logits')} needs class logits, "
            f"and discriminator {facts.names['discriminator']} has no class head"
        ),
        "take --disc acgan, or leave the regularizer out (--reg none)",
    ),
    *(
        (
            "refused",
            lambda facts, section=section: facts.vector and facts.has(section, "image"),
            lambda facts, section=section: (
                f"{section} {facts.names[section]} works on images, and data {facts.names['data']} holds vectors"
            ),
            f"ganzoo list {section}s shows those with the tag vector",
        )
        for section in ("discriminator", "generator")
    ),
    (
        "refused",
        lambda facts: facts.passes == "one" and facts.spectral_norm == "per-forward",
        lambda facts: "train.spectral_norm=per-forward iterates at every pass, so real and fake need two passes",
        "--set train.passes=two",
    ),
    (
        "warned",
        lambda facts: facts.regularized("needs_per_sample_independence") and facts.batch_coupled(),
        lambda facts: (
            f"{facts.with_tag('needs_per_sample_independence')} penalizes the gradient of each sample alone, but "
            f"BatchNorm in {facts.names['discriminator']} couples the samples of a batch: not the published penalty"
        ),
        "--set discriminator.norm=instance (or none)",
    ),
    (
        "warned",
        lambda facts: facts.regularized("limits_slope") and facts.has("discriminator", "spectral_norm"),
        lambda facts: (
            f"spectral norm already limits the slope of {facts.names['discriminator']}, and "
            f"{facts.with_tag('limits_slope')} pulls at the same slope: it may never be reached"
        ),
        "--reg none keeps the spectral norm alone; --disc dcgan --set discriminator.norm=instance the penalty alone",
    ),
    (
        "warned",
        lambda facts: (
            facts.has("loss", "needs_lipschitz")
            and not facts.regularized("limits_slope")
            and not facts.has("discriminator", "spectral_norm")
        ),
        lambda facts: (
            f"loss {facts.names['loss']} needs a critic of limited slope, and nothing limits that of "
            f"{facts.names['discriminator']}: its logits can grow without bound"
        ),
        "--reg gradient-penalty",
    ),
    (
        "warned",
        lambda facts: (
            facts.has("discriminator", "provides_class_logits") and not facts.regularized("needs_class_logits")
        ),
        lambda facts: (
            f"nothing trains the class head of {facts.names['discriminator']}, "
            "so the generator learns nothing about classes"
        ),
        "--reg auxiliary-classifier",
    ),
    (
        "warned",
        lambda facts: facts.passes == "one" and facts.batch_coupled(),
        lambda facts: (
            f"train.passes=one lets BatchNorm of {facts.names['discriminator']} mix real and fake statistics: "
            "another algorithm than the published one"
        ),
        "--set train.passes=two",
    ),
)


def judge(facts: Facts) -> list[Finding]:
    """All that does not fit."""
    return [Finding(status, reason(facts), fix) for status, applies, reason, fix in RULES if applies(facts)]
