"""What a plugin hands over: records about components, and the options class each record points to.

This module is free of torch, so that a plugin's top module can be imported by ``ganzoo list`` in a blink.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from pathlib import Path

    from ganzoo.protocols import Dataset, DataSpec, TrackedRun, Tracker

API_VERSION = 1


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
    Kind(name="recipe", plural="recipes"),
    Kind(name="tracker", plural="trackers"),
    Kind(name="extractor", plural="extractors"),
)

TRACKER = next(kind for kind in KINDS if kind.name == "tracker")
"""No section selects one, and a run may have several: ``--tracker NAME`` asks for it."""

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


class Options(BaseModel):
    """Options of a component: one class gives validation, flags, ``info``, documentation and YAML.

    For a loss the options *are* the loss; for a network :meth:`build` returns the module. They are frozen and refuse
    unknown keys, so a slip of the pen is an error and a run cannot change them. The class has a docstring and every
    option a description: they are what ``ganzoo info`` shows. Whatever options are allowed come back from
    ``config.yaml`` as they were. Options can be pickled, for processes that work together. An option without a default
    must be given, to a check as to a run.
    """

    # Neither NaN nor infinity, unless a field says so: they are slips, and NaN does not even equal itself.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def resolve(self, spec: DataSpec) -> Self:
        """A copy in which what was left ``None`` is filled from the data."""
        return self

    def tags(self) -> frozenset[str]:
        """Capability tags of these options.

        Tags are honest both ways: what a tag says is so, and what is so is said. A tag that is nearly one of those in
        the plugin guide is taken for a mistake.
        """
        return frozenset()

    def build(self, spec: DataSpec) -> Any:
        """The component itself. A component without state returns its options."""
        return self


class RegularizerOptions(Options):
    """Options every regularizer has. Its terms enter the objective as ``weight · every · raw``.

    The step multiplies: a raw term contains neither ``weight`` nor ``every``.
    """

    weight: float = Field(default=1.0, ge=0, description="factor of the term")
    every: int = Field(default=1, ge=1, description="apply at every k-th update of the player, k times as strong")

    def optimizer_correction(self) -> dict[Literal["discriminator", "generator"], float]:
        """Player → c, if Adam's learning rate is to become lr·c and each beta β^c; see StyleGAN2's lazy terms.

        Each c is above 0 and at most 1.
        """
        return {}


class DatasetOptions(Options):
    """Options every dataset has."""

    on_error: Literal["stop", "skip"] = Field(
        default="stop", description="at an item that cannot be read: stop, naming all of them, or skip and list them"
    )

    def open(self, *, image_size: int | None, channels: int | None, split: str, cache: Path) -> Dataset:
        """Open the data. ``None`` leaves size or channels to the dataset, which states them in its ``spec``.

        A size or channels that are asked for are what comes, or a ConfigError or DataError says why not; vectors have
        neither. It has a split ``train``, for a run asks for that one by default. An unknown split is a DataError that
        names those there are. All splits have the same classes and, asked for alike, the same shape. Both answers to
        ``on_error`` are taken; where nothing is broken they mean the same.

        Files are written below ``cache`` and nowhere else; that folder may not be there yet. No global random number is
        drawn, here or in reading.

        Args:
            image_size: width in pixels; height is the same unless the dataset says otherwise.
            channels: 1 gray, 3 RGB.
            split: ``train``, ``val``, ``test``, ``all``, or what else the dataset knows.
            cache: a folder for what is costly to make, such as decoded pictures.

        Raises:
            DataError: the data cannot be read, or have no such split.
            ConfigError: they cannot be had in this size, or with these channels.
        """
        raise NotImplementedError(f"{type(self).__name__} must implement open()")


class TrackerOptions(Options):
    """Options every tracker has: none. Trackers are no part of the configuration; ``--tracker NAME`` asks for one."""

    def start(self, run: TrackedRun) -> Tracker:
        """Begin to follow ``run``, whose folder is there. An error raised here ends the run before it begins."""
        raise NotImplementedError(f"{type(self).__name__} must implement start()")
