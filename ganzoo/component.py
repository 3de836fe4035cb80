"""What a plugin hands over: records about components, and the options class each record points to.

This module is free of torch and pydantic, so that a plugin's top module can be imported by ``ganzoo list`` in a blink.
The classes of options are written in :mod:`ganzoo.options`, and loaded when one is asked for here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganzoo.options import DatasetOptions as DatasetOptions
    from ganzoo.options import ExtractorOptions as ExtractorOptions
    from ganzoo.options import Options as Options
    from ganzoo.options import RegularizerOptions as RegularizerOptions
    from ganzoo.options import TrackerOptions as TrackerOptions

API_VERSION = 1
OPTIONS = ("DatasetOptions", "ExtractorOptions", "Options", "RegularizerOptions", "TrackerOptions")


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of component: its canonical name, the names users may type, and where it stands in a configuration."""

    name: str
    plural: str
    short: tuple[str, ...] = ()
    section: str | None = None
    """The section of the configuration that selects it; ``None`` where no section does."""
    many: bool = False
    """Whether that section holds any number of them, each by its name."""
    file: bool = False
    """Whether a component is a YAML file instead of a class of options."""

    def answers_to(self, word: str) -> bool:
        """Whether a user who types ``word`` means this kind."""
        return word in (self.name, self.plural, *self.short)


KINDS: tuple[Kind, ...] = (
    Kind(name="loss", plural="losses", section="loss"),
    Kind(name="discriminator", plural="discriminators", short=("disc", "discs"), section="discriminator"),
    Kind(name="generator", plural="generators", short=("gen", "gens"), section="generator"),
    Kind(name="regularizer", plural="regularizers", short=("reg", "regs"), section="regularizers", many=True),
    Kind(name="augmentation", plural="augmentations", short=("augment",), section="augment", many=True),
    Kind(name="dataset", plural="datasets", short=("data",), section="data"),
    Kind(name="metric", plural="metrics", section="metrics", many=True),
    Kind(name="recipe", plural="recipes", file=True),
    Kind(name="tracker", plural="trackers"),
    Kind(name="extractor", plural="extractors", section="extractors", many=True),
    Kind(name="preset", plural="presets", file=True),
)

FILES = tuple(kind.name for kind in KINDS if kind.file)
"""The kinds whose components are YAML files: settings of components, without options of their own."""
TRACKER = next(kind for kind in KINDS if kind.name == "tracker")
"""No section selects one, and a run may have several: ``--tracker NAME`` asks for it."""


@dataclass(frozen=True)
class Tag:
    """A capability tag: what it says of a component, and who may carry it.

    Attributes:
        name: as components spell it.
        kinds: the kinds that may carry it.
        meaning: what it promises, and what ganzoo does with it.
    """

    name: str
    kinds: tuple[str, ...]
    meaning: str


NETWORKS = ("discriminator", "generator")
PARTS = ("loss", *NETWORKS, "regularizer", "augmentation")

TAGS: tuple[Tag, ...] = (
    Tag("image", NETWORKS, "works on images (C, H, W), and on no vectors: refused for them"),
    Tag("signal", ("discriminator",), "works on signals (C, T), and on no vectors; without `image`, on no images"),
    Tag("volume", ("discriminator",), "works on volumes and videos (C, D, H, W), likewise"),
    Tag(
        "patch",
        ("discriminator",),
        "logits are a map (N, 1, …) with as many axes as the data: `info` prints receptive fields and maps",
    ),
    Tag(
        "needs_labels",
        PARTS,
        "makes the networks conditional: refused for data without classes, warned about with a generator that"
        " takes no labels",
    ),
    Tag(
        "accepts_labels", NETWORKS, "uses labels if the run is conditional; on a generator it satisfies `needs_labels`"
    ),
    Tag(
        "provides_class_logits",
        ("discriminator",),
        "has a class head: satisfies `needs_class_logits`; warned about if nothing trains the head",
    ),
    Tag(
        "needs_class_logits",
        ("regularizer",),
        "reads class logits: refused without a class head; makes the networks conditional",
    ),
    Tag(
        "provides_embedding",
        ("discriminator",),
        "has an embedding and a proxy of each class: satisfies `needs_embedding`; warned about if nothing trains them",
    ),
    Tag(
        "needs_embedding",
        ("regularizer",),
        "reads embeddings and proxies: refused with a discriminator that has none",
    ),
    Tag(
        "batch_coupled_train",
        NETWORKS,
        "in training mode, a sample's output depends on the rest of its batch (BatchNorm): "
        "`train.passes=auto` takes two passes",
    ),
    Tag("batch_coupled_always", NETWORKS, "the same in evaluation mode too (minibatch layers)"),
    Tag(
        "groups_of_four",
        ("discriminator",),
        "more than four samples in a pass must be a multiple of four; other batch sizes are refused",
    ),
    Tag(
        "needs_two_samples",
        (*NETWORKS, "regularizer"),
        "has no value for a single sample (BatchNorm over vectors, pairs of samples): micro-batches of one are refused",
    ),
    Tag(
        "batch_nonlinear",
        PARTS,
        "the value over k micro-batches differs from that over the whole batch; for networks, also one pass "
        "from two. Warned about with `train.accumulate`",
    ),
    Tag(
        "needs_per_sample_independence",
        ("regularizer",),
        "is ill-posed with a batch-coupled discriminator: warned about",
    ),
    Tag("spectral_norm", NETWORKS, "every weight is spectrally normalized: a slope penalty with it is warned about"),
    Tag("limits_slope", ("regularizer",), "limits the critic's slope or pulls it to a target"),
    Tag(
        "needs_lipschitz",
        ("loss",),
        "needs a critic of limited slope: warned about without `spectral_norm` or `limits_slope`",
    ),
    Tag(
        "generator_needs_real",
        ("loss",),
        "relativistic: its generator side gets `real` too, and fakes share the labels of the real batch",
    ),
    Tag("saturating", ("loss",), "G's gradient vanishes where D has won; for people and tests"),
    Tag(
        "exponential",
        ("loss",),
        "an exponential of a logit may overflow: neither value nor gradient need be finite far out; for "
        "people and tests",
    ),
    Tag(
        "paired",
        ("loss",),
        "compares real and fake sample by sample, so their logits must have the same shape; for people and tests",
    ),
    Tag("energy", ("discriminator",), "gives −energy, never above 0: warned about with a loss that does not expect it"),
    Tag("needs_energy", ("loss",), "reads logits as −energy: warned about with a discriminator without `energy`"),
    Tag(
        "multiple_outputs",
        ("discriminator",),
        "has `extra_logits`, so the objective is a sum over several maps: `ganzoo plot run` draws no equilibrium value",
    ),
    Tag("provides_features", ("discriminator",), "`features` is not empty: satisfies `needs_features`"),
    Tag("needs_features", ("regularizer",), "compares features: refused with a discriminator that has none"),
    Tag(
        "provides_style",
        ("generator",),
        "has `mapping(z, labels)` → w and `synthesis(w)` → images: satisfies `needs_style`",
    ),
    Tag("needs_style", ("regularizer",), "refused with a generator that has no style"),
    Tag("needs_images", ("regularizer", "augmentation"), "works only on (C, H, W): refused for vectors"),
    Tag("replaces_generator_loss", ("regularizer",), "is G's whole objective: the loss's own term for G is left out"),
    Tag("replaces_discriminator_loss", ("regularizer",), "likewise of D"),
    Tag(
        "needs_real_output",
        ("regularizer",),
        "needs `real_output` in the generator's step, which costs one more forward pass",
    ),
    Tag(
        "pairs_samples",
        ("regularizer",),
        "compares each fake with the real sample in its place, in the generator's step: in a loop that hands over "
        "fakes, both are augmented alike",
    ),
    Tag(
        "needs_generator",
        ("regularizer",),
        "needs the generator itself, its latents `z` or `generate`: refused in a loop that hands over fakes alone",
    ),
)
"""Every tag there is. Another one, or one that a kind may not carry, is refused when its plugin is loaded."""


RANKS: Mapping[int, str] = MappingProxyType({1: "signal", 2: "image", 3: "volume"})
"""Rank of the data, axes of a sample besides its channels → the tag of what works on them.

A network that carries none of these tags works on data of any shape, vectors among them, whose rank is 0.
"""


def unknown_tags(kind: str, tags: Iterable[str]) -> list[str]:
    """Those that do not exist, or that a component of this kind may not carry."""
    allowed = {tag.name for tag in TAGS if kind in tag.kinds}
    return sorted(set(tags) - allowed)


NO_SUGGESTIONS: Mapping[str, object] = MappingProxyType({})
NO_FAILURES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Component:
    """One component as its plugin announces it. Data only; fields are only ever added.

    Args:
        kind: one of :data:`KINDS`; a kind this version does not know is skipped with a note.
        name: matches ``[a-z0-9]+(-[a-z0-9]+)*``.
        target: import string of the :class:`Options` class, ``"package.module:Class"``. For a recipe, the
            package and the YAML file in it, ``"package:file.yaml"``.
        summary: one line for ``ganzoo list``.
        aliases: other names users bring along.
        tags: capability tags of the *default* options; :meth:`Options.tags` is authoritative.
        suggests: configuration path → value, used where the user says nothing.
        paper: authors, year, arXiv id.
        requires: import names of optional packages it needs.
        deprecated_for: the component to use instead.
        install: what to give to pip for what it requires, where that is not the import names.
        expected_failures: name of a check that the component is known to fail → why it may.

    A recipe has no options. Its file is YAML without anchors, tags and keys that stand twice. Its keys are those of a
    configuration, with values that are allowed. The components that it names are there, and none is deprecated. They
    take the options that it gives them, none of them deprecated. What it asks for fits together, so that a run can be
    planned. It names no file, device or number of threads of one machine.

    A preset is a file too. Its keys are arguments of an Adversary, with values that are allowed. Its first lines are a
    comment that says where the numbers come from. Its components are there and take their options, so that critics are
    made of it. From its start on critics move, and the generator's loss and its gradient are finite.
    """

    kind: str
    name: str
    target: str
    summary: str
    aliases: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    suggests: Mapping[str, object] = field(default_factory=lambda: NO_SUGGESTIONS)
    paper: str | None = None
    requires: tuple[str, ...] = ()
    deprecated_for: str | None = None
    install: str | None = None
    expected_failures: Mapping[str, str] = field(default_factory=lambda: NO_FAILURES)


def __getattr__(name: str) -> Any:
    if name in OPTIONS:
        from ganzoo import options

        return getattr(options, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *OPTIONS])
